//! What a host may choose, turned up: choices that hosts hardly ever make find guests that rely
//! on those that they make always.

use super::host::Host;
use crate::component::Component;
use crate::trace::Metadata;
use wasmtime::Store;

/// Which choices are made at random, and by which seeds: the same seed makes the same ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dials {
    /// The indices of handles are shuffled, and not used again for a long time.
    pub handles: Option<u32>,
    /// The host delivers what WASI lets it deliver: less than was asked for, and what is ready
    /// in any order.
    pub chaos: Option<u32>,
}

impl Dials {
    /// As a recording says that they are.
    pub(super) fn of(metadata: &Metadata) -> Dials {
        Dials {
            handles: metadata.handles,
            chaos: metadata.chaos,
        }
    }

    /// Those of the `number`-th instance of a service, from 1: its seeds are as many later.
    pub(super) fn of_instance(self, number: u64) -> Dials {
        let offset = (number.saturating_sub(1) & u64::from(u32::MAX)) as u32;
        let later = |seed: u32| seed.wrapping_add(offset);
        Dials {
            handles: self.handles.map(later),
            chaos: self.chaos.map(later),
        }
    }

    /// What keeps indices from being used again counts as handles, of which Wasmtime allows a
    /// store so many.
    pub(super) fn make_room(self, store: &mut Store<Host>, component: &Component) {
        if self.handles.is_some() {
            let instances = component.instances() as usize;
            let more = DUMMIES.saturating_mul(instances);
            let limit = store.max_component_handles();
            store.set_max_component_handles(limit.saturating_add(more));
        }
    }
}

/// Most handles that an instance has besides the guest's own: those that keep indices, and those
/// that make more of them.
const DUMMIES: usize = 3 << 13;
