//! Stacks that wait. The engine tells the frames of the stack that runs and no others: so what
//! a waiting one holds is read from another process, which stands where that stack ran last. None of
//! its frames has changed since.

use super::processes::process::{Process, ProcessError};
use super::processes::wire::ask::{Question, Stacks};
use super::recovery::Patience;
use super::{Interrupt, Result, Timeline, TimelineError};
use crate::replay::variant::Variant;
use crate::replay::{GuestStack, Phase};

/// So many processes stand where stacks ran last; others are checkpoints, as any are.
const MOST_KEPT: usize = 8;

/// Of which stack the frames and calls are that are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LookedAt {
    /// The call out that it waits in, by its number.
    event: u64,
    /// How many calls are in progress on it: where it ran last, there may be others below them.
    open: u32,
    variant: Variant,
}

/// A process that stands where a stack ran last.
pub(super) struct Left {
    event: u64,
    variant: Variant,
    process: Process,
}

/// What is below a stack where it ran last, and is none of it any more.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Below {
    /// Calls, both ways.
    pub(super) open: usize,
    /// Frames of the guest.
    pub(super) frames: u32,
    /// Calls into the guest.
    pub(super) entered: u32,
}

impl Timeline {
    /// The stacks that the guest has here: that which runs first, the others in the order in which
    /// they began. None where nothing of the guest is called.
    ///
    /// # Errors
    ///
    /// If replayers die.
    pub fn stacks(&mut self) -> Result<Vec<GuestStack>> {
        match self.trace.keeps_stacks() {
            true => self.recovering(Patience::Short, |timeline| Ok(timeline.live.ask(Stacks)?)),
            false => Ok(Vec::new()),
        }
    }

    /// From here on, until the session moves, frames, locals, operands and calls in progress are those of
    /// this stack; of that which runs, with `None`. Memories, globals and tables are always those of
    /// the present moment.
    ///
    /// # Errors
    ///
    /// If the stack has no call out that it waits in; if interrupted, or if replayers die.
    pub fn look_at(&mut self, stack: Option<&GuestStack>, interrupt: &Interrupt) -> Result<()> {
        self.looked_at = None;
        let Some(stack) = stack.filter(|stack| !stack.runs) else {
            return Ok(());
        };
        let calling = stack.calling.as_ref();
        let calling = calling.ok_or_else(|| {
            TimelineError::Failed("this stack stands in no call: it does not wait".into())
        })?;
        let looked_at = LookedAt {
            event: calling.event,
            open: stack.open,
            variant: self.load.variant,
        };
        self.recovering(Patience::Long(interrupt), |timeline| {
            timeline.left_at(looked_at.event, interrupt).map(|_| ())
        })?;
        self.looked_at = Some(looked_at);
        Ok(())
    }

    /// Whether it is a stack that waits that is looked at.
    pub fn looks_elsewhere(&self) -> bool {
        self.looked_at.is_some()
    }

    /// In which phase of a call the stack is that is looked at.
    pub fn phase(&self) -> Phase {
        match self.looked_at {
            Some(_) => Phase::Calling,
            None => self.here.position.phase,
        }
    }

    /// Asks where the stack that is looked at ran last; of the one that runs, here.
    pub(super) fn ask_stack<Q: Question + Clone>(&mut self, question: Q) -> Result<Q::Answer> {
        let Some(LookedAt { event, .. }) = self.looked_at else {
            return self.ask(question);
        };
        let waits = self.waits_for_code.clone();
        let patience = waits.as_ref().map_or(Patience::Short, Patience::Long);
        self.recovering(patience, |timeline| {
            let left = timeline.left_at(event, &Interrupt::new())?;
            let answer = left.process.ask(question.clone());
            if let Err(ProcessError::Died(_) | ProcessError::Confused(_)) = &answer {
                timeline.left.retain(|left| left.event != event);
            }
            Ok(answer?)
        })
    }

    /// What lies below the stack that is looked at, and is none of it.
    pub(super) fn below(&mut self) -> Result<Below> {
        use super::processes::wire::ask::Boundary;
        use crate::replay::boundary::Way;
        let Some(LookedAt { open, .. }) = self.looked_at else {
            return Ok(Below::default());
        };
        let all = self.ask_stack(Boundary)?;
        let below = all.len().saturating_sub(open as usize);
        let (others, own) = all.split_at(below);
        Ok(Below {
            open: below,
            frames: own.first().map_or(0, |first| first.outside),
            entered: others.iter().filter(|open| open.way == Way::In).count() as u32,
        })
    }

    /// The process that stands in a call out, where a stack waits since.
    fn left_at(&mut self, event: u64, interrupt: &Interrupt) -> Result<&mut Left> {
        let variant = self.load.variant;
        let is_it = |left: &Left| (left.event, left.variant) == (event, variant);
        let known = self.left.iter().position(is_it);
        let left = match known {
            Some(known) => self.left.remove(known),
            None => Left {
                event,
                variant,
                process: self.copy_in_call(event, interrupt)?,
            },
        };
        if self.left.len() >= MOST_KEPT {
            let oldest = self.left.remove(0);
            if oldest.variant == variant {
                self.pool.checkpoints().keep(oldest.process);
            }
        }
        self.left.push(left);
        let last = self.left.last_mut();
        last.ok_or_else(|| TimelineError::Failed("there is no such process".into()))
    }
}
