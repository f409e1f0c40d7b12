//! Calls that the compiler has inlined, as calls: which of them the session is in, and out
//! of them.
//!
//! Where the body of one begins, one moment is several places for a person: before the call
//! that is inlined there, and in its body, which may begin with another such call. How many
//! of them are still ahead is a matter of the session alone.

use super::super::{Interrupt, Result, Timeline};
use super::lines;
use super::motion::{Place, Reason, Stop};
use super::search::Search;
use crate::component::ModuleId;
use crate::replay::Phase;
use crate::replay::frames::Frame;
use crate::source::{BodyNumber, OWN};
use crate::timeline::processes::wire::found::Hit;
use crate::timeline::processes::wire::rows::{FunctionRows, InBody, Row, Sight};
use crate::timeline::processes::wire::run::{LineWatch, OutOf, Watch};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The row where the instruction at `pc` is the first.
fn row_at(rows: &FunctionRows, pc: u32) -> Option<&Row> {
    rows.row_around(pc).filter(|row| row.pc == pc)
}

impl Timeline {
    /// How many of the inlined calls whose bodies begin at this moment, from the innermost
    /// outward, have not begun yet for whoever steps: the session stands before them.
    pub fn unbegun(&self) -> u32 {
        match self.looks_elsewhere() {
            true => 0,
            false => self.unbegun,
        }
    }

    /// The rows of a frame's function.
    pub(super) fn rows_of(&self, frame: &Frame) -> Option<Arc<FunctionRows>> {
        self.rows_at(frame.module, frame.pc)
    }

    fn rows_at(&self, id: ModuleId, pc: u32) -> Option<Arc<FunctionRows>> {
        let module = self.module(id)?;
        lines::rows_around(&self.rows, module, id, pc)
    }

    /// The innermost body of a frame that has begun. Where the frame has called what runs, those
    /// of libraries do not count: what they call is a part of the line that calls them.
    pub(super) fn body_in(
        &self,
        frame: &Frame,
        rows: &FunctionRows,
        is_innermost: bool,
    ) -> BodyNumber {
        let row = rows.row_around(frame.pc);
        let at = row.map_or(OWN, |row| row.at.body);
        if is_innermost {
            return rows.around(at).nth(self.unbegun as usize).unwrap_or(OWN);
        }
        // Which line a body has been come to on, from the inside to the outside.
        let mut line = row.map(|row| row.at.line);
        let own = rows.around(at).find(|body| {
            let call = rows.call_of(*body).map(|call| call.line);
            let of_body = std::mem::replace(&mut line, call);
            !self.stepping.is_foreign_line(rows.module, of_body)
        });
        own.unwrap_or(OWN)
    }

    /// How the frames at a depth and below it look from where they are.
    pub(super) fn sight_of(&self, frames: &[Frame], depth: u32) -> Sight {
        let all = frames.len() as u32;
        let skip = all.saturating_sub(depth);
        let counted = (0..).zip(frames).skip(skip as usize);
        let bodies = counted.filter_map(|(index, frame)| {
            let rows = self.rows_of(frame)?;
            let body = self.body_in(frame, &rows, index == 0);
            (body != OWN).then_some(InBody {
                depth: all - index,
                module: rows.module,
                entry: rows.entry,
                body,
            })
        });
        Sight::From(bodies.collect())
    }

    /// How many inlined calls begin where the session stands.
    pub(super) fn all_unbegun(&mut self) -> Result<u32> {
        if self.here.position.phase != Phase::Before || !self.any_lines() {
            return Ok(0);
        }
        let frames = self.frames()?;
        let frame = frames.first();
        Ok(frame.map_or(0, |frame| self.beginning_at(frame.module, frame.pc)))
    }

    /// How many inlined calls begin at a place.
    fn beginning_at(&self, module: ModuleId, pc: u32) -> u32 {
        let Some(rows) = self.rows_at(module, pc) else {
            return 0;
        };
        let row = row_at(&rows, pc);
        let begins = row.and_then(|row| Some((row.at.body, row.begins?)));
        begins.map_or(0, |(innermost, outermost)| {
            rows.levels(innermost, outermost) + 1
        })
    }

