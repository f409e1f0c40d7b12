//! `mark`, `marks`, `unmark`: moments with names.

use super::{ConsoleCommand, Context, Effect, Ran, no_arguments, wrong};

/// Columns that names are filled up to in a list.
const WIDEST: usize = 40;

pub(super) const MARK: ConsoleCommand = ConsoleCommand {
    words: "mark",
    also: &[],
    arguments: "[NAME]",
    about: "give this moment a name, to come back to with `seek NAME`",
    run: mark,
};
pub(super) const MARKS: ConsoleCommand = ConsoleCommand {
    words: "marks",
    also: &[],
    arguments: "",
    about: "list the moments that have names",
    run: marks,
};
pub(super) const UNMARK: ConsoleCommand = ConsoleCommand {
    words: "unmark",
    also: &[],
    arguments: "NAME",
    about: "forget a mark",
    run: unmark,
};

fn mark(context: &mut Context<'_>, name: &str) -> Ran {
    if name.contains(char::is_whitespace) || name.contains(['%', ':']) {
        return Err(wrong("a mark's name is one word, without `%` and `:`"));
    }
    let mark = context.debuggee.mark((!name.is_empty()).then_some(name));
    let moment = context.debuggee.history().moment(mark.event, mark.position);
    Ok(Effect::Say(format!("mark {} is {moment}", mark.name)))
}

fn marks(context: &mut Context<'_>, arguments: &str) -> Ran {
    no_arguments(arguments)?;
    let history = context.debuggee.history();
    let marks = context.debuggee.marks();
    if marks.is_empty() {
        return Ok(Effect::Say(
            "there are no marks; `mark NAME` sets one".into(),
        ));
    }
    let width = marks.iter().map(|mark| mark.name.chars().count()).max();
    // One name that is longer than the others need not push all moments aside.
    let width = width.unwrap_or(0).min(WIDEST);
    let lines = marks.iter().map(|mark| {
        let moment = history.moment(mark.event, mark.position);
        format!("{:width$}  {moment}", mark.name)
    });
    Ok(Effect::Say(lines.collect::<Vec<_>>().join("\n")))
}

fn unmark(context: &mut Context<'_>, name: &str) -> Ran {
    match context.debuggee.unmark(name) {
        true => Ok(Effect::Say(format!("mark {name} is gone"))),
        false => Err(wrong(format!(
            "there is no mark `{name}`; `marks` lists them"
        ))),
    }
}
