//! Values that are shown at each stop.

use super::motion::count;
use super::prompt::{Done, Next, Prompt};
use super::values::format;
use anyhow::bail;

#[derive(Debug)]
struct Display {
    number: usize,
    expression: String,
    /// Of the format, if one was asked for.
    letter: Option<char>,
}

#[derive(Debug, Default)]
pub(super) struct Displays {
    list: Vec<Display>,
    last: usize,
}

pub(super) fn display(prompt: &mut Prompt, arguments: &str) -> Done {
    let (letter, expression) = format(arguments)?;
    if expression.is_empty() {
        for index in 0..prompt.displays.list.len() {
            prompt.show_display(index, true)?;
        }
        return Ok(Next::Continue);
    }
    let value = prompt.evaluate(expression, letter)?;
    prompt.displays.last += 1;
    let number = prompt.displays.last;
    prompt.displays.list.push(Display {
        number,
        expression: expression.to_owned(),
        letter,
    });
    prompt.say(&format!("{number}: {expression} = {}", value.result))?;
    Ok(Next::Continue)
}

/// `info display`
pub(super) fn list(prompt: &mut Prompt) -> Done {
    if prompt.displays.list.is_empty() {
        prompt.say("There are no auto-display expressions now; `display EXPRESSION` sets one.")?;
    }
    display(prompt, "")
}

pub(super) fn undisplay(prompt: &mut Prompt, arguments: &str) -> Done {
    if arguments.is_empty() {
        prompt.displays.list.clear();
    }
    for word in arguments.split_whitespace() {
        let number = count(word)?;
        let before = prompt.displays.list.len();
        prompt
            .displays
            .list
            .retain(|display| display.number != number);
        if prompt.displays.list.len() == before {
            bail!("there is no display {number}; `info display` lists them");
        }
    }
    Ok(Next::Continue)
}

impl Prompt {
    pub(super) fn show_displays(&mut self) -> anyhow::Result<()> {
        for index in 0..self.displays.list.len() {
            self.show_display(index, false)?;
        }
        Ok(())
    }

    /// Shows a value. What has none here is not shown at stops: it has one elsewhere.
    fn show_display(&mut self, index: usize, is_asked_for: bool) -> anyhow::Result<()> {
        let Some(display) = self.displays.list.get(index) else {
            return Ok(());
        };
        let (number, expression) = (display.number, display.expression.clone());
        let value = match self.evaluate(&expression, display.letter) {
            Ok(value) => value.result,
            Err(error) if is_asked_for => format!("({})", crate::cli::told(&error)),
            Err(_) => return Ok(()),
        };
        self.say(&format!("{number}: {expression} = {value}"))?;
        Ok(())
    }
}
