//! What has to go before a handle can: resources that were made of another one, before which
//! hosts do not let go of that, and the members of a waitable-set.

use super::account::{each, word};
use crate::component::builtin::Builtin;
use crate::component::types::ValueType;
use crate::component::{Crossing, CrossingKind, Instance};
use crate::inspect::handles::table::HandleTable;
use crate::trace::{EventKind, Trace};
use std::collections::{BTreeMap, HashSet};

/// Most that are named.
const NAMED: usize = 8;

/// The handles in a table that were created by calls of methods of this one.
pub(super) fn of(
    trace: &Trace,
    (instance, table): (Instance, &HandleTable),
    (parent, since): (u32, u64),
    go_on: &dyn Fn() -> bool,
) -> Option<Vec<String>> {
    let mut made_by = HashSet::new();
    each(trace, go_on, |_, event, crossing, number, _| {
        if let EventKind::Call(args) = &event.kind
            && event.instance == instance
            && number >= since
            && word(args, 0) == Some(parent.into())
            && takes_resource(crossing)
        {
            made_by.insert(number);
        }
    })?;
    let children = table
        .entries()
        .filter(|entry| entry.index != parent && made_by.contains(&entry.created.event));
    let named = children.map(|child| format!("handle {}: {child}", child.index));
    Some(first(named.collect()))
}

/// The members of a waitable-set, each with when it was put in.
pub(super) fn members(
    trace: &Trace,
    (instance, table): (Instance, &HandleTable),
    (set, since): (u32, u64),
    go_on: &dyn Fn() -> bool,
) -> Option<Vec<String>> {
    let mut joined = BTreeMap::new();
    each(trace, go_on, |_, event, crossing, number, _| {
        if let EventKind::Call(args) = &event.kind
            && event.instance == instance
            && number >= since
            && crossing.builtin() == Some(&Builtin::WaitableJoin)
            && let (Some(waitable), Some(to)) = (word(args, 0), word(args, 1))
        {
            match to == u64::from(set) {
                true => joined.insert(waitable as u32, number),
                false => joined.remove(&(waitable as u32)),
            };
        }
    })?;
    // What was dropped left the set with that, and another one may have its index.
    let members = joined.into_iter().filter_map(|(waitable, event)| {
        let entry = table.get(waitable)?;
        let is_it = entry.created.event < event;
        is_it.then(|| format!("handle {waitable}: {entry}, put in at event {event}"))
    });
    Some(first(members.collect()))
}

/// The first ones, and how many more there are.
pub(super) fn first(mut named: Vec<String>) -> Vec<String> {
    if let more @ 1.. = named.len().saturating_sub(NAMED) {
        named.truncate(NAMED);
        named.push(format!("and {more} more"));
    }
    named
}

/// Whether its first argument is a handle of a resource.
fn takes_resource(crossing: &Crossing) -> bool {
    let ty = crossing.function.as_ref().and_then(|f| f.params.first());
    crossing.kind == CrossingKind::Lower
        && matches!(ty, Some((_, ValueType::Own(_) | ValueType::Borrow(_))))
}
