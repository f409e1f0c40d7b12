//! A run of all nodes at once, to the first thing that stops any of them.

use super::System;
use super::travels::place_of;
use crate::debuggee::{Debuggee, DebuggeeError, Output};
use crate::system::message::NodeId;
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::{Direction, Ending, Motion, Reason, Stop};

type Result<T> = std::result::Result<T, DebuggeeError>;

impl System {
    /// Runs all nodes, each to where it stops, and stands at the first of those, or the last.
    ///
    /// Now is where the node stands that was moved last. A node that was left at a hit before now is found there
    /// on the way back, and one that is ahead of now goes back past what lies between.
    pub(super) fn run_all(
        &mut self,
        direction: Direction,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        self.settle(output, interrupt)?;
        for node in self.ids() {
            self.ensure(node, output, interrupt)?;
            self.tell_elsewhere(node, interrupt)?;
        }
        let found = match self.story.wait(interrupt) {
            Err(DebuggeeError::Interrupted) => return Err(DebuggeeError::Interrupted),
            found => found.ok(),
        };
        let rank = |node: NodeId, stop: &Stop| {
            let place = place_of(stop);
            found.as_ref().map_or(0, |found| found.rank(node, place))
        };
        let (present, last) = (self.present, self.last);
        let now = rank(last, &self.stop_of(last)?);
        let before: Vec<Stop> = self
            .ids()
            .map(|node| self.stop_of(node))
            .collect::<Result<_>>()?;
        let run = |node: NodeId, open: &mut dyn Debuggee, from: &Stop| loop {
            let was_hit = matches!(from.reason, Reason::Breakpoints(_)) && node != last;
            if direction == Direction::Backward && was_hit && rank(node, from) < now {
                return Ok((from.clone(), true));
            }
            let stop = open.travel(&Motion::Continue(direction), output, interrupt)?;
            let is_break = matches!(stop.reason, Reason::Breakpoints(_));
            let is_ahead = direction == Direction::Backward && rank(node, &stop) >= now;
            if !is_break || !is_ahead || node == last {
                // One that is where it was has not come to anything: it stands at its end.
                let is_hit = !is_plain_end(&stop, direction) && stop.position != from.position;
                return Ok((stop, is_hit));
            }
        };
        let stops: Vec<Result<(Stop, bool)>> = std::thread::scope(|scope| {
            let open = self.members.iter_mut().filter_map(|m| m.open.as_mut());
            let running: Vec<_> = (0..)
                .map(NodeId)
                .zip(open)
                .zip(&before)
                .map(|((node, open), from)| scope.spawn(move || run(node, open.as_mut(), from)))
                .collect();
            let ended = running.into_iter().map(|run| {
                run.join()
                    .unwrap_or_else(|_| Err(DebuggeeError::other("an internal fault")))
            });
            ended.collect()
        });
        let is_made = |stop: &Result<(Stop, bool)>| {
            stop.as_ref()
                .is_ok_and(|(stop, _)| stop.reason != Reason::Paused)
        };
        let hits = self.ids().zip(&stops).filter_map(|(node, stop)| {
            let (stop, _) = stop.as_ref().ok().filter(|(_, is_hit)| *is_hit)?;
            Some((rank(node, stop), node))
        });
        let is_whole = stops.iter().all(is_made);
        let hit = match direction {
            Direction::Forward => hits.min(),
            Direction::Backward => hits.max(),
        };
        let hit = hit.map(|(_, node)| node).filter(|_| is_whole);
        // Paused, or one failed: who was not done is where the person looks.
        let undone = self.ids().zip(&stops).find(|(_, stop)| !is_made(stop));
        let chosen = hit.or(undone.map(|(node, _)| node)).unwrap_or(present);
        let has_ended = hit.is_none() && is_whole;
        for ((node, was), stop) in self.ids().zip(before).zip(&stops) {
            let Ok((stop, _)) = stop else { continue };
            let is_there = has_ended || node == chosen;
            if !is_there && *stop != was {
                // What was left behind is a copy of the process: to go back there costs nothing.
                let calm = Interrupt::new();
                let motion = Motion::Position(was.position);
                self.node(node)?.travel(&motion, output, &calm)?;
            }
            let (stop, is_numbered) = match is_there {
                true => (stop.clone(), *stop == was),
                false => (was, true),
            };
            // The others follow the chosen one from where it was.
            if node != chosen {
                self.place(node, place_of(&stop));
            }
            let stop = match is_numbered {
                true => stop,
                false => self.numbered(node, stop),
            };
            self.remember(node, stop);
        }
        self.present = chosen;
        let stop = match stops.into_iter().nth(chosen.0 as usize) {
            Some(Err(error)) => return Err(error),
            _ => self.stop_of(chosen)?,
        };
        self.settled(stop, output, interrupt)
    }
}

/// Whether a run ended where the recording does, and nothing was wrong there.
fn is_plain_end(stop: &Stop, direction: Direction) -> bool {
    match (&stop.reason, direction) {
        (Reason::Start, Direction::Backward) => true,
        (Reason::End(ending), Direction::Forward) => {
            !matches!(ending, Ending::Trapped(_) | Ending::HostError(_))
        }
        _ => false,
    }
}
