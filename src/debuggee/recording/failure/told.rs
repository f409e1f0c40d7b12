//! Faults in words, and what is the same for those of one cause.

use crate::debuggee::failure::{Failure, Fault};
use crate::debuggee::origin::{CodeMoment, WayEnd};

/// What went wrong, as a sentence without its end.
pub(super) fn in_words(fault: &Fault, outcome: &str) -> String {
    match fault {
        Fault::Nothing => format!("the run {outcome}"),
        Fault::GaveUp {
            message,
            panicked: true,
        } => format!("the program panicked: {message}"),
        Fault::GaveUp { message, .. } => format!("the program gave up: {message}"),
        Fault::Unreachable => {
            "the program trapped: it came to `unreachable` (`__builtin_trap`, a failed assertion, or \
             `abort`)"
                .to_owned()
        }
        Fault::OutOfBounds {
            written,
            address,
            memory,
        } => {
            let did = if *written { "wrote" } else { "read" };
            format!(
                "the program {did} memory that there is not: at {address:#x}, and there are \
                 {memory:#x} bytes"
            )
        }
        Fault::NullCall => "the program called a function pointer that is null".to_owned(),
        Fault::WildCall { entry } => format!(
            "the program called a function pointer that is none of its type: entry {entry} of \
             the table"
        ),
        Fault::DivisionByZero => "the program divided by zero".to_owned(),
        Fault::Overflow => "a number does not fit where it was to go".to_owned(),
        Fault::StackOverflow { cycle, frames } => {
            let told = match cycle.as_slice() {
                [only] => format!("{only} calls itself"),
                cycle => format!("{} call each other", cycle.join(", ")),
            };
            format!("the stack is full: {told}, and {frames} calls are open")
        }
        Fault::Deadlock { story, .. } => format!("deadlock: {story}"),
        Fault::Handle { story } => format!("a handle was wrong: {story}"),
        Fault::OutOfMemory { message } => format!("there was no memory left: {message}"),
        Fault::Exit {
            status: Some(status),
        } => format!("the program exited with status {status}"),
        Fault::Exit { status: None } => "the program answered that it failed".to_owned(),
        Fault::Other { message } => format!("the run failed: {message}"),
    }
}

/// The sort of a fault: without the numbers that differ from run to run.
fn sort(fault: &Fault) -> String {
    match fault {
        Fault::GaveUp { message, panicked } => {
            let did = if *panicked { "panicked" } else { "gave up" };
            format!("{did}: {}", without_numbers(message))
        }
        Fault::OutOfBounds { written: true, .. } => "wrote out of bounds".to_owned(),
        Fault::OutOfBounds { written: false, .. } => "read out of bounds".to_owned(),
        Fault::WildCall { .. } => "called a wild function pointer".to_owned(),
        Fault::StackOverflow { cycle, .. } => format!("stack overflow: {}", cycle.join(", ")),
        Fault::Deadlock { functions, .. } => format!("deadlock: {}", functions.join(", ")),
        Fault::Handle { story } => format!("handle: {}", without_numbers(story)),
        Fault::OutOfMemory { .. } => "out of memory".to_owned(),
        Fault::Exit {
            status: Some(status),
        } => format!("exit {status}"),
        Fault::Exit { status: None } => "answered an error".to_owned(),
        Fault::Other { message } => without_numbers(message),
        Fault::Unreachable => "unreachable".to_owned(),
        Fault::NullCall => "called a null function pointer".to_owned(),
        Fault::DivisionByZero => "division by zero".to_owned(),
        Fault::Overflow => "number that does not fit".to_owned(),
        Fault::Nothing => String::new(),
    }
}

/// A text with `#` for each number in it.
fn without_numbers(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let mut told = String::with_capacity(line.len());
    let mut in_number = false;
    for c in line.chars() {
        let is_of_number = c.is_ascii_digit() || (in_number && (c.is_ascii_hexdigit() || c == 'x'));
        if !is_of_number {
            told.push(c);
        } else if !in_number {
            told.push('#');
        }
        in_number = is_of_number;
    }
    told
}

fn place(at: &CodeMoment) -> String {
    match (&at.file, at.line) {
        (Some(file), Some(line)) => {
            let file = file.rsplit('/').next().unwrap_or(file);
            format!("{} {file}:{line}", at.function)
        }
        _ => at.function.clone(),
    }
}

/// Where a way back ends.
fn end_of_way(end: &WayEnd) -> Option<String> {
    Some(match end {
        WayEnd::Constant { at, .. } | WayEnd::Computed { at, .. } => place(at),
        WayEnd::Hostcall { name, part, .. } => format!("{} of {name}", without_numbers(part)),
        WayEnd::Argument { name, part, .. } => format!("{part} of {name}"),
        WayEnd::Initial { .. } => "the program's first data".to_owned(),
        WayEnd::Parts(parts) => end_of_way(&parts.first()?.way.end)?,
        WayEnd::Unknown { .. } => return None,
    })
}

/// What is the same for all failures of one cause.
pub(super) fn cause(failure: &Failure) -> String {
    if !failure.failed {
        return String::new();
    }
    let mut cause = sort(&failure.what);
    let at = failure.at.as_ref().unwrap_or(&failure.end);
    let at = place(at);
    if !at.is_empty() {
        cause.push_str(&format!(" | {at}"));
    }
    let from = failure
        .value
        .as_ref()
        .and_then(|value| end_of_way(&value.way.end));
    if let Some(from) = from {
        cause.push_str(&format!(" | {from}"));
    }
    cause
}

#[cfg(test)]
mod tests {
    use super::without_numbers;

    #[test]
    fn numbers_do_not_tell_causes_apart() {
        for (text, told) in [
            (
                "the len is 3 but the index is 17",
                "the len is # but the index is #",
            ),
            ("at 0x1f4c, and no more", "at #, and no more"),
            ("no numbers\nat all", "no numbers"),
        ] {
            assert_eq!(without_numbers(text), told);
        }
    }
}
