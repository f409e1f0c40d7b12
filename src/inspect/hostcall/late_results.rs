//! Whether results that come later are errors, by what is written where they will be.

use super::call::return_area;
use crate::component::types::{CoreValue, ValueType};
use crate::component::{Crossing, CrossingKind};
use crate::trace::Instance;
use std::collections::{BTreeMap, HashMap};

/// The results that may be errors of calls that are not done.
#[derive(Debug, Default)]
pub(super) struct Results {
    /// Where they will begin: with the number of the case, a byte. Nobody else may use that memory
    /// meanwhile.
    places: BTreeMap<(Instance, u64), Place>,
    /// By the hostcall.
    of: HashMap<u64, (Instance, u64)>,
}

#[derive(Debug)]
struct Place {
    event: u64,
    /// Its index in the component's body.
    memory: Option<u32>,
    case: u8,
}

/// The case of a `result` that is an error.
const ERROR: u8 = 1;

impl Results {
    pub(super) fn begin(
        &mut self,
        (instance, event): (Instance, u64),
        crossing: &Crossing,
        args: &[CoreValue],
    ) {
        let result = crossing.function.as_ref().and_then(|f| f.result.as_ref());
        let may_come_later = crossing.kind == CrossingKind::Lower && crossing.is_async;
        if !may_come_later || !matches!(result, Some(ValueType::Result(..))) {
            return;
        }
        if let Some(area) = return_area(crossing, args) {
            let at = (instance, area.address);
            let memory = crossing.memory;
            let case = 0;
            self.of.insert(event, at);
            self.places.insert(
                at,
                Place {
                    event,
                    memory,
                    case,
                },
            );
        }
    }

    /// Somebody else has written into the program's memory.
    pub(super) fn write(
        &mut self,
        (instance, crossing): (Instance, &Crossing),
        address: u64,
        bytes: &[u8],
    ) {
        let end = address.saturating_add(bytes.len() as u64);
        let written = self.places.range_mut((instance, address)..(instance, end));
        for ((_, at), place) in written {
            let case = usize::try_from(at - address).ok();
            if let Some(case) = case.and_then(|index| bytes.get(index))
                && place.memory == crossing.memory
            {
                place.case = *case;
            }
        }
    }

    /// The call is done; whether its result is an error.
    pub(super) fn end(&mut self, event: u64) -> bool {
        let Some(at) = self.of.remove(&event) else {
            return false;
        };
        match self.places.get(&at) {
            Some(place) if place.event == event => {
                let failed = place.case == ERROR;
                self.places.remove(&at);
                failed
            }
            _ => false,
        }
    }
}
