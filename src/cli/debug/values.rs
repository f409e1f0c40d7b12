//! Values: `print`, and what is in scopes.

use super::prompt::{Done, Next, Prompt};
use crate::cli::style::Style;
use crate::dap::client::{Group, Purpose};
use crate::dap::protocol::{EvaluateResponse, StackFrame};
use anyhow::bail;
use serde_json::json;

/// Values of one group that are shown.
const SHOWN: usize = 100;
/// Arguments of one frame that a backtrace shows.
const MOST_ARGUMENTS: usize = 8;
/// And how many characters of each.
const LONGEST_ARGUMENT: usize = 40;

/// `/x` before an expression: the letter, and the expression.
pub(super) fn format(arguments: &str) -> anyhow::Result<(Option<char>, &str)> {
    let Some(rest) = arguments.strip_prefix('/') else {
        return Ok((None, arguments));
    };
    let (format, expression) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let letter = match format {
        // An address, and a number with leading zeros.
        "a" | "z" => Some('x'),
        // As its type says.
        "f" | "r" => None,
        "x" | "d" | "u" | "o" | "t" | "c" | "s" => format.chars().next(),
        other => bail!(
            "/{other} is not a format here: there are /x /d /u /o /t /c /s; `x/…` shows memory"
        ),
    };
    Ok((letter, expression.trim()))
}

pub(super) fn print(prompt: &mut Prompt, arguments: &str) -> Done {
    let (letter, expression) = format(arguments)?;
    if expression.is_empty() && prompt.history.is_empty() {
        bail!("print what? `print EXPRESSION`, such as a variable; `info locals` lists them");
    }
    if let Some(shown) = prompt.history.shown(expression)? {
        let (name, type_name, value) = shown.parts();
        return prompt
            .say_value("", &name, type_name.as_deref(), &value)
            .map(|()| Next::Continue);
    }
    let value = prompt.evaluate(expression, letter)?;
    prompt.history.keep(expression, &value);
    prompt.say_value("", expression, value.type_field.as_deref(), &value.result)?;
    // What the value's line leaves out.
    // A pointer is what was asked for; `*` in front of it shows all that is there.
    let is_pointer = value.result.starts_with("0x");
    if value.result.contains('…') && !is_pointer {
        prompt.show_inside(&value, 1)?;
    }
    Ok(Next::Continue)
}

/// A value in a few characters: of a pointer not what it leads to.
fn briefly(value: &str) -> String {
    let value = match value.split_once(" -> ") {
        Some((pointer, _)) if pointer.starts_with("0x") => pointer,
        _ => value,
    };
    match value.char_indices().nth(LONGEST_ARGUMENT) {
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
        None => value.to_owned(),
    }
}

impl Prompt {
    /// The value of an expression where the program is looked at.
    pub(super) fn evaluate(
        &mut self,
        expression: &str,
        letter: Option<char>,
    ) -> anyhow::Result<EvaluateResponse> {
        let mut expression = self.history.replaced(expression)?;
        if let Some(letter) = letter {
            expression = format!("{expression},{letter}");
        }
        let mut arguments = json!({ "expression": expression, "context": "watch" });
        if let Some(frame) = self.selected()? {
            arguments["frameId"] = frame.id.into();
        }
        Ok(self.client.ask("evaluate", arguments)?)
    }

    pub(super) fn say_value(
        &self,
        before: &str,
        name: &str,
        type_name: Option<&str>,
        value: &str,
    ) -> anyhow::Result<()> {
        let name = self.painted(Style::Name, name);
        let told = match type_name {
            Some(type_name) => format!("{before}({type_name}) {name} = {value}"),
            None => format!("{before}{name} = {value}"),
        };
        Ok(self.say(&told)?)
    }

    /// What is inside, so many levels deep.
    pub(super) fn show_inside(&mut self, group: &dyn Group, levels: usize) -> anyhow::Result<()> {
        self.show_group(group, levels, 1)
    }

    fn show_group(
        &mut self,
        group: &dyn Group,
        levels: usize,
        indent: usize,
    ) -> anyhow::Result<()> {
        if levels == 0 {
            return Ok(());
        }
        let inside = self.client.inside(group)?;
        for variable in inside.iter().take(SHOWN) {
            let name = self.painted(Style::Name, &variable.name);
            self.say(&format!(
                "{:1$}{name} = {2}",
                "",
                indent * 2,
                variable.value
            ))?;
            self.show_group(variable, levels - 1, indent + 1)?;
        }
        let more = inside.len().saturating_sub(SHOWN);
        if more > 0 {
            self.say(&format!("{:1$}… {more} more", "", indent * 2))?;
        }
        Ok(())
    }

    /// The variables in scopes for one of these purposes.
    pub(super) fn show_scopes(
        &mut self,
        (purposes, part): (&[Purpose], &str),
        nothing: &str,
    ) -> Done {
        let frame = self.looked_at()?;
        let mut is_empty = true;
        for scope in self.client.scopes(&frame)? {
            if !purposes.contains(&scope.purpose()) {
                continue;
            }
            let inside = self.client.inside(&scope)?.into_iter();
            for variable in inside.filter(|variable| variable.name.contains(part)) {
                is_empty = false;
                let type_name = variable.type_field.as_deref();
                self.say_value("", &variable.name, type_name, &variable.value)?;
            }
        }
        if is_empty {
            self.say(nothing)?;
        }
        Ok(Next::Continue)
    }

    /// The arguments of a frame in a few words; `None` where it has none.
    pub(super) fn arguments_of(&mut self, frame: &StackFrame) -> anyhow::Result<Option<String>> {
        let scopes = self.client.scopes(frame)?;
        let arguments = scopes
            .iter()
            .find(|scope| scope.purpose() == Purpose::Arguments);
        let Some(arguments) = arguments else {
            return Ok(None);
        };
        let inside = self.client.inside(arguments)?;
        let told = inside.iter().take(MOST_ARGUMENTS);
        let mut told: Vec<String> = told
            .map(|argument| format!("{}={}", argument.name, briefly(&argument.value)))
            .collect();
        if inside.len() > MOST_ARGUMENTS {
            told.push("…".to_owned());
        }
        Ok(Some(told.join(", ")).filter(|told| !told.is_empty()))
    }

    /// The arguments and locals of a frame, beneath it.
    pub(super) fn show_variables_of(&mut self, frame: &StackFrame) -> anyhow::Result<()> {
        for scope in self.client.scopes(frame)? {
            if matches!(scope.purpose(), Purpose::Arguments | Purpose::Locals) {
                for variable in self.client.inside(&scope)? {
                    let name = self.painted(Style::Name, &variable.name);
                    self.say(&format!("       {name} = {}", variable.value))?;
                }
            }
        }
        Ok(())
    }

    /// The names of what is in scope.
    pub(super) fn variable_names(&mut self) -> Vec<String> {
        let Ok(Some(frame)) = self.selected() else {
            return Vec::new();
        };
        let mut names = Vec::new();
        for scope in self.client.scopes(&frame).unwrap_or_default() {
            if matches!(scope.purpose(), Purpose::Arguments | Purpose::Locals) {
                let inside = self.client.inside(&scope).unwrap_or_default();
                names.extend(inside.into_iter().map(|variable| variable.name));
            }
        }
        names
    }
}
