//! The tasks of a recording, told by a replay of their own.

use super::history::{Building, TaskHistory, Watching};
use super::state::Tasks;
use crate::inspect::past::steps::When;
use crate::inspect::past::wanted::{AnewError, replay_while};
use crate::replay::Compiled;
use crate::trace::Trace;
use parking_lot::Mutex;
use std::sync::Arc;

/// Replays a recording and keeps what becomes of its tasks. Where replay fails, what happened up to
/// there is kept.
pub fn build(trace: &Arc<Trace>, compiled: &Compiled) -> (TaskHistory, Result<(), AnewError>) {
    let (building, ended) = watch(trace, compiled, Building::new(trace), || true);
    (building.history, ended)
}

/// Replays a recording up to a moment: see [`TaskHistory::at`]. `go_on` may end it.
///
/// # Errors
///
/// If replay is ended, or fails before it comes there, or there are too many tasks.
pub fn tasks_at(
    trace: &Arc<Trace>,
    compiled: &Compiled,
    (event, in_call): (u64, bool),
    go_on: impl Fn() -> bool + Send + 'static,
) -> Result<Tasks, AnewError> {
    let until = Building::until(trace, When::asked(event, in_call));
    let (building, ended) = watch(trace, compiled, until, go_on);
    let events = building.history.events();
    match ended {
        Err(error) if !building.is_done() => Err(error),
        _ if in_call && events <= event => Err(AnewError::NoSuch { event, events }),
        _ => Ok(building.history.end()?),
    }
}

fn watch(
    trace: &Arc<Trace>,
    compiled: &Compiled,
    building: Building,
    go_on: impl Fn() -> bool + Send + 'static,
) -> (Building, Result<(), AnewError>) {
    let building = Arc::new(Mutex::new(building));
    let observer = Watching(building.clone());
    let ended = replay_while(trace.clone(), compiled, observer, go_on);
    let empty = Building::new(trace);
    let building = std::mem::replace(&mut *building.lock(), empty);
    (building, ended)
}
