//! Finding line starts while the guest runs.
//!
//! A line starts at a row of the line table if the instruction that the same frame
//! ran before belongs to another line. Rows are watched, and where branches lead to
//! the middle of a line: so what starts where does not depend on where a search
//! begins. Forward, the first line start in the frame
//! where the step began, or in a frame below it, is where a step stops; backward
//! it is the last one. Both see the same line starts, so a step back undoes a
//! step.

use crate::replay::ModuleId;
use crate::replay::frames::Frame;
use crate::timeline::processes::wire::found::{Hit, Reached};
use crate::timeline::processes::wire::run::{FunctionRows, LineWatch};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What is at a place that is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// The function's first instruction, where no line begins.
    Entry,
    /// A row of the line table, of this line.
    Row(u64),
    /// The middle of this line.
    Landing(Option<u64>),
}

/// Follows the lines of the frames that count.
pub(super) struct LineTracker {
    functions: Vec<FunctionRows>,
    /// What is watched, with the function that it is in.
    places: HashMap<(ModuleId, u32), (usize, Mark)>,
    /// The deepest frame that counts: sinks as frames return.
    limit: u32,
    /// The line that each frame, by depth, is in.
    lines: BTreeMap<u32, u64>,
    /// The last line start of each frame, by depth.
    starts: BTreeMap<u32, Hit>,
    /// Where functions with lines begin, for a step into them.
    beginnings: HashSet<(ModuleId, u32)>,
    /// The depths at which functions that are still there have been entered.
    entered: BTreeSet<u32>,
    /// A call before which a forward step stops, too: its depth and place.
    call: Option<(u32, ModuleId, u32)>,
    /// The last line start of all, whatever became of its frame.
    latest: Option<Hit>,
}

impl LineTracker {
    /// Begins where the guest stands, with these frames, innermost first.
    pub(super) fn new(watch: LineWatch, frames: &[Frame]) -> LineTracker {
        let mut places = HashMap::new();
        for (i, function) in watch.functions.iter().enumerate() {
            places.insert((function.module, function.entry), (i, Mark::Entry));
            for pc in &function.landings {
                let mark = Mark::Landing(function.line_at(*pc));
                places.insert((function.module, *pc), (i, mark));
            }
            for (pc, line) in &function.rows {
                places.insert((function.module, *pc), (i, Mark::Row(*line)));
            }
        }
        let mut lines = BTreeMap::new();
        for (i, frame) in frames.iter().enumerate() {
            let depth = (frames.len() - i) as u32;
            let line = watch
                .functions
                .iter()
                .filter(|f| f.module == frame.module)
                .find_map(|f| f.line_at(frame.pc));
            if let Some(line) = line
                && depth <= watch.depth
            {
                lines.insert(depth, line);
            }
        }
        LineTracker {
            functions: watch.functions,
            places,
            limit: watch.depth,
            lines,
            starts: BTreeMap::new(),
            beginnings: HashSet::new(),
            entered: BTreeSet::new(),
            call: watch.call,
            latest: None,
        }
    }

    /// The places to stop at.
    pub(super) fn places(&self) -> impl Iterator<Item = (ModuleId, u32)> + '_ {
        let call = self.call.map(|(_, module, pc)| (module, pc));
        self.places.keys().copied().chain(call)
    }

    /// A step into calls stops where these functions begin, too.
    pub(super) fn begin_at(&mut self, places: &[(ModuleId, u32)]) {
        self.beginnings.extend(places);
    }

    /// The guest is before the instruction at `pc`, with `at.position.depth`
    /// frames. Answers whether a forward step stops here.
    pub(super) fn arrive(&mut self, module: ModuleId, pc: u32, at: Reached) -> bool {
        let depth = at.position.depth;
        if depth <= self.limit && self.call == Some((depth, module, pc)) {
            return true;
        }
        let Some((function, mark)) = self.places.get(&(module, pc)).copied() else {
            // A function is entered that the step did not begin in; or a breakpoint has
            // slipped forward from code that no one can reach.
            return self.beginnings.contains(&(module, pc));
        };
        let is_entry = self.functions.get(function).is_some_and(|f| f.entry == pc);
        if is_entry {
            self.forget(depth);
            // Another call at the depth of a frame that counted: that one has
            // returned.
            self.limit = self.limit.min(depth.saturating_sub(1));
        }
        let Mark::Row(line) = mark else {
            self.land(depth, mark);
            return false;
        };
        if depth > self.limit {
            return self.beginnings.contains(&(module, pc));
        }
        self.limit = depth;
        self.note(depth, line, at)
    }

    /// The same for a search for the last line start: frames come and go, the
    /// limit stays.
    pub(super) fn pass(&mut self, module: ModuleId, pc: u32, at: Reached) {
        let depth = at.position.depth;
        let Some((function, mark)) = self.places.get(&(module, pc)).copied() else {
            return;
        };
        if depth > self.limit {
            return;
        }
        if self.functions.get(function).is_some_and(|f| f.entry == pc) {
            self.enter(depth);
        }
        match mark {
            Mark::Row(line) => _ = self.note(depth, line, at),
            mark => self.land(depth, mark),
        }
    }

    /// A branch has come to the middle of a line: that is not a start.
    fn land(&mut self, depth: u32, mark: Mark) {
        let Mark::Landing(line) = mark else { return };
        if depth > self.limit {
            return;
        }
        self.forget(depth + 1);
        match line {
            Some(line) => _ = self.lines.insert(depth, line),
            None => _ = self.lines.remove(&depth),
        }
    }

    fn enter(&mut self, depth: u32) {
        self.forget(depth);
        self.entered.split_off(&depth);
        self.entered.insert(depth);
    }

    /// The search ends before the instruction at `pc`. If that is a function's first, what
    /// was at its depth has returned.
    pub(super) fn end(&mut self, module: ModuleId, pc: u32, depth: u32) {
        let place = self.places.get(&(module, pc));
        let function = place.and_then(|(function, _)| self.functions.get(*function));
        if function.is_some_and(|f| f.entry == pc) && depth <= self.limit {
            self.enter(depth);
        }
    }

    /// The deepest of the frames that count which were there before the search
    /// began: of what ran before that, only those are still there.
    pub(super) fn depth_before(&self) -> u32 {
        match self.entered.first() {
            Some(entered) if self.limit < u32::MAX => entered.saturating_sub(1),
            _ => self.limit,
        }
    }

    /// Forgets the frames from this depth on: they have returned.
    fn forget(&mut self, depth: u32) {
        self.lines.split_off(&depth);
        self.starts.split_off(&depth);
    }

    fn note(&mut self, depth: u32, line: u64, at: Reached) -> bool {
        self.forget(depth + 1);
        let starts = self.lines.insert(depth, line) != Some(line);
        if starts {
            let hit = Hit::plain(at);
            self.latest = Some(hit.clone());
            self.starts.insert(depth, hit);
        }
        starts
    }

    /// The last line start of the frames that are still there; of all, where all
    /// count.
    pub(super) fn last(&self) -> Option<Hit> {
        if self.limit == u32::MAX {
            return self.latest.clone();
        }
        self.starts
            .values()
            .max_by_key(|hit| hit.at.position)
            .cloned()
    }
}
