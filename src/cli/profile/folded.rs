//! Folded stacks: a line for each, with its ticks; what flame graphs are made of.

use crate::inspect::profile::{Profile, StackId};
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

/// Writes all stacks, sorted: functions from the outermost in, with `;` between them, and
/// how many ticks they had.
pub(super) fn write(profile: &Profile, to: &mut impl Write) -> io::Result<()> {
    let mut ticks: HashMap<StackId, u64> = HashMap::new();
    for (counter, count) in profile.counted() {
        *ticks.entry(counter.stack).or_default() += count;
    }
    let mut lines: BTreeMap<String, u64> = BTreeMap::new();
    for (stack, count) in ticks {
        *lines.entry(line(profile, stack)).or_default() += count;
    }
    for (line, count) in lines {
        writeln!(to, "{line} {count}")?;
    }
    Ok(())
}

fn line(profile: &Profile, stack: StackId) -> String {
    let names = profile.frames_of(stack);
    let names = names.filter_map(|frame| profile.function(frame.function));
    // What ends a name, or a line, cannot be in one.
    let names = names.map(|function| function.name.replace([';', '\n', '\r'], ":"));
    let mut names: Vec<String> = names.collect();
    names.reverse();
    names.join(";")
}
