//! Code lenses: above each function, how often it was called, and ways to its calls.

use super::moments::{GoTo, Which};
use super::recordings::Recording;
use crate::debuggee::{FunctionCounts, grouped};
use lsp_types::{CodeLens, Command, Position, Range};

/// Goes to a moment: the client's, or ours, which tells how to go there.
pub(super) const GO_TO: &str = "rr-dap.goTo";

/// The ways to a function's calls; the second and the third from where a session stands.
const WAYS: [(&str, Which, bool); 4] = [
    ("first", Which::First, false),
    ("previous", Which::Previous, true),
    ("next", Which::Next, true),
    ("last", Which::Last, false),
];

/// The lenses of a file: what each recording that it is of knows.
pub(super) fn lenses<'a>(
    recordings: impl Iterator<Item = &'a Recording>,
    path: &str,
    has_session: bool,
) -> Vec<CodeLens> {
    let known: Vec<_> = recordings
        .filter_map(|recording| Some((recording, recording.counts_of(path)?)))
        .collect();
    let several = known.len() > 1;
    let mut lenses = Vec::new();
    for (recording, counts) in known {
        let name = recording.path().file_name();
        let name = name.filter(|_| several).map(|name| name.to_string_lossy());
        for function in &counts.functions {
            let told = told(function.calls, recording.share_of(path, function.line));
            let told = match &name {
                Some(name) => format!("{name}: {told}"),
                None => told,
            };
            lenses.push(lens(function, told, String::new(), None));
            if function.calls == 0 {
                continue;
            }
            for (title, which, _) in WAYS.into_iter().filter(|way| has_session || !way.2) {
                let go_to = GoTo {
                    recording: recording.path().to_owned(),
                    file: path.to_owned(),
                    line: u64::from(function.line),
                    function: Some(function.name.clone()),
                    which,
                    from: None,
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
fn told(calls: u64, share: Option<f64>) -> String {
    let called = match calls {
        0 => return "never called".to_owned(),
        1 => "called once".to_owned(),
        calls => format!("called {} times", grouped(calls)),
    };
    match share {
        Some(share) if share >= 0.0005 => format!("{called} · {:.1} % of ticks", 100.0 * share),
        Some(_) => format!("{called} · under 0.1 % of ticks"),
        None => called,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_told_as_people_say_it() {
        assert_eq!(told(0, Some(0.0)), "never called");
        assert_eq!(told(1, None), "called once");
        let many = told(1204, Some(0.031));
        assert_eq!(many, "called 1,204 times · 3.1 % of ticks");
        let few = told(2, Some(0.000_001));
        assert_eq!(few, "called 2 times · under 0.1 % of ticks");
        assert_eq!(told(1, Some(1.0)), "called once · 100.0 % of ticks");
    }
}
