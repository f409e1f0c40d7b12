//! Finding line starts while the guest runs.
//!
//! A line starts at a row of the line table if the instruction that the same frame
//! ran before belongs to another line. Rows are watched, and where branches lead to
//! the middle of a line: so what starts where does not depend on where a search
//! begins. Forward, the first line start in the frame
//! where the step began, or in a frame below it, is where a step stops; backward
//! it is the last one. Both see the same line starts, so a step back undoes a
//! step.
//!
//! The body of an inlined call that does not count is a part of the line that calls it,
//! which starts where the body begins, if nothing of that line ran before.

use crate::replay::ModuleId;
use crate::replay::frames::Frame;
use crate::source::BodyNumber;
use crate::timeline::processes::wire::found::{Hit, Reached};
use crate::timeline::processes::wire::rows::{BodyLine, FunctionRows, Row, Sight};
use crate::timeline::processes::wire::run::{LineWatch, OutOf};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What is at a place that is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// The function's first instruction, where no line begins.
    Entry,
    /// The row with this number.
    Row(usize),
    /// The middle of a line.
    Landing,
}

/// What it means that a frame comes to a place.
#[derive(Debug, Clone, Copy)]
struct Coming {
    /// The line that the frame is in from there on.
    line: Option<BodyLine>,
    /// Whether a line may start there.
    is_start: bool,
    /// If it does: how many of the calls that begin there are still ahead.
    starts: Option<u32>,
}

/// What is known of frames.
#[derive(Debug, Clone, Default)]
pub(super) struct Followed {
    /// The line that each frame, by depth, is in.
    lines: BTreeMap<u32, BodyLine>,
    /// The last line start of each frame, by depth.
    starts: BTreeMap<u32, Hit>,
    /// The depths at which functions that are still there have been entered.
    entered: BTreeSet<u32>,
    /// The last line start of all, whatever became of its frame.
    latest: Option<Hit>,
}

/// Follows the lines of the frames that count.
pub(super) struct LineTracker {
    functions: Vec<FunctionRows>,
    sight: Sight,
    /// What is watched, with the function that it is in.
    places: HashMap<(ModuleId, u32), (usize, Mark)>,
    /// The deepest frame that counts: sinks as frames return.
    limit: u32,
    frames: Followed,
    /// Where functions with lines begin, for a step into them.
    beginnings: HashSet<(ModuleId, u32)>,
    /// A call before which a forward step stops, too: its depth and place.
    call: Option<(u32, ModuleId, u32)>,
    /// The body that the search goes back out of.
    out_of: Option<OutOf>,
}

impl LineTracker {
    /// Begins where the guest stands, with these frames, innermost first.
    pub(super) fn new(watch: LineWatch, frames: &[Frame]) -> LineTracker {
        let mut places = HashMap::new();
        for (i, function) in watch.functions.iter().enumerate() {
            places.insert((function.module, function.entry), (i, Mark::Entry));
            for pc in &function.landings {
                places.insert((function.module, *pc), (i, Mark::Landing));
            }
            for (number, row) in function.rows.iter().enumerate() {
                let place = (function.module, row.pc);
                let may_be_passed = matches!(places.get(&place), Some((_, Mark::Landing)));
                if may_be_passed || watch.sight.minds(function, row) {
                    places.insert(place, (i, Mark::Row(number)));
                }
            }
        }
        let mut lines = BTreeMap::new();
        for (i, frame) in frames.iter().enumerate() {
            let depth = (frames.len() - i) as u32;
            let mut functions = watch.functions.iter();
            let line = functions
                .find(|f| f.module == frame.module && f.row_around(frame.pc).is_some())
                .and_then(|f| f.line_at(frame.pc, watch.sight.body(f, depth)));
            if let Some(line) = line
                && depth <= watch.depth
            {
                lines.insert(depth, line);
            }
        }
        LineTracker {
            functions: watch.functions,
            sight: watch.sight,
            places,
            limit: watch.depth,
            frames: Followed {
                lines,
                ..Followed::default()
            },
            beginnings: HashSet::new(),
            call: watch.call,
            out_of: watch.out_of,
        }
    }

