//! Ticks by function and by line: a function's own, and those of all that it calls.

use super::{FunctionId, Profile, StackId};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What a function took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FunctionTotal {
    /// Ticks in its own code.
    pub own: u64,
    /// Ticks in it and in all that it calls; those of a function that is on the stack several
    /// times are counted once.
    pub with_callees: u64,
    /// How often it was called, but where it was inlined. Of a hostcall, how often it was made.
    pub calls: u64,
    /// Whether some of its ticks are of copies that were inlined: nobody counts calls of those.
    pub is_inlined: bool,
}

/// What a line took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineTotal {
    /// Ticks in its own code.
    pub own: u64,
    /// Ticks in it and in all that it calls.
    pub with_callees: u64,
}

/// Ticks by function and by line.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// By number of the function.
    pub functions: Vec<FunctionTotal>,
    /// By file and line.
    pub lines: BTreeMap<(Arc<str>, u32), LineTotal>,
    /// All ticks.
    pub ticks: u64,
}

impl Totals {
    /// Adds up a profile; with `under`, only what ran while one of those functions was on the
    /// stack, from there inward.
    pub fn of(profile: &Profile, under: Option<&[FunctionId]>) -> Totals {
        let mut own = vec![0; profile.stacks().len()];
        let mut calls = vec![0; profile.stacks().len()];
        for (counter, count) in profile.counted() {
            let at = counter.stack.0 as usize;
            own[at] += count;
            if counter.is_call {
                calls[at] += count;
            }
        }
        for (stack, count) in profile.hostcalls() {
            calls[stack.0 as usize] += count;
        }
        let mut adding = Adding {
            profile,
            above: above(profile),
            own,
            calls,
            totals: Totals {
                functions: vec![FunctionTotal::default(); profile.functions().len()],
                ..Totals::default()
            },
            functions_open: HashMap::new(),
            lines_open: HashMap::new(),
            under,
            under_open: 0,
        };
        adding.all();
        adding.totals
    }
}

/// For each stack, those with one frame more; and first those with one frame.
fn above(profile: &Profile) -> (Vec<StackId>, Vec<Vec<StackId>>) {
    let mut outermost = Vec::new();
    let mut above = vec![Vec::new(); profile.stacks().len()];
    for (id, stack) in (0..).map(StackId).zip(profile.stacks()) {
        match stack
            .below
            .and_then(|below| above.get_mut(below.0 as usize))
        {
            Some(above) => above.push(id),
            None => outermost.push(id),
        }
    }
    (outermost, above)
}

struct Adding<'a> {
    profile: &'a Profile,
    above: (Vec<StackId>, Vec<Vec<StackId>>),
    /// Of each stack, what its innermost frame took itself.
    own: Vec<u64>,
    calls: Vec<u64>,
    totals: Totals,
    /// How often each function is on the present stack.
    functions_open: HashMap<FunctionId, u32>,
    lines_open: HashMap<(Arc<str>, u32), u32>,
    under: Option<&'a [FunctionId]>,
    under_open: u32,
}

/// A stack on the way through all of them.
enum Step {
    Enter(StackId),
    /// With what it took together with those above.
    Leave(StackId),
}

impl Adding<'_> {
    /// Without recursion: stacks may be as deep as the guest's.
    fn all(&mut self) {
        let mut steps: Vec<Step> = self.above.0.iter().copied().map(Step::Enter).collect();
        // What the stacks that are open took until here.
        let mut sums: Vec<u64> = Vec::new();
        while let Some(step) = steps.pop() {
            match step {
                Step::Enter(stack) => {
                    let at = stack.0 as usize;
                    self.open(stack, 1);
                    sums.push(self.own.get(at).copied().unwrap_or(0));
                    self.enter(stack);
                    steps.push(Step::Leave(stack));
                    let above = self.above.1.get_mut(at).map(std::mem::take);
                    steps.extend(above.unwrap_or_default().into_iter().map(Step::Enter));
                }
                Step::Leave(stack) => {
                    let sum = sums.pop().unwrap_or(0);
                    self.leave(stack, sum);
                    self.open(stack, -1);
                    if let Some(below) = sums.last_mut() {
                        *below += sum;
                    }
                }
            }
        }
    }

    fn open(&mut self, stack: StackId, by: i32) {
        let frame = self.profile.stacks().get(stack.0 as usize);
        let Some(frame) = frame.and_then(|stack| self.profile.frame(stack.frame)) else {
            return;
        };
        let open = self.functions_open.entry(frame.function).or_default();
        *open = open.saturating_add_signed(by);
        if let Some(at) = &frame.at {
            let open = self.lines_open.entry(at.clone()).or_default();
            *open = open.saturating_add_signed(by);
        }
        if self
            .under
            .is_some_and(|under| under.contains(&frame.function))
        {
            self.under_open = self.under_open.saturating_add_signed(by);
        }
    }

    fn counts(&self) -> bool {
        self.under.is_none() || self.under_open > 0
    }

    fn enter(&mut self, stack: StackId) {
        let at = stack.0 as usize;
        let frame = self.profile.stacks().get(at);
        let Some(frame) = frame.and_then(|stack| self.profile.frame(stack.frame)) else {
            return;
        };
        if !self.counts() {
            return;
        }
        let own = self.own.get(at).copied().unwrap_or(0);
        self.totals.ticks += own;
        if let Some(total) = self.totals.functions.get_mut(frame.function.0 as usize) {
            total.own += own;
            total.is_inlined |= frame.is_inlined && own > 0;
        }
        if let Some(at) = &frame.at {
            self.totals.lines.entry(at.clone()).or_default().own += own;
        }
        self.add_calls(stack);
    }

    /// Calls are of the innermost function that is not inlined.
    fn add_calls(&mut self, stack: StackId) {
        let calls = self.calls.get(stack.0 as usize).copied().unwrap_or(0);
        let mut frames = self.profile.frames_of(stack);
        if calls > 0
            && let Some(called) = frames.find(|frame| !frame.is_inlined)
            && let Some(total) = self.totals.functions.get_mut(called.function.0 as usize)
        {
            total.calls += calls;
        }
    }

    fn leave(&mut self, stack: StackId, sum: u64) {
        let frame = self.profile.stacks().get(stack.0 as usize);
        let Some(frame) = frame.and_then(|stack| self.profile.frame(stack.frame)) else {
            return;
        };
        if !self.counts() {
            return;
        }
        let is_outermost = self.functions_open.get(&frame.function) == Some(&1);
        if is_outermost
            && let Some(total) = self.totals.functions.get_mut(frame.function.0 as usize)
        {
            total.with_callees += sum;
        }
        if let Some(at) = &frame.at
            && self.lines_open.get(at) == Some(&1)
        {
            self.totals
                .lines
                .entry(at.clone())
                .or_default()
                .with_callees += sum;
        }
    }
}
