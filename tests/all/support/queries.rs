//! What is asked of a whole recording, as tests ask it.

use rr_dap::replay::Position;
use rr_dap::timeline::travel::motion::{BreakpointId, Direction, Motion, Place, Reason};
use rr_dap::timeline::{Change, Interrupt, Timeline, Visit};

use Direction::{Backward, Forward};

pub const ID: BreakpointId = BreakpointId(1);

pub fn go(timeline: &mut Timeline, motion: Motion) -> Reason {
    timeline
        .travel(&motion, &Interrupt::new())
        .unwrap_or_else(|e| panic!("{motion:?}: {e}"))
        .reason
}

pub fn visits(timeline: &mut Timeline, places: &[Place], limit: usize) -> (Vec<Visit>, bool, bool) {
    let visits = timeline
        .visits(places.to_vec(), limit, &Interrupt::new(), &|_| {})
        .expect("visits");
    (visits.visits, visits.is_cut_before, visits.is_cut_after)
}

pub fn positions(visits: &[Visit]) -> Vec<Position> {
    visits.iter().map(|visit| visit.position).collect()
}

/// Stops from one end of the recording to the other, with what has changed there.
pub fn stops(
    timeline: &mut Timeline,
    direction: Direction,
) -> Vec<(Position, Vec<BreakpointId>, Option<Change>)> {
    let from = match direction {
        Forward => Motion::Start,
        Backward => Motion::End,
    };
    go(timeline, from);
    let mut stops = Vec::new();
    while let Reason::Breakpoints(mut ids) = go(timeline, Motion::Continue(direction)) {
        ids.sort_unstable();
        let change = timeline.change_here(ID).cloned();
        stops.push((timeline.here().position, ids, change));
    }
    if direction == Backward {
        stops.reverse();
    }
    stops
}
