//! Going back to the last moment that qualifies: choose a stretch that ends now, run it forward,
//! remember the last place that qualifies, go there; if there is none, take the stretch before.
//!
//! What is far back is searched in several stretches at the same time, where that is possible.

use super::super::{Interrupt, Result, Timeline, TimelineError};
use super::motion::Stop;
use super::pausing::ComeTo;
use super::search::{Search, reason_of};
use crate::replay::{Phase, Position, Tick};
use crate::timeline::passes::pieces::AtOnce;
use crate::timeline::processes::process::Process;
use crate::timeline::processes::wire::found::Hit;
use crate::timeline::processes::wire::run::{Leave, Run, StopAt};

/// A search backward looks at so many ticks before the present first, then at ever
/// more: most of what people go back to is near, and to run to a tick costs less than
/// to run with breakpoints, some of which are hot. (At random places of an optimised
/// compressor, stepping back by line took 37 ms when the first stretch began at the
/// nearest checkpoint.) They begin just there, since checkpoints may be a million ticks
/// apart, and as many visits take seconds.
const NEAR: [u64; 6] = [0, 16, 512, 1 << 14, 1 << 17, 1 << 20];
/// If all that is to be searched is no longer than this, in ticks, it is one stretch.
const NEAR_ENOUGH: u64 = 512;
/// Stretches before those begin at checkpoints, are at least so many pieces long, and
/// each is at least twice as long as the one after it: copying a process takes as long
/// as to replay some tens of thousands of ticks, and the first writes to its pages
/// more.
const FIRST_STRETCH: u64 = 4;
/// Longer stretches, half a second of replay, would save nothing any more.
const LONGEST_STRETCH: u64 = 1 << 24;
/// Where several are searched at the same time, there are so many for each processor at least:
/// all of them have something to do until the end.
const FOR_EACH: u64 = 4;
/// Before time that is left out, stretches are short again, as often as this. A frame
/// that runs a little between calls, again and again, and comes to no other line, is
/// searched in long stretches after that: short ones would each be run to from the
/// nearest checkpoint.
const SHORT_AGAIN: u32 = 8;
/// The same where long ones are searched at the same time.
const SHORT_AGAIN_OF_MANY: u32 = 2;

/// How far back the stretches of a search reach.
#[derive(Debug)]
struct Reach {
    stretches: usize,
    ticks: u64,
    /// How often the stretches may begin to be short again.
    short_again: u32,
    /// The shortest of those that begin at checkpoints, in ticks.
    first: u64,
    /// How many of these are searched at the same time.
    at_once: usize,
}

impl Reach {
    fn near(&self) -> Option<u64> {
        let near = NEAR.get(self.stretches).copied();
        near.filter(|near| *near < self.first)
    }

    /// The length of the next stretch, in ticks, and whether it begins just there.
    fn next(&mut self, until: Tick) -> (u64, bool) {
        let near = self.near();
        self.ticks = match near {
            Some(ticks) => ticks,
            None if self.at_once > 1 => until.0 / FOR_EACH / self.at_once as u64,
            None => self.ticks * 2,
        };
        if near.is_none() {
            if self.at_once > 1 {
                self.short_again = 0;
            }
            self.ticks = self.ticks.min(LONGEST_STRETCH).max(self.first);
        }
        self.stretches += 1;
        (self.ticks, near.is_some())
    }

    /// Time is left out.
    fn begin_again(&mut self) {
        if let Some(less) = self.short_again.checked_sub(1) {
            self.short_again = less;
            self.stretches = 0;
            self.ticks = 0;
        }
    }
}

/// How far a search has come.
struct Way {
    reach: Reach,
    /// Where the session stands.
    bound: Position,
    /// Up to here nothing has been looked for.
    until: Position,
    /// The search goes no farther back than this.
    first: Option<Position>,
    /// There is no stretch before.
    is_over: bool,
}

/// What one process searches.
struct Stretch {
    from: Position,
    until: Position,
    /// It begins where the search ends.
    is_last: bool,
}

impl Timeline {
    /// Goes back to the last moment that qualifies, or the start.
    pub(super) fn backward(&mut self, search: &Search, interrupt: &Interrupt) -> Result<Stop> {
        self.backward_from(self.here.position, search, interrupt)
    }

    /// The same, where nothing qualifies from a moment on.
    pub(super) fn backward_from(
        &mut self,
        until: Position,
        search: &Search,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        let bound = self.here.position;
        let hit = self.last_before_from(bound, until, search, interrupt)?;
        match self.before_splits(hit, search, interrupt)? {
            Some(hit) => self.come_back_to(&hit, interrupt),
            None => self.reach_start(),
        }
    }

    /// Goes to what has been found.
    pub(super) fn come_back_to(&mut self, hit: &Hit, interrupt: &Interrupt) -> Result<Stop> {
        self.seek(hit.at.position, interrupt)?;
        let stop = self.arrived(reason_of(Some(hit)));
        self.arrive_before_calls(hit)?;
        self.changes.here = hit.changed.clone();
        Ok(stop)
    }

    /// The last moment before `bound` that qualifies, stretch by stretch.
    pub(super) fn last_before(
        &mut self,
        bound: Position,
        search: &Search,
        interrupt: &Interrupt,
    ) -> Result<Option<Hit>> {
        self.last_before_from(bound, bound, search, interrupt)
    }

