//! What is done where a run has come to.

use crate::component::ModuleId;
use crate::replay::Position;

/// Where breakpoints must be, as offsets in the original modules.
pub(super) type Places = Vec<(ModuleId, u32)>;

/// Breakpoints to set and to remove.
#[derive(Debug, Default)]
pub(super) struct Edit {
    pub(super) add: Places,
    pub(super) remove: Places,
}

impl Edit {
    pub(super) fn adding(places: Places) -> Edit {
        Edit {
            add: places,
            remove: Places::new(),
        }
    }
}

/// What is done where a run has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    GoOn,
    /// On to exactly there, in this tick.
    Approach(Position),
    /// On, with breakpoints there, too.
    Watch(Places),
    /// On, without these breakpoints.
    Unwatch(Places),
    Stand,
}

impl From<Edit> for Next {
    fn from(edit: Edit) -> Next {
        match (edit.add.is_empty(), edit.remove.is_empty()) {
            (false, _) => Next::Watch(edit.add),
            (true, false) => Next::Unwatch(edit.remove),
            (true, true) => Next::GoOn,
        }
    }
}
