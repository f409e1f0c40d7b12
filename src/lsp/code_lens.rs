//! Code lenses: above each function, how often it was called, and ways to its calls.

use super::recordings::Recording;
use crate::debuggee::{FunctionCounts, grouped};
use lsp_types::{CodeLens, Command, Position, Range};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Goes to a moment: the client's, or ours, which tells how to go there.
pub(super) const GO_TO: &str = "rr-dap.goTo";

/// Which of the visits of a line, or the calls of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Which {
    First,
    Last,
}

/// What a command goes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GoTo {
    /// In which recording.
    pub recording: PathBuf,
    /// A line of a source on the client's machine, from 1.
    pub file: String,
    pub line: u64,
    /// The function that is declared there: its calls are meant, not the line's visits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    pub which: Which,
}

/// The lenses of a file: what each recording that it is of knows.
pub(super) fn lenses<'a>(
    recordings: impl Iterator<Item = &'a Recording>,
    path: &str,
) -> Vec<CodeLens> {
    let known: Vec<_> = recordings
        .filter_map(|recording| Some((recording, recording.counts_of(path)?)))
        .collect();
    let several = known.len() > 1;
    let mut lenses = Vec::new();
    for (recording, (counts, ticks)) in known {
        let name = recording.path().file_name();
        let name = name.filter(|_| several).map(|name| name.to_string_lossy());
        for function in &counts.functions {
            let told = told(function, ticks);
            let told = match &name {
                Some(name) => format!("{name}: {told}"),
                None => told,
            };
            lenses.push(lens(function, told, String::new(), None));
            if function.calls == 0 {
                continue;
            }
            for (title, which) in [("first", Which::First), ("last", Which::Last)] {
                let go_to = GoTo {
                    recording: recording.path().to_owned(),
                    file: path.to_owned(),
                    line: u64::from(function.line),
                    function: Some(function.name.clone()),
                    which,
                };
                let arguments = serde_json::to_value(go_to).ok().map(|a| vec![a]);
                lenses.push(lens(
                    function,
                    title.to_owned(),
                    GO_TO.to_owned(),
                    arguments,
                ));
            }
        }
    }
    lenses
}

fn lens(
    function: &FunctionCounts,
    title: String,
    command: String,
    arguments: Option<Vec<serde_json::Value>>,
) -> CodeLens {
    let at = Position::new(function.line.saturating_sub(1), 0);
    CodeLens {
        range: Range::new(at, at),
        command: Some(Command {
            title,
            command,
            arguments,
        }),
        data: None,
    }
}

/// `called 1,204 times · 3.1 % of ticks`
fn told(function: &FunctionCounts, all_ticks: u64) -> String {
    let called = match function.calls {
        0 => "never called".to_owned(),
        1 => "called once".to_owned(),
        calls => format!("called {} times", grouped(calls)),
    };
    match function.ticks.filter(|_| function.calls > 0) {
        Some(ticks) => format!("{called} · {} of ticks", share(ticks, all_ticks)),
        None => called,
    }
}

/// In percent: `3.1 %`, `under 0.1 %`.
pub(super) fn share(part: u64, whole: u64) -> String {
    let percent = 100.0 * part as f64 / whole.max(1) as f64;
    match percent {
        percent if percent >= 0.05 => format!("{percent:.1} %"),
        _ => "under 0.1 %".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_told_as_people_say_it() {
        let counts = |calls, ticks| FunctionCounts {
            name: "f".to_owned(),
            line: 1,
            calls,
            ticks,
        };
        assert_eq!(told(&counts(0, Some(0)), 10), "never called");
        assert_eq!(told(&counts(1, None), 10), "called once");
        assert_eq!(
            told(&counts(1204, Some(31)), 1000),
            "called 1,204 times · 3.1 % of ticks"
        );
        assert_eq!(
            told(&counts(2, Some(1)), 1_000_000),
            "called 2 times · under 0.1 % of ticks"
        );
    }
}
