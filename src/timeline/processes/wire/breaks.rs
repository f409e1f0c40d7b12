//! Breakpoints as replayers are told of them.

use super::found::ChangedTicks;
use crate::component::{CrossingId, ModuleId};
use crate::replay::Position;
use crate::timeline::travel::elsewhere::Elsewhere;
use crate::timeline::travel::motion::{BreakpointId, HitCondition, MemoryRange, Writes};
use crate::timeline::travel::turns::Turns;
use serde::{Deserialize, Serialize};

/// Breakpoints, and where they are: places name a breakpoint by its index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Breaks {
    pub(crate) breakpoints: Vec<Break>,
    pub(crate) code: Vec<(usize, ModuleId, u32)>,
    /// Where inlined calls begin that a breakpoint stops before: how many, of those places in
    /// code that have some.
    pub(crate) ahead: Vec<(usize, ModuleId, u32, u32)>,
    pub(crate) crossings: Vec<(usize, CrossingId, Answers)>,
    /// Numbers of outgoing crossings, ascending.
    pub(crate) events: Vec<(usize, Vec<u64>)>,
    pub(crate) changes: Vec<ChangeWatch>,
    /// What conditions and messages know of other recordings; empty if none speaks of them.
    pub(crate) elsewhere: Elsewhere,
    /// Which task each call into the guest is a part of; empty if no condition or message speaks
    /// of them.
    pub(crate) turns: Turns,
}

impl Breaks {
    /// Whether some of the places are in code, where only the debug variant stops.
    pub(crate) fn are_in_code(&self) -> bool {
        !self.code.is_empty() || !self.changes.is_empty()
    }

    /// The places of those breakpoints whose hits are such.
    pub(crate) fn places_of_those(&self, are_such: impl Fn(&Hits) -> bool) -> Breaks {
        let hits = |index: usize| self.breakpoints.get(index).map(|b| &b.hits);
        let is_one = |index: usize| hits(index).is_some_and(&are_such);
        let code = self.code.iter().filter(|(index, ..)| is_one(*index));
        let crossings = self.crossings.iter().filter(|(index, ..)| is_one(*index));
        let events = self.events.iter().filter(|(index, _)| is_one(*index));
        let changes = self.changes.iter().filter(|change| is_one(change.index));
        Breaks {
            code: code.copied().collect(),
            crossings: crossings.copied().collect(),
            events: events.cloned().collect(),
            changes: changes.cloned().collect(),
            ..Breaks::default()
        }
    }

    /// Whether there is any place where one of them may stop, or log.
    pub(crate) fn are_anywhere(&self) -> bool {
        let may_hit = |index: usize| match self.breakpoints.get(index).map(|b| &b.hits) {
            None | Some(Hits::None) => false,
            Some(Hits::Among(positions)) => !positions.is_empty(),
            Some(_) => true,
        };
        let code = self.code.iter().map(|(index, ..)| *index);
        let crossings = self.crossings.iter().map(|(index, ..)| *index);
        let events = self.events.iter().filter(|(_, events)| !events.is_empty());
        let changes = self
            .changes
            .iter()
            .filter(|change| !change.ticks.are_none());
        code.chain(crossings)
            .chain(events.map(|(index, _)| *index))
            .chain(changes.map(|change| change.index))
            .any(may_hit)
    }
}

/// Bytes, writes to which are places of a breakpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChangeWatch {
    /// Of the breakpoint.
    pub(crate) index: usize,
    pub(crate) range: MemoryRange,
    pub(crate) writes: Writes,
    pub(crate) ticks: ChangedTicks,
}

/// Which answers of a crossing count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answers {
    All,
    Errors,
}

/// One breakpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Break {
    pub(crate) id: BreakpointId,
    pub(crate) condition: Option<String>,
    pub(crate) hits: Hits,
    pub(crate) log: Option<String>,
}

/// Which visits of a breakpoint are hits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Hits {
    All,
    None,
    From(Position),
    Before(Position),
    Among(Vec<Position>),
    /// Those, and all after the last of them: nobody counted on.
    AmongAndAfter(Vec<Position>),
    /// Not known yet: to be counted.
    Count(HitCondition),
}
