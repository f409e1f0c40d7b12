//! The calls in progress, out of the guest and into it, and how they lie one inside the
//! other.

use crate::component::CrossingId;
use crate::component::types::CoreValue;
use crate::trace::{Instance, OpenCall, Way};
use serde::{Deserialize, Serialize};

/// An outgoing crossing in progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calling {
    /// The component instance that calls.
    pub instance: Instance,
    /// What it calls.
    pub crossing: CrossingId,
    /// Its flat arguments.
    pub args: Vec<CoreValue>,
    /// The number of this outgoing crossing, from 0.
    pub event: u64,
}

/// An incoming crossing being made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entering<'a> {
    /// The component instance that is called.
    pub instance: Instance,
    /// What is called of it.
    pub crossing: CrossingId,
    /// Its flat arguments.
    pub args: &'a [CoreValue],
}

/// A call into the guest that it has not returned from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entered {
    /// The component instance that was called.
    pub instance: Instance,
    /// What was called of it.
    pub crossing: CrossingId,
    /// Its flat arguments.
    pub args: Vec<CoreValue>,
    /// Outgoing crossings made before it.
    pub event: u64,
    /// How many calls out were in progress then: its code runs on top of those.
    pub below: usize,
}

/// The calls in progress.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// Out of the guest, outermost first.
    out: Vec<Calling>,
    /// Into the guest, outermost first.
    entered: Vec<Entered>,
    played: Played,
}

/// What has been played of the trace that the calls do not show yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Played {
    #[default]
    Nothing,
    /// That the guest is called: it has not begun.
    Enter,
    /// The answer to the innermost call out, which has not returned.
    Return,
}

impl Calls {
    /// Those out of the guest, outermost first.
    pub(super) fn out(&self) -> &[Calling] {
        &self.out
    }

    /// Those into the guest, outermost first.
    pub(super) fn entered(&self) -> &[Entered] {
        &self.entered
    }

    /// The one out of the guest that it stands in; `None` while its code runs, be it on
    /// top of one.
    pub(super) fn calling(&self) -> Option<&Calling> {
        let below = self.entered.last().map_or(0, |entered| entered.below);
        self.out.get(below..)?.last()
    }

    /// The guest calls out.
    pub(super) fn call(&mut self, call: Calling) {
        self.out.push(call);
    }

    /// The answer to the innermost call out has been played.
    pub(super) fn answered(&mut self) {
        self.played = Played::Return;
    }

    /// The innermost call out returns.
    pub(super) fn return_from_call(&mut self) {
        self.played = Played::Nothing;
        self.out.pop();
    }

    /// That the guest is called has been played.
    pub(super) fn entering(&mut self) {
        self.played = Played::Enter;
    }

    /// The guest begins to run a call, after so many calls out.
    pub(super) fn enter(&mut self, entering: &Entering<'_>, event: u64) {
        self.played = Played::Nothing;
        self.entered.push(Entered {
            instance: entering.instance,
            crossing: entering.crossing,
            args: entering.args.to_vec(),
            event,
            below: self.out.len(),
        });
    }

    /// The guest has returned from the innermost call into it.
    pub(super) fn leave(&mut self) {
        self.entered.pop();
    }

    /// The innermost call out, as the trace has it where replay stands; `None` if its
    /// answer has been played.
    pub(super) fn open_out(&self) -> Option<OpenCall> {
        let call = self.out.last().filter(|_| self.played != Played::Return)?;
        let on_top = |entered: &&Entered| entered.below == self.out.len();
        let inside = self.entered.iter().rev().take_while(on_top).count();
        Some(OpenCall {
            way: Way::Out,
            instance: call.instance,
            crossing: call.crossing,
            inside: inside as u64 + u64::from(self.played == Played::Enter),
        })
    }

    /// A call into the guest, by its index among those in progress, as the trace has it
    /// where replay stands.
    pub(super) fn open_entered(&self, index: usize) -> Option<OpenCall> {
        let entered = self.entered.get(index)?;
        let inside = (self.entered.len() - index - 1) + (self.out.len() - entered.below);
        let inside = inside as u64;
        Some(OpenCall {
            way: Way::In,
            instance: entered.instance,
            crossing: entered.crossing,
            inside: match self.played {
                Played::Nothing => inside,
                Played::Enter => inside + 1,
                // The innermost call out is inside, and over.
                Played::Return => inside.saturating_sub(1),
            },
        })
    }
}
