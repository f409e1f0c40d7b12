//! What a chronicle has not kept of a moment, told by a replay of its own.

use super::{Chronicle, ChronicleError, Shared, Told};
use crate::inspect::handles::anew;
use crate::inspect::handles::history::TableList;
use crate::inspect::past::wanted::AnewError;
use crate::inspect::tasks::{self, Tasks};
use crate::replay::Compiled;
use crate::replay::variant::Variant;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

/// What was not kept of a moment, told by a replay of its own.
pub(super) struct Recalled {
    what: Recallable,
    /// The call out, and whether it is in progress.
    pub(super) moment: (u64, bool),
    pub(super) told: Option<Result<Recollection, ChronicleError>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recallable {
    Handles,
    Tasks,
}

#[derive(Clone)]
pub(super) enum Recollection {
    Handles(TableList),
    Tasks(Arc<Tasks>),
}

/// So many are remembered: what is shown of one stop asks for two.
const MOST_RECALLED: usize = 4;

impl Chronicle {
    /// What was not kept, if it has been recalled; otherwise begins to.
    pub(super) fn recall(
        &self,
        told: &mut Told,
        what: Recallable,
        moment: (u64, bool),
    ) -> Result<Recollection, ChronicleError> {
        let is_it = move |recalled: &Recalled| (recalled.what, recalled.moment) == (what, moment);
        if let Some(known) = told.recalled.iter().find(|recalled| is_it(recalled)) {
            return known.told.clone().unwrap_or(Err(ChronicleError::NotYet));
        }
        if told.recalled.len() >= MOST_RECALLED {
            told.recalled.pop_front();
        }
        let shared = self.shared.clone();
        let recall = move || {
            let recalled = AssertUnwindSafe(|| recall(&shared, what, moment));
            // Nobody may wait for ever.
            let fault = |_| Err(ChronicleError::NotRecalled("a fault of rr-dap".into()));
            let recollection = catch_unwind(recalled).unwrap_or_else(fault);
            let mut told = shared.told.lock();
            if let Some(asked) = told.recalled.iter_mut().find(|recalled| is_it(recalled)) {
                asked.told = Some(recollection);
            }
            shared.has_come.notify_all();
        };
        let thread = thread::Builder::new().name("recall".into());
        thread
            .spawn(recall)
            .map_err(|error| ChronicleError::NotRecalled(error.to_string()))?;
        told.recalled.push_back(Recalled {
            what,
            moment,
            told: None,
        });
        Err(ChronicleError::NotYet)
    }
}

/// Replays up to a moment for what was not kept of it, as long as somebody wants it.
fn recall(
    shared: &Arc<Shared>,
    what: Recallable,
    moment: (u64, bool),
) -> Result<Recollection, ChronicleError> {
    let failed = |error: String| ChronicleError::NotRecalled(error);
    let trace = shared.told.lock().trace.clone();
    let compiled = Compiled::prepare(&trace, &shared.cache, Variant::Fast, &|_, _| {});
    let compiled = compiled.map_err(|error| failed(error.to_string()))?;
    let asking = shared.clone();
    let go_on = move || {
        let is_asked_for = |recalled: &Recalled| (recalled.what, recalled.moment) == (what, moment);
        !asking.is_abandoned.load(Ordering::Relaxed)
            && asking.told.lock().recalled.iter().any(is_asked_for)
    };
    let recalled = match what {
        Recallable::Handles => {
            anew::tables_at(trace, &compiled, moment, go_on).map(Recollection::Handles)
        }
        Recallable::Tasks => tasks::anew::tasks_at(&trace, &compiled, moment, go_on)
            .map(|tasks| Recollection::Tasks(Arc::new(tasks))),
    };
    recalled.map_err(|error| match error {
        AnewError::Overfull(overfull) => overfull.into(),
        AnewError::Untold(untold) => untold.into(),
        error => failed(error.to_string()),
    })
}
