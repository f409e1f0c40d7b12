//! Where to stop, as it is typed: `FILE:LINE`, `LINE`, `FUNCTION`, `*ADDRESS`,
//! `hostcall PATH`, and what follows `if`.

use super::prompt::Prompt;
use crate::dap::protocol::Source;
use crate::debuggee::system::without_node;
use crate::source::is_library;
use anyhow::bail;
use serde_json::Value;

/// Where a breakpoint is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Spot {
    Line {
        source: Source,
        line: usize,
    },
    Function(String),
    Instruction(String),
    /// Something that happens: the server's name of the filter, and what narrows it.
    Event {
        filter: &'static str,
        title: &'static str,
    },
    /// Where a value is written: the server's name of it, and ours.
    Data {
        id: String,
        expression: String,
        /// Whether it stops at writes of the same value, too.
        all: bool,
    },
}

/// A place with its condition.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) spot: Spot,
    pub(super) condition: Option<String>,
}

pub(super) fn parse(prompt: &mut Prompt, text: &str) -> anyhow::Result<Wanted> {
    let (place, condition) = condition(text);
    if let Some(path) = place.strip_prefix("hostcall") {
        if condition.is_some() {
            bail!(
                "a hostcall is stopped at by its path or by a condition: \
                 `catch hostcall CONDITION` takes one, such as $arg0 == 3"
            );
        }
        return Ok(Wanted {
            spot: Spot::Event {
                filter: "hostcall",
                title: "hostcall",
            },
            condition: Some(path.trim().to_owned()).filter(|path| !path.is_empty()),
        });
    }
    Ok(Wanted {
        spot: spot(prompt, place)?,
        condition,
    })
}

/// What comes before `if`, and after; `task N` before it, or at the end, is a condition, too, as
/// `thread N` is in gdb.
pub(super) fn condition(text: &str) -> (&str, Option<String>) {
    let (place, condition) = after_if(text);
    let (before, task) = match place.rsplit_once("task ") {
        Some((before, task)) if before.is_empty() || before.ends_with(' ') => (before, task),
        _ => return (place, condition),
    };
    let Ok(task) = task.trim().parse::<u64>() else {
        return (place, condition);
    };
    let in_task = format!("$task == {task}");
    let condition = match condition {
        Some(condition) => format!("{in_task} && ({condition})"),
        None => in_task,
    };
    (before.trim(), Some(condition))
}

fn after_if(text: &str) -> (&str, Option<String>) {
    if let Some(condition) = text.strip_prefix("if ") {
        return ("", Some(condition.trim().to_owned()));
    }
    match text.split_once(" if ") {
        Some((place, condition)) => (place.trim(), Some(condition.trim().to_owned())),
        None => (text.trim(), None),
    }
}

pub(super) fn spot(prompt: &mut Prompt, place: &str) -> anyhow::Result<Spot> {
    if place.is_empty() {
        let (source, line) = prompt.here()?;
        return Ok(Spot::Line { source, line });
    }
    // Another star begins a pattern for names.
    let address = place.strip_prefix('*').map(str::trim);
    if let Some(address) = address.filter(|at| at.starts_with(|c: char| c.is_ascii_digit())) {
        return Ok(Spot::Instruction(address.to_owned()));
    }
    if let Ok(line) = place.parse() {
        let source = prompt.usual_source()?;
        return Ok(Spot::Line { source, line });
    }
    let file_line = place.rsplit_once(':');
    match file_line.and_then(|(file, line)| Some((file, line.trim().parse().ok()?))) {
        Some((file, line)) => Ok(Spot::Line {
            source: prompt.source_named(file.trim())?,
            line,
        }),
        None => Ok(Spot::Function(place.to_owned())),
    }
}

/// What a source is called.
pub(super) fn name(source: &Source) -> &str {
    let name = source.name.as_deref().or(source.path.as_deref());
    name.unwrap_or("a source without a name")
}

/// The path of a source; of one whose text is the server's, that in the debug information.
pub(super) fn whole_path(source: &Source) -> &str {
    let path = text_of_server(source).map(|(_, path)| path);
    source.path.as_deref().or(path).unwrap_or_default()
}

/// The path of a source that is nowhere: its text is made up of what is known of it.
pub(super) fn missing_path(source: &Source) -> Option<&str> {
    let (_, path) = text_of_server(source).filter(|(kind, _)| ["names", "lines"].contains(kind))?;
    Some(path)
}

/// Which kind of text the server has for a source, and of which path.
fn text_of_server(source: &Source) -> Option<(&str, &str)> {
    let text = source.adapter_data.as_ref().and_then(Value::as_str)?;
    let (kind, rest) = without_node(text).split_once(' ')?;
    let (_module, rest) = rest.split_once(' ')?;
    match kind {
        "text" | "names" => Some((kind, rest)),
        // A function's instructions on its lines.
        "lines" => Some((kind, rest.split_once(' ')?.1)),
        _ => None,
    }
}

/// The server names what helps by the arguments of `launch`: at the prompt it is options and
/// commands.
pub(super) fn in_own_words(told: &str) -> String {
    let told = told.replace(
        "`sourceMap` says where",
        "`directory DIR` or --source-map FROM=TO says where",
    );
    let told = told.replace("`rr help`", "`help`");
    told.replace("`sourceMap`", "--source-map FROM=TO")
}

impl Prompt {
    /// The source whose path ends so.
    fn source_named(&mut self, wanted: &str) -> anyhow::Result<Source> {
        let mut found = self.sources_named(wanted)?;
        if found.is_empty() && self.look_at_all()? {
            found = self.sources_named(wanted)?;
        }
        match found.as_slice() {
            [one] => Ok(one.clone()),
            [] => bail!("no source is named {wanted}; `info sources` lists those that have code"),
            several => {
                // Libraries have a `lib.rs`, too: who names one means their own.
                let mut own = several.iter().filter(|of| !is_library(whole_path(of)));
                if let (Some(one), None) = (own.next(), own.next()) {
                    return Ok(one.clone());
                }
                let paths: Vec<&str> = several.iter().map(whole_path).collect();
                bail!("several sources are named {wanted}: {}", paths.join(", "))
            }
        }
    }

    fn sources_named(&mut self, wanted: &str) -> anyhow::Result<Vec<Source>> {
        let known = self.sources()?;
        let path = |source: &Source| whole_path(source).to_owned();
        let ends = |source: &&Source| {
            let whole = path(source);
            let rest = whole.strip_suffix(wanted);
            rest.is_some_and(|rest| {
                rest.is_empty() || rest.ends_with('/') || wanted.starts_with('/')
            }) || source.name.as_deref() == Some(wanted)
        };
        Ok(known.iter().filter(ends).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::condition;

    #[test]
    fn a_condition_follows_if() {
        for (text, place, wanted) in [
            ("main", "main", None),
            ("ledger.c:3 if a == 1", "ledger.c:3", Some("a == 1")),
            ("if x", "", Some("x")),
            ("iffy", "iffy", None),
            ("wait task 2", "wait", Some("$task == 2")),
            ("wait task 2 if a", "wait", Some("$task == 2 && (a)")),
            ("task 2", "", Some("$task == 2")),
            ("task", "task", None),
            ("a.c:3 task two", "a.c:3 task two", None),
            ("multitask 2", "multitask 2", None),
        ] {
            assert_eq!(condition(text), (place, wanted.map(str::to_owned)));
        }
    }
}