    /// The places to stop at.
    pub(super) fn places(&self) -> impl Iterator<Item = (ModuleId, u32)> + '_ {
        let call = self.call.map(|(_, module, pc)| (module, pc));
        self.places.keys().copied().chain(call)
    }

    /// What is known of the frames where the search begins.
    pub(super) fn followed(&self) -> Followed {
        self.frames.clone()
    }

    /// Does something with what is known of certain frames.
    pub(super) fn following<T>(
        &mut self,
        frames: &mut Followed,
        act: impl FnOnce(&mut LineTracker) -> T,
    ) -> T {
        std::mem::swap(&mut self.frames, frames);
        let done = act(self);
        std::mem::swap(&mut self.frames, frames);
        done
    }

    /// A step into calls stops where these functions begin, too.
    pub(super) fn begin_at(&mut self, places: &[(ModuleId, u32)]) {
        self.beginnings.extend(places);
    }

    /// The guest is before the instruction at `pc`, with `at.position.depth`
    /// frames. Answers whether a forward step stops here.
    pub(super) fn arrive(&mut self, module: ModuleId, pc: u32, at: Reached) -> Option<Hit> {
        let depth = at.position.depth;
        if depth <= self.limit && self.call == Some((depth, module, pc)) {
            return Some(Hit::plain(at));
        }
        let begins = self.beginnings.contains(&(module, pc));
        let Some((function, mark)) = self.places.get(&(module, pc)).copied() else {
            // A function is entered that the step did not begin in; or a breakpoint has
            // slipped forward from code that no one can reach.
            return begins.then(|| Hit::plain(at));
        };
        if self.is_entry(function, pc) {
            self.forget(depth);
            // Another call at the depth of a frame that counted: that one has
            // returned.
            self.limit = self.limit.min(depth.saturating_sub(1));
        }
        if depth > self.limit {
            let is_row = matches!(mark, Mark::Row(_));
            return (is_row && begins).then(|| Hit::plain(at));
        }
        let coming = self.coming(function, mark, pc, depth)?;
        if coming.is_start {
            self.limit = depth;
        }
        self.note(depth, coming, at)
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
        if self.is_entry(function, pc) {
            self.enter(depth);
        }
        if let Some(coming) = self.coming(function, mark, pc, depth) {
            _ = self.note(depth, coming, at);
        }
    }

    fn is_entry(&self, function: usize, pc: u32) -> bool {
        self.functions.get(function).is_some_and(|f| f.entry == pc)
    }

    /// What a place means to the frame at a depth that counts; nothing where no line is.
    fn coming(&self, function: usize, mark: Mark, pc: u32, depth: u32) -> Option<Coming> {
        let function = self.functions.get(function)?;
        let before = self.frames.lines.get(&depth).copied();
        let row = match mark {
            Mark::Entry => return None,
            Mark::Row(number) => function.rows.get(number),
            Mark::Landing => function.row_around(pc),
        };
        let Some(row) = row else {
            return Some(Coming {
                line: None,
                is_start: false,
                starts: None,
            });
        };
        let is_row = matches!(mark, Mark::Row(_));
        if let Some(out_of) = self.out_of.filter(|out_of| out_of.calls_only) {
            let counts = out_of.depth == depth;
            let coming = coming_to_call(function, row, is_row, before, out_of.body);
            return Some(Coming {
                is_start: coming.is_start && counts,
                starts: coming.starts.filter(|_| counts),
                ..coming
            });
        }
        let coming = match self.sight.body(function, depth) {
            None => coming_in_sight(function, row, is_row, before),
            Some(from) => coming_seen_from(function, row, is_row, before, from),
        };
        Some(coming)
    }

    fn enter(&mut self, depth: u32) {
        self.forget(depth);
        self.frames.entered.split_off(&depth);
        self.frames.entered.insert(depth);
    }

    /// The search ends before the instruction at `pc`. If that is a function's first, what
    /// was at its depth has returned; if a body begins there which the search leaves, the line
    /// that calls it may start there.
    pub(super) fn end(&mut self, module: ModuleId, pc: u32, at: Reached) {
        let depth = at.position.depth;
        let functions = self.functions.iter().enumerate();
        let mut around =
            functions.filter(|(_, f)| f.module == module && (f.entry..f.end).contains(&pc));
        let Some((number, _)) = around.next() else {
            return;
        };
        if self.is_entry(number, pc) && depth <= self.limit {
            self.enter(depth);
        }
        let Some(function) = self.functions.get(number) else {
            return;
        };
        let out_of = self
            .out_of
            .filter(|out_of| out_of.at_bound && out_of.depth == depth);
        let Some(OutOf {
            body, calls_only, ..
        }) = out_of
        else {
            return;
        };
        let before = self.frames.lines.get(&depth).copied();
        let was_inside = before.is_some_and(|before| function.is_within(before.body, body));
        let row = function.row_around(pc).filter(|row| row.pc == pc);
        let (Some(row), Some(call)) = (row, function.call_of(body)) else {
            return;
        };
        let begins = function.begins(row, body) && !was_inside;
        if begins && (calls_only || before != Some(call)) {
            let hit = Hit {
                unbegun: Some(function.levels(row.at.body, call.body)),
                ..Hit::plain(at)
            };
            self.frames.latest = Some(hit.clone());
            self.frames.starts.insert(depth, hit);
        }
    }

    /// The deepest of the frames that count which were there before the search
    /// began: of what ran before that, only those are still there.
    pub(super) fn depth_before(&self) -> u32 {
        match self.frames.entered.first() {
            Some(entered) if self.limit < u32::MAX => entered.saturating_sub(1),
            _ => self.limit,
        }
    }

    /// Forgets the frames from this depth on: they have returned.
    fn forget(&mut self, depth: u32) {
        self.frames.lines.split_off(&depth);
        self.frames.starts.split_off(&depth);
    }

    fn note(&mut self, depth: u32, coming: Coming, at: Reached) -> Option<Hit> {
        self.forget(depth + 1);
        match coming.line {
            Some(line) => _ = self.frames.lines.insert(depth, line),
            None => _ = self.frames.lines.remove(&depth),
        }
        let hit = coming.starts.map(|unbegun| Hit {
            unbegun: Some(unbegun),
            ..Hit::plain(at)
        })?;
        self.frames.latest = Some(hit.clone());
        self.frames.starts.insert(depth, hit.clone());
        Some(hit)
    }

    /// The last line start of the frames that are still there; of all, where all
    /// count.
    pub(super) fn last(&self) -> Option<Hit> {
        if self.limit == u32::MAX {
            return self.frames.latest.clone();
        }
        self.frames
            .starts
            .values()
            .max_by_key(|hit| hit.at.position)
            .cloned()
    }
}

