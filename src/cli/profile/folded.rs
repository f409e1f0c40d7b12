//! Folded stacks: a line for each, with its ticks; what flame graphs are made of.

use crate::inspect::profile::{Profile, StackId};
use std::collections::HashMap;
use std::io::{self, Write};

/// Writes all stacks, sorted: functions from the outermost in, with `;` between them, and
/// how many ticks they had.
pub(super) fn write(profile: &Profile, to: &mut impl Write) -> io::Result<()> {
    let mut ticks: HashMap<StackId, u64> = HashMap::new();
    for (counter, count) in profile.counted() {
        *ticks.entry(counter.stack).or_default() += count;
    }
    // What ends a name, or a line, cannot be in one.
    let names = profile.functions().iter();
    let names = names.map(|function| function.name.replace([';', '\n', '\r'], ":"));
    let names: Vec<String> = names.collect();
    let ticks = ticks.into_iter();
    let lines = ticks.map(|(stack, count)| (line(profile, &names, stack), count));
    let mut lines: Vec<(String, u64)> = lines.collect();
    lines.sort_unstable();
    // Stacks of other lines of the same functions are one.
    for same in lines.chunk_by(|(a, _), (b, _)| a == b) {
        let count: u64 = same.iter().map(|(_, count)| count).sum();
        if let Some((line, _)) = same.first() {
            writeln!(to, "{line} {count}")?;
        }
    }
    Ok(())
}

fn line(profile: &Profile, names: &[String], stack: StackId) -> String {
    let frames = profile.frames_of(stack);
    let called = frames.filter_map(|frame| names.get(frame.function.0 as usize));
    let mut called: Vec<&str> = called.map(String::as_str).collect();
    called.reverse();
    called.join(";")
}
