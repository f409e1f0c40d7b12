//! What is shown in place of a source that is nowhere: a text with the lines of that source,
//! in which the instructions of a function stand on the lines that they come from.

use super::Recording;
use super::sources::remedy;
use crate::component::ModuleId;
use crate::source::FileId;
use crate::timeline::Module;
use std::collections::BTreeMap;

/// Sources have fewer lines.
const MOST_LINES: u32 = 200_000;
/// A note that is so many lines above what is looked at is seen.
const NEAR: u32 = 5;
/// Instructions on one line.
const SHOWN: usize = 12;

/// The lines of a text as far as something is on them.
#[derive(Default)]
struct Lines(BTreeMap<u32, Vec<String>>);

impl Lines {
    fn put(&mut self, line: u32, words: String) {
        if (1..=MOST_LINES).contains(&line) {
            let known = self.0.entry(line).or_default();
            if known.len() <= SHOWN && known.last() != Some(&words) {
                known.push(words);
            }
        }
    }

    /// The nearest line before this one that nothing is on, if it is near.
    fn free_above(&self, line: u32) -> Option<u32> {
        let above = line.checked_sub(NEAR).map_or(2, |from| from.max(2))..line;
        above.rev().find(|line| !self.0.contains_key(line))
    }

    fn text(mut self, first: String) -> String {
        self.0.entry(1).or_default().insert(0, first);
        let mut text = String::new();
        let mut next = 1;
        for (line, mut words) in self.0 {
            while next < line {
                text.push('\n');
                next += 1;
            }
            if words.len() > SHOWN {
                words.truncate(SHOWN);
                words.push("…".to_owned());
            }
            text.push_str("// ");
            text.push_str(&words.join("; "));
        }
        text.push('\n');
        text
    }
}

impl Recording {
    /// The text that stands for a source.
    pub(super) fn stand_in(
        &self,
        id: ModuleId,
        function: Option<u32>,
        path: &str,
    ) -> Option<String> {
        let module = self.timeline.module(id)?;
        let file = module.source.file_named(path)?;
        let mut lines = Lines::default();
        for function in module.source.functions() {
            if let Some(declared) = function.declared.filter(|at| at.file == file) {
                let name = module.source.spelled(function.entry_pc, &function.name);
                lines.put(declared.line, name);
            }
        }
        let mut shown = None;
        let what = match function {
            Some(function) => {
                shown = self.put_instructions(&mut lines, id, module, function, file);
                "below are the instructions of the function that is shown, on their lines"
            }
            None => "below are the names of its functions",
        };
        let name = one_line(path);
        let note = format!("{name} is not here; {}; {what}", remedy(path));
        // An editor shows the present line, which may be far from the first.
        if let Some(above) = shown.and_then(|first| lines.free_above(first)) {
            lines.put(above, note.clone());
        }
        Some(lines.text(note))
    }

    /// Answers the first line that the function's own instructions are on.
    fn put_instructions(
        &self,
        lines: &mut Lines,
        id: ModuleId,
        module: &Module,
        function: u32,
        file: FileId,
    ) -> Option<u32> {
        let listing = self.listing(id, function)?;
        let mut first = None;
        for (pc, text) in listing.instructions() {
            let own = module.source.line_at(pc).filter(|at| at.line != 0);
            if let Some(own) = own.filter(|at| at.file == file) {
                lines.put(own.line, format!("{pc:#x} {text}"));
                first = first.into_iter().chain([own.line]).min();
            }
            for call in module.source.inlined_at(pc) {
                if let Some(site) = call.call_site.filter(|at| at.file == file) {
                    let name = module.source.spelled(pc, &call.name);
                    lines.put(site.line, format!("({name} is inlined here)"));
                }
            }
        }
        first
    }
}

/// A path may be anything.
fn one_line(path: &str) -> String {
    path.replace(|c: char| c.is_control(), " ")
}