/// What coming to a row means where all bodies count: where one begins, a step comes to the
/// call first, if that is on another line, and then into the body.
fn coming_in_sight(
    function: &FunctionRows,
    row: &Row,
    is_row: bool,
    before: Option<BodyLine>,
) -> Coming {
    let was_inside = |body| before.is_some_and(|before| function.is_within(before.body, body));
    let begins = row.begins.filter(|body| is_row && !was_inside(*body));
    if let Some(outermost) = begins {
        let inside = function.levels(row.at.body, outermost);
        let call = function.call_of(outermost);
        let is_before_call = call.is_some() && before != call;
        return Coming {
            line: Some(row.at),
            is_start: true,
            starts: Some(inside + u32::from(is_before_call)),
        };
    }
    let is_start = is_row && row.is_statement;
    Coming {
        line: Some(row.at),
        is_start,
        starts: (is_start && before != Some(row.at)).then_some(0),
    }
}

/// The same where those count that are around one body.
fn coming_seen_from(
    function: &FunctionRows,
    row: &Row,
    is_row: bool,
    before: Option<BodyLine>,
    from: BodyNumber,
) -> Coming {
    let seen = function.seen(row.at, Some(from));
    let (is_start, unbegun) = match seen.hidden {
        None => (row.is_statement, 0),
        Some(hidden) => {
            let is_call = function.begins(row, hidden) && function.call_of(hidden).is_some();
            (is_call, function.levels(row.at.body, seen.at.body))
        }
    };
    let is_start = is_row && is_start;
    Coming {
        line: Some(seen.at),
        is_start,
        starts: (is_start && before != Some(seen.at)).then_some(unbegun),
    }
}

/// The same where only the call of one body counts.
fn coming_to_call(
    function: &FunctionRows,
    row: &Row,
    is_row: bool,
    before: Option<BodyLine>,
    body: BodyNumber,
) -> Coming {
    let was_inside = before.is_some_and(|before| function.is_within(before.body, body));
    let begins = !was_inside && function.is_within(row.at.body, body);
    // A branch into the middle of a body has its call behind it.
    let is_ahead = is_row && function.begins(row, body);
    let unbegun = u32::from(is_ahead) * (function.levels(row.at.body, body) + 1);
    Coming {
        line: Some(row.at),
        is_start: begins,
        starts: begins.then_some(unbegun),
    }
}
