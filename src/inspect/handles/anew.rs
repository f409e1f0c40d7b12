//! What a history has not kept, told by one more replay: the tables of a moment, or all
//! that changed in the course of the recording.

use super::building::Building;
use super::entry::EndedEntry;
use super::history::{HandleChange, HandleHistory, Moments, TableList};
use super::table::Change;
use crate::inspect::past::steps::When;
pub use crate::inspect::past::wanted::AnewError;
use crate::inspect::past::wanted::replay_while;
use crate::replay::Compiled;
use crate::trace::{Instance, Trace};
use parking_lot::Mutex;
use std::sync::Arc;

/// Replays a recording, compiled in the fast variant, up to a moment: see
/// [`HandleHistory::at`]. `go_on` may end it.
///
/// # Errors
///
/// If replay is ended, or fails before it comes there, or the tables are too large.
pub fn tables_at(
    trace: Arc<Trace>,
    compiled: &Compiled,
    (event, in_call): (u64, bool),
    go_on: impl Fn() -> bool + Send + 'static,
) -> Result<TableList, AnewError> {
    let mut building = Building::new(&trace);
    building.until = Some(When::asked(event, in_call));
    let building = Arc::new(Mutex::new(building));
    let ended = replay(trace, compiled, &building, go_on);
    let building = building.lock();
    match ended {
        Err(error) if !building.is_done => return Err(error),
        _ => {}
    }
    Ok(building.history.end()?)
}

/// Replays a recording, compiled in the fast variant, and calls `visit` with each entry
/// that ended: see [`HandleHistory::each_ended`]. `go_on` may end it. Answers the history,
/// which has no steps.
///
/// # Errors
///
/// If replay is ended, or fails; entries up to there have been visited.
pub fn each_ended(
    trace: Arc<Trace>,
    compiled: &Compiled,
    mut visit: impl FnMut(Instance, &EndedEntry) + Send + 'static,
    go_on: impl Fn() -> bool + Send + 'static,
) -> (HandleHistory, Result<(), AnewError>) {
    let mut building = Building::new(&trace);
    let empty = Building::new(&trace);
    building.told = Some(Box::new(move |instance, change| {
        if let Change::Ended(past) = change {
            visit(instance, past);
        }
    }));
    let building = Arc::new(Mutex::new(building));
    let ended = replay(trace, compiled, &building, go_on);
    let history = std::mem::replace(&mut *building.lock(), empty).history;
    (history, ended)
}

/// As [`HandleHistory::changes`]; of a recording that cannot be replayed to its end, those
/// up to there.
///
/// # Errors
///
/// If `go_on` ended it.
pub fn changes(
    trace: Arc<Trace>,
    compiled: &Compiled,
    change: HandleChange,
    resource: Option<&str>,
    go_on: impl Fn() -> bool + Send + 'static,
) -> Result<Vec<u64>, AnewError> {
    let moments = Arc::new(Mutex::new(Some(Moments::new(change, resource))));
    let found = moments.clone();
    let visit = move |_: Instance, past: &EndedEntry| {
        if let Some(moments) = &mut *found.lock() {
            moments.ended(past);
        }
    };
    let (history, ended) = each_ended(trace, compiled, visit, go_on);
    if let Err(AnewError::Interrupted) = ended {
        return Err(AnewError::Interrupted);
    }
    let moments = moments.lock().take();
    Ok(moments.map_or_else(Vec::new, |moments| moments.finish(&history)))
}

fn replay(
    trace: Arc<Trace>,
    compiled: &Compiled,
    building: &Arc<Mutex<Building>>,
    go_on: impl Fn() -> bool + Send + 'static,
) -> Result<(), AnewError> {
    replay_while(trace, compiled, building.clone(), go_on)
}
