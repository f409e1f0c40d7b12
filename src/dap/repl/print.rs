//! `print`: for those who write it in front of expressions.

use super::{ConsoleCommand, Context, Effect, Ran, wrong};
use crate::debuggee::{EvaluateContext, Format};
use crate::inspect::Notation;

pub(super) const PRINT: ConsoleCommand = ConsoleCommand {
    words: "print",
    also: &["p", "inspect"],
    arguments: "[/FORMAT] EXPRESSION",
    about: "the value of an expression, as without this word; formats x d u o t c s",
    run: print,
};

fn print(context: &mut Context<'_>, arguments: &str) -> Ran {
    let (letter, expression) = match arguments.strip_prefix('/') {
        Some(rest) => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        None => ("", arguments),
    };
    let mut letters = letter.chars();
    let notation = match (letters.next(), letters.next()) {
        (None, _) => Notation::Natural,
        (Some(letter), None) => Notation::of_letter(letter)
            .ok_or_else(|| wrong(format!("/{letter} is not a format: x d u o t c s")))?,
        _ => return Err(wrong("one letter is a format: x d u o t c s")),
    };
    let value = context.debuggee.evaluate(
        expression.trim(),
        context.frame,
        EvaluateContext::Repl,
        Format { notation },
    )?;
    Ok(Effect::Show(Box::new(value)))
}