    /// The session stands at a hit: how many of the inlined calls there are ahead.
    pub(super) fn arrive_before_calls(&mut self, hit: &Hit) -> Result<()> {
        self.unbegun = match (hit.unbegun, hit.breakpoints.is_empty()) {
            (Some(unbegun), true) => unbegun,
            (None, true) => self.all_unbegun()?,
            (_, false) => self.ahead_of_breakpoints(hit)?,
        };
        Ok(())
    }

    /// A breakpoint in an inlined body stops in it, one on the line of the call before it.
    fn ahead_of_breakpoints(&mut self, hit: &Hit) -> Result<u32> {
        if hit.at.position.phase != Phase::Before {
            return Ok(0);
        }
        let frames = self.frames()?;
        let Some(frame) = frames.first() else {
            return Ok(0);
        };
        let ids = hit.breakpoints.iter();
        let places = ids
            .filter_map(|id| self.breakpoints.places_of(*id))
            .flatten();
        let ahead = places.filter_map(|place| match place {
            Place::Code { module, pc } if (*module, *pc) == (frame.module, frame.pc) => Some(0),
            Place::Call { module, pc, inside } if (*module, *pc) == (frame.module, frame.pc) => {
                Some(self.ahead_of_call(*module, *pc, *inside))
            }
            // What comes next is not what wrote.
            Place::Change(_) | Place::Write(_) => Some(u32::MAX),
            _ => None,
        });
        let beginning = self.beginning_at(frame.module, frame.pc);
        // Where it is not in code that they are, everything is ahead.
        Ok(ahead.min().unwrap_or(beginning).min(beginning))
    }

    /// How many of the inlined calls that begin at a [`Place::Call`] a stop there is before.
    pub(super) fn ahead_of_call(&self, module: ModuleId, pc: u32, inside: u32) -> u32 {
        let all = self.depth_of_bodies(module, pc);
        let beginning = self.beginning_at(module, pc);
        all.saturating_sub(inside).min(beginning)
    }

    /// How many inlined bodies are around a place.
    fn depth_of_bodies(&self, module: ModuleId, pc: u32) -> u32 {
        let rows = self.rows_at(module, pc);
        let depth = rows.and_then(|rows| {
            let body = rows.row_around(pc)?.at.body;
            Some(rows.levels(body, OWN))
        });
        depth.unwrap_or(0)
    }

    /// A step into an inlined call that begins here moves nothing: the session is in it now.
    pub(super) fn begin_call(&mut self) -> Option<Stop> {
        let ahead = self.unbegun.checked_sub(1)?;
        let stop = self.arrived(Reason::Arrived);
        self.unbegun = ahead;
        Some(stop)
    }

    /// Of the body that the innermost frame is in, if it begins right here: that a search back
    /// leaves it.
    pub(super) fn out_of_body(&self, frames: &[Frame], depth: u32) -> Option<OutOf> {
        let frame = frames.first().filter(|_| depth == frames.len() as u32)?;
        let rows = self.rows_of(frame)?;
        let body = self.body_in(frame, &rows, true);
        let row = row_at(&rows, frame.pc)?;
        (body != OWN && rows.begins(row, body)).then_some(OutOf {
            depth,
            body,
            at_bound: true,
            calls_only: false,
        })
    }

    /// A step back into calls, from where a body begins whose caller begins there, too, moves
    /// nothing: the session is in the caller.
    pub(super) fn back_before_call(&mut self, frames: &[Frame], out_of: OutOf) -> Option<Stop> {
        let frame = frames.first()?;
        let rows = self.rows_of(frame)?;
        let row = row_at(&rows, frame.pc)?;
        let parent = rows.around(out_of.body).nth(1)?;
        if parent == OWN || !rows.begins(row, parent) || rows.call_of(out_of.body).is_none() {
            return None;
        }
        let ahead = self.unbegun + 1;
        let stop = self.arrived(Reason::Arrived);
        self.unbegun = ahead;
        Some(stop)
    }

