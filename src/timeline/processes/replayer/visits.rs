//! The visits of places that are nearest to the present.

use super::super::wire::Reply;
use super::here::Here;
use crate::replay::Position;
use crate::timeline::passes::changes::Change;
use crate::timeline::passes::visits::Visit;
use std::collections::VecDeque;

/// The visits that a run has passed: the last ones before the present, and the first ones
/// from there on.
pub(super) struct Visitors {
    present: Position,
    limit: usize,
    before: VecDeque<Visit>,
    /// Whether some before those were dropped.
    is_cut: bool,
    after: Vec<Visit>,
}

impl Visitors {
    pub(super) fn new(present: Position, limit: usize) -> Visitors {
        Visitors {
            present,
            limit,
            before: VecDeque::new(),
            is_cut: false,
            after: Vec::new(),
        }
    }

    /// Notes a visit; whether those to come do not matter any more.
    pub(super) fn visit(&mut self, changed: Vec<Change>, here: &mut Here<'_, '_>) -> bool {
        let at = here.moment();
        let visit = Visit {
            position: at.position,
            event: at.event,
            changed,
        };
        if at.position >= self.present {
            self.after.push(visit);
            return self.after.len() > self.limit;
        }
        self.before.push_back(visit);
        if self.before.len() > self.limit {
            self.before.pop_front();
            self.is_cut = true;
        }
        false
    }

    pub(super) fn into_reply(self) -> Reply {
        let mut after = self.after;
        let is_cut_after = after.len() > self.limit;
        after.truncate(self.limit);
        Reply::Visited {
            before: (self.before.into(), self.is_cut),
            after: (after, is_cut_after),
        }
    }
}
