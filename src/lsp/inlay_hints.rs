//! Inlay hints: at each line that ran, how often.

use super::documents::end_of;
use super::recordings::Recording;
use crate::debuggee::grouped;
use lsp_types::{InlayHint, InlayHintLabel, InlayHintTooltip, Position, Range};
use std::collections::BTreeMap;

/// Behind any line's end: a client takes it back to the end.
const FAR: u32 = 10_000;

/// The hints of a range of lines: of all recordings together.
pub(super) fn hints<'a>(
    recordings: impl Iterator<Item = &'a Recording>,
    path: &str,
    lines: &[&str],
    range: Range,
    show_unrun: bool,
) -> Vec<InlayHint> {
    let wanted = range.start.line..=range.end.line;
    // Lines of debug information count from one.
    let from_one = wanted.start().saturating_add(1)..=wanted.end().saturating_add(1);
    let mut visits: BTreeMap<u32, u64> = BTreeMap::new();
    for recording in recordings {
        let Some(counts) = recording.counts_of(path) else {
            continue;
        };
        for (line, count) in counts.lines.range(from_one.clone()) {
            *visits.entry(line - 1).or_default() += count;
        }
    }
    visits
        .into_iter()
        .filter(|(_, count)| *count > 0 || show_unrun)
        .map(|(line, count)| hint(line, end_of(lines, line).unwrap_or(FAR), count))
        .collect()
}

fn hint(line: u32, column: u32, count: u64) -> InlayHint {
    let tooltip = match count {
        0 => "has never run".to_owned(),
        1 => "ran once".to_owned(),
        count => format!("ran {} times", grouped(count)),
    };
    InlayHint {
        position: Position::new(line, column),
        label: InlayHintLabel::String(format!("×{}", grouped(count))),
        kind: None,
        text_edits: None,
        tooltip: Some(InlayHintTooltip::String(tooltip)),
        padding_left: Some(true),
        padding_right: None,
        data: None,
    }
}