    /// The inlined body that the frame at a depth is in, with the rows of its function.
    pub(super) fn inlined_body(
        &self,
        frames: &[Frame],
        depth: u32,
    ) -> Option<(Frame, Arc<FunctionRows>, BodyNumber)> {
        let index = (frames.len() as u32).checked_sub(depth)?;
        let frame = frames.get(index as usize)?;
        let rows = self.rows_of(frame)?;
        let body = self.body_in(frame, &rows, index == 0);
        (body != OWN).then_some((*frame, rows, body))
    }

    /// To the first instruction of the frame at a depth that is outside of an inlined body it
    /// is in, or to where its caller goes on.
    pub(super) fn leave_body(
        &mut self,
        depth: u32,
        caller: Option<u32>,
        (frame, rows, body): (Frame, Arc<FunctionRows>, BodyNumber),
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        let is_outside = |row: &Row| !rows.is_within(row.at.body, body);
        let source = self.module(frame.module).map(|module| &module.source);
        let inside = rows.rows.iter().filter(|row| !is_outside(row));
        let inside: BTreeSet<u64> = inside.map(|row| row.at.line).collect();
        // What a compiler has put between lines is nowhere to stand. It also leaves gaps in the
        // ranges of bodies: in those around it, an instruction of its lines is still its own.
        let is_place = |pc: &u32| {
            let around = rows.row_around(*pc).map_or(OWN, |row| row.at.body);
            let line = source.and_then(|source| source.line_at(*pc));
            let line = line.filter(|line| line.line != 0);
            !rows.is_within(body, around)
                || line.is_some_and(|line| !inside.contains(&line.line_key()))
        };
        let follows = rows.rows.windows(2).filter_map(|pair| match pair {
            [before, after] => (!is_outside(before) && is_outside(after)).then_some(after.pc),
            _ => None,
        });
        let landings = rows.landings.iter().copied();
        let landings = landings.filter(|pc| rows.row_around(*pc).is_none_or(is_outside));
        let statements = rows.rows.iter();
        let statements = statements.filter(|row| row.is_statement && is_outside(row));
        let statements = statements.map(|row| row.pc);
        let places = follows.chain(landings).chain(statements);
        let mut outside: Vec<u32> = places.filter(is_place).collect();
        outside.sort_unstable();
        outside.dedup();
        let watch = Watch::BodyLeft {
            depth,
            module: frame.module,
            outside,
            caller,
        };
        let stop = self.forward(&Search::at_most(depth, watch), interrupt)?;
        if stop.position.depth == depth {
            self.unbegun = self.unbegun_outside(&rows, body, stop.position.pc);
        }
        Ok(stop)
    }

    /// How many inlined calls that begin at a place are not yet begun for who has just left
    /// another one.
    fn unbegun_outside(&self, rows: &FunctionRows, left: BodyNumber, pc: u32) -> u32 {
        let parent = rows.around(left).nth(1);
        let Some((row, parent)) = row_at(rows, pc).zip(parent) else {
            return 0;
        };
        let seen = rows.seen(row.at, Some(parent));
        match seen.hidden {
            Some(hidden) if rows.begins(row, hidden) => rows.levels(row.at.body, seen.at.body),
            _ => 0,
        }
    }

    /// Back to right before the call of an inlined body that the frame at a depth is in.
    /// `None` if that is not found.
    pub(super) fn back_to_inlined_call(
        &mut self,
        frames: &[Frame],
        depth: u32,
        body: BodyNumber,
        interrupt: &Interrupt,
    ) -> Result<Option<Stop>> {
        let out_of = OutOf {
            depth,
            body,
            at_bound: depth == frames.len() as u32,
            calls_only: true,
        };
        let watch = Watch::Lines(LineWatch {
            out_of: Some(out_of),
            ..LineWatch::of(depth, self.watched_rows(frames, depth), Sight::Everything)
        });
        let search = Search::at_most(depth, watch);
        let Some(hit) = self.last_before(self.here.position, &search, interrupt)? else {
            return Ok(None);
        };
        let stop = self.reach_position(hit.at.position, interrupt)?;
        self.unbegun = hit.unbegun.unwrap_or(0);
        Ok(Some(stop))
    }
}