    /// The same, where none qualifies from `until` on.
    pub(super) fn last_before_from(
        &mut self,
        bound: Position,
        until: Position,
        search: &Search,
        interrupt: &Interrupt,
    ) -> Result<Option<Hit>> {
        let mut search = search.clone();
        let at_once = match self.may_be_cut(&search) {
            true => self.at_once(),
            false => 1,
        };
        let mut way = Way {
            reach: Reach {
                stretches: 0,
                ticks: 0,
                short_again: match at_once {
                    1 => SHORT_AGAIN,
                    _ => SHORT_AGAIN_OF_MANY,
                },
                first: match at_once {
                    1 => FIRST_STRETCH * self.piece_length(),
                    _ => self.piece_length(),
                },
                at_once,
            },
            bound,
            until,
            first: search.farthest,
            is_over: false,
        };
        if until < bound {
            self.come_to = Some(ComeTo::Position(until));
        }
        let mut underway: AtOnce<Stretch, Run> = AtOnce::new(at_once);
        loop {
            let has_room = match way.reach.near() {
                None if at_once > 1 => underway.has_room(),
                _ => underway.is_empty(),
            };
            if has_room && !way.is_over {
                let Some((process, stretch)) =
                    self.next_stretch(&mut way, &mut search, interrupt)?
                else {
                    way.is_over = true;
                    continue;
                };
                let run = self.run_through(&stretch, &way, &search);
                underway.add(stretch, process.send(run)?);
                continue;
            }
            if underway.is_empty() {
                return Ok(None);
            }
            let is_alone = at_once == 1 || way.is_over || way.reach.near().is_some();
            let Some((stretch, sent)) = underway.next(is_alone, interrupt) else {
                continue;
            };
            let watch = search.watch_in(stretch.until == bound);
            let back = self.back(sent, interrupt)?;
            let ran = self.ran(back, &watch, interrupt)?;
            if let Some(first) = way.first.filter(|_| stretch.is_last) {
                self.breakpoints.forget_log_before(first);
                return Ok(ran.hit.filter(|hit| hit.at.position >= first));
            }
            if ran.hit.is_some() {
                return Ok(ran.hit);
            }
            if let Some(depth) = ran.depth {
                search.limit(depth);
            }
            if stretch.is_last || search.is_over() {
                return Ok(None);
            }
            self.come_to = Some(ComeTo::Position(stretch.from));
        }
    }

    /// The stretch to search next, and a process that stands where it begins.
    fn next_stretch(
        &mut self,
        way: &mut Way,
        search: &mut Search,
        interrupt: &Interrupt,
    ) -> Result<Option<(Process, Stretch)>> {
        let first = way.first;
        // What has changed can only be told from before.
        let first_tick = first.map_or(0, |first| first.tick.0.saturating_sub(1));
        loop {
            self.look_for_candidates(search);
            // The tick of the bound may begin deeper, and yet come to what qualifies.
            let quiet = match way.reach.stretches {
                0 if way.until == way.bound => None,
                _ => self.left_out_before(search, way.until.tick),
            };
            if let Some(quiet) = quiet {
                way.until = way.until.min(Position::first_of(quiet.ticks.start));
                way.reach.begin_again();
            }
            let until = way.until;
            if first.is_some_and(|first| until < first) {
                return Ok(None);
            }
            let (mut ticks, exactly) = way.reach.next(until.tick);
            if until.tick.0.saturating_sub(first_tick) <= NEAR_ENOUGH {
                ticks = NEAR_ENOUGH;
            }
            let mut begin = until.tick.0.saturating_sub(ticks).max(first_tick);
            if let Some(known) = search.candidates.as_ref().filter(|_| !exactly) {
                let newest = known.newest_before(until.tick);
                begin = begin.max(newest.map_or(0, |newest| newest.0));
            }
            let copy = self.copy_for_stretch(Tick(begin), exactly, interrupt)?;
            let from = copy.at.position;
            if from >= until {
                if from == Position::START {
                    return Ok(None);
                }
                continue;
            }
            let is_last = from == Position::START || first.is_some_and(|first| from < first);
            way.until = from;
            way.is_over = is_last;
            let stretch = Stretch {
                from,
                until,
                is_last,
            };
            return Ok(Some((copy, stretch)));
        }
    }

    /// Looks for the last moment of a stretch that qualifies.
    fn run_through(&mut self, stretch: &Stretch, way: &Way, search: &Search) -> Run {
        let (until, bound) = (stretch.until, way.bound);
        let stop = StopAt::LastBefore(if until == bound {
            bound
        } else {
            // The call out at the checkpoint's instruction may be the bound.
            just_after(until).min(bound)
        });
        tracing::debug!("searching from {} to {stop:?}", stretch.from);
        let watch = search.watch_in(until == bound);
        Run {
            on_stack: self.on_stack_for(&watch),
            watch,
            stop,
            leave: match way.reach.at_once {
                1 => self.leave_on_the_way(Vec::new()),
                _ => Leave::NOTHING,
            },
        }
    }

    /// A copy that begins a stretch at a tick: exactly there, or at the nearest checkpoint.
    /// (Later checkpoints do not shorten it: where steps have left many, each would be a
    /// stretch, and the next one longer.)
    fn copy_for_stretch(
        &mut self,
        begin: Tick,
        exactly: bool,
        interrupt: &Interrupt,
    ) -> Result<Process> {
        if begin == Tick(0) {
            return self.copy_at_or_before(Position::START);
        }
        let first = Position::first_of(begin);
        if !exactly {
            let copy = self.pool.fork_checkpoint(|c| c.at_or_before(first))?;
            return copy.ok_or_else(|| TimelineError::Died("no checkpoint is left".into()));
        }
        self.at_tick(begin, interrupt)
    }
}

/// The bound of a stretch that ends at a checkpoint: the checkpoint's own moment
/// belongs to it, since a line start there can only be told from before.
fn just_after(until: Position) -> Position {
    Position {
        pc: until.pc.saturating_add(1),
        phase: Phase::Before,
        ..until
    }
}
