//! What a debuggee finds out of the whole recording.

use super::failure::Failure;
use super::origin::Origin;
use super::{DataId, Debuggee, DebuggeeError, FrameId, Output, SourceCounts, SourceOrigin};
use crate::inspect::past::difference::Difference;
use crate::inspect::profile::Profile;
use crate::replay::Tick;
use crate::timeline::travel::motion::{Stop, Writes};
use crate::timeline::{Interrupt, Telling, ToldVisit, ToldVisits};
use std::path::Path;
use std::sync::Arc;

const NOT_HERE: &str = "questions about the whole recording are not answered here";

/// Looks through all of a recording, and goes to what it finds there.
pub trait Whole {
    /// Another one of the same recording, which stands where this one does, and moves by
    /// itself. It lives no longer than this one.
    ///
    /// # Errors
    ///
    /// If it cannot be had, or if interrupted.
    fn twin(&mut self, _interrupt: &Interrupt) -> Result<Box<dyn Debuggee>, DebuggeeError> {
        Err(DebuggeeError::other(NOT_HERE))
    }

    /// How often something is visited in the recording, with the first and the last visits.
    /// It stands where it stood.
    ///
    /// # Errors
    ///
    /// If there is no such place, if the condition is not understood, or the pass fails or is
    /// interrupted.
    fn told_visits(
        &mut self,
        _of: &Visiting,
        _telling: &Telling,
        _output: &dyn Output,
        _interrupt: &Interrupt,
    ) -> Result<VisitsTold, DebuggeeError> {
        Err(DebuggeeError::other(NOT_HERE))
    }

    /// Goes to one of them, to stand there as one that has come for it: a write shows the line
    /// that wrote.
    ///
    /// # Errors
    ///
    /// As [`Travels::travel`](super::Travels::travel).
    fn go_to_visit(
        &mut self,
        _visit: &ToldVisit,
        _output: &dyn Output,
        _interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        Err(DebuggeeError::other(NOT_HERE))
    }

    /// How often each line and each function ran. Takes a pass over the
    /// recording.
    ///
    /// # Errors
    ///
    /// If interrupted, or if the recording cannot be replayed.
    fn counts(
        &mut self,
        _output: &dyn Output,
        _interrupt: &Interrupt,
    ) -> Result<SourceCounts, DebuggeeError> {
        Err(DebuggeeError::other(NOT_HERE))
    }

    /// Where the ticks of the recording went: by stacks, functions and lines, exactly. Takes a
    /// pass over the recording, and is known from then on, to its twins, too.
    ///
    /// # Errors
    ///
    /// If the pass fails or is interrupted.
    fn profile(
        &mut self,
        _output: &dyn Output,
        _interrupt: &Interrupt,
    ) -> Result<Arc<Profile>, DebuggeeError> {
        Err(DebuggeeError::other(NOT_HERE))
    }

    /// The same, and what is told of heaps: as they are at a tick, or at the end. The last
    /// one asked for is known from then on.
    ///
    /// # Errors
    ///
    /// As [`Whole::profile`].
    fn heap(
        &mut self,
        _until: Option<Tick>,
        _output: &dyn Output,
        _interrupt: &Interrupt,
    ) -> Result<Arc<Profile>, DebuggeeError> {
        Err(DebuggeeError::other(NOT_HERE))
    }

    /// How this recording and another one of the same program differ; and that one.
    ///
    /// # Errors
    ///
    /// If the other one cannot be opened, is of another program, or if one is damaged.
    fn compared(
        &mut self,
        _other: &Path,
        _output: &dyn Output,
        _interrupt: &Interrupt,
    ) -> Result<(Difference, Box<dyn Debuggee>), DebuggeeError> {
        Err(DebuggeeError::other(NOT_HERE))
    }

    /// Where the value of an expression comes from, as seen from a frame; `EXPRESSION @POSITION` asks
    /// it at another moment. Where it stands afterwards is not said.
    ///
    /// # Errors
    ///
    /// If the expression cannot be evaluated, if the recording cannot be replayed, or if
    /// interrupted.
    fn origin(
        &mut self,
        _expression: &str,
        _frame: Option<FrameId>,
        _output: &dyn Output,
        _interrupt: &Interrupt,
    ) -> Result<Origin, DebuggeeError> {
        Err(DebuggeeError::other(NOT_HERE))
    }

    /// Why the run failed, if it did. Where it stands afterwards is not said.
    ///
    /// # Errors
    ///
    /// If the recording cannot be replayed, or if interrupted.
    fn failure(
        &mut self,
        _output: &dyn Output,
        _interrupt: &Interrupt,
    ) -> Result<Failure, DebuggeeError> {
        Err(DebuggeeError::other(NOT_HERE))
    }

    /// Where it stands at a write: who wrote (`apply at ledger.c:50`, or a hostcall), and how the value changed
    /// (`balance: 3 -> 4`).
    fn write_here(&mut self) -> Option<(Option<String>, String)> {
        None
    }
}

/// Visits that are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visiting {
    /// What is visited.
    pub of: VisitsOf,
    /// An expression that must hold for a visit to count.
    pub condition: Option<String>,
}

/// What is visited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VisitsOf {
    /// A line of a source, or the next one with code.
    Line {
        /// The source.
        source: SourceOrigin,
        /// The line, from 1.
        line: u64,
    },
    /// Functions of the guest, or hostcalls, by name.
    Function(String),
    /// Writes of some bytes.
    Writes(DataId, Writes),
}

/// Visits, and of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitsTold {
    /// What was visited, as it was understood: `shop::Node::sum at main.rs:31 (2 places)`.
    pub place: String,
    /// The visits.
    pub visits: ToldVisits,
}
