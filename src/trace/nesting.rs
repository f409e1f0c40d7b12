//! Whether events nest, as replay plays them.

use super::event::Instance;
use super::records::{Record, RecordKind};
use crate::component::{Component, CrossingId};

/// A call returned before one that was made after it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{returned} of instance {returned_instance} returned while {waiting} of instance \
     {waiting_instance}, called after it, was still waiting: the recording ends here, as \
     replay plays calls one inside the other; what was recorded before replays. \
     Functions that wait in a `callback`, not in a blocking call, do not get in each other's way"
)]
pub struct NotNested {
    /// The crossing that returned.
    pub returned: String,
    /// The number of the [`Instance`] that it belongs to.
    pub returned_instance: u32,
    /// The crossing that had to return first.
    pub waiting: String,
    /// The number of the [`Instance`] that it belongs to.
    pub waiting_instance: u32,
}

/// The calls that have not returned, outermost first.
#[derive(Debug, Default)]
pub(super) struct Nesting {
    open: Vec<Open>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Open {
    instance: Instance,
    crossing: CrossingId,
}

impl Nesting {
    /// Follows a record.
    ///
    /// # Errors
    ///
    /// If it does not nest in those before.
    pub(super) fn follow(
        &mut self,
        instance: Instance,
        record: &Record<'_>,
        component: &Component,
    ) -> Result<(), NotNested> {
        let open = Open {
            instance,
            crossing: record.crossing.id,
        };
        match record.kind {
            RecordKind::Call(_) | RecordKind::Enter(_) => {
                self.open.push(open);
                Ok(())
            }
            RecordKind::Return(_) | RecordKind::Leave(_) => match self.open.pop() {
                Some(last) if last != open => {
                    let name = |id| {
                        component
                            .crossing(id)
                            .map_or_else(String::new, |crossing| crossing.name.clone())
                    };
                    Err(NotNested {
                        returned: name(open.crossing),
                        returned_instance: open.instance.0,
                        waiting: name(last.crossing),
                        waiting_instance: last.instance.0,
                    })
                }
                _ => Ok(()),
            },
            RecordKind::Write { .. } | RecordKind::Hash(_) => Ok(()),
        }
    }
}
