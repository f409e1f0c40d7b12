//! What one component passes to another: noted where it leaves the one, found where it
//! arrives at the other, as the same handle has another number there.

use crate::component::layout::{Params, flatten, lowered};
use crate::component::types::{CoreValue, ValueType};
use crate::component::{Crossing, CrossingId};
use crate::trace::Instance;
use std::collections::{HashMap, VecDeque};

/// A lifted function of an instance.
type Lifted = (Instance, CrossingId);

/// What was passed at which places among the flat arguments.
type Given<T> = Vec<(usize, T)>;

/// What has left one component and not arrived at the other.
#[derive(Debug, Clone)]
pub struct Passing<T> {
    /// Arguments, for each call that has not been entered yet, the oldest first.
    given: HashMap<Lifted, VecDeque<Given<T>>>,
    /// The last result.
    answered: HashMap<Lifted, T>,
}

impl<T> Default for Passing<T> {
    fn default() -> Self {
        Passing {
            given: HashMap::new(),
            answered: HashMap::new(),
        }
    }
}

impl<T> Passing<T> {
    /// Whether nothing is on its way.
    pub fn is_empty(&self) -> bool {
        self.given.is_empty() && self.answered.is_empty()
    }

    /// A call is made with these arguments.
    pub fn give(&mut self, to: Lifted, args: Given<T>) {
        // Calls with nothing to follow have their turn among the others.
        if !args.is_empty() || self.given.contains_key(&to) {
            self.given.entry(to).or_default().push_back(args);
        }
    }

    /// The next call is entered: what it was given.
    pub fn take(&mut self, by: Lifted) -> Given<T> {
        let Some(waiting) = self.given.get_mut(&by) else {
            return Vec::new();
        };
        let args = waiting.pop_front().unwrap_or_default();
        if waiting.is_empty() {
            self.given.remove(&by);
        }
        args
    }

    /// A call is left with this result.
    pub fn answer(&mut self, by: Lifted, result: Option<T>) {
        match result {
            Some(result) => _ = self.answered.insert(by, result),
            None => _ = self.answered.remove(&by),
        }
    }

    /// The result of the call arrives at the caller.
    pub fn returned(&mut self, from: Lifted) -> Option<T> {
        self.answered.remove(&from)
    }
}

/// What is known of the handles and ends of streams among the arguments of a lowered
/// function, by their places; `find` is told whether they are moved, not lent. Those
/// within other values, or in memory, are not looked for.
pub fn passed<T>(
    crossing: &Crossing,
    args: &[CoreValue],
    mut find: impl FnMut(u32, bool) -> Option<T>,
) -> Given<T> {
    let mut found = Vec::new();
    let Some(function) = &crossing.function else {
        return found;
    };
    let types = || function.params.iter().map(|(_, ty)| ty);
    let is_of_interest = |ty: &ValueType| {
        matches!(
            ty,
            ValueType::Own(_) | ValueType::Borrow(_) | ValueType::Stream(_)
        )
    };
    if !types().any(is_of_interest) {
        return found;
    }
    let shape = lowered(function, crossing.pointer, crossing.is_async);
    if let Params::Spilled(_) = shape.params {
        return found;
    }
    let mut position = 0;
    for ty in types() {
        if is_of_interest(ty)
            && let Some(CoreValue::I32(handle)) = args.get(position)
        {
            let is_moved = !matches!(ty, ValueType::Borrow(_));
            let held = find(handle.cast_unsigned(), is_moved);
            found.extend(held.map(|held| (position, held)));
        }
        position += flatten(ty, crossing.pointer).map_or(0, |flat| flat.len());
    }
    found
}
