//! Which resources were made of another one, and are still there: hosts do not let go of a
//! resource before those.

use super::account::{each, word};
use crate::component::types::ValueType;
use crate::component::{Crossing, CrossingKind, Instance};
use crate::inspect::handles::table::HandleTable;
use crate::trace::{EventKind, Trace};
use std::collections::HashSet;

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
    let mut named: Vec<String> = children
        .map(|child| format!("handle {}: {child}", child.index))
        .collect();
    if let more @ 1.. = named.len().saturating_sub(NAMED) {
        named.truncate(NAMED);
        named.push(format!("and {more} more"));
    }
    Some(named)
}

/// Whether its first argument is a handle of a resource.
fn takes_resource(crossing: &Crossing) -> bool {
    let ty = crossing.function.as_ref().and_then(|f| f.params.first());
    crossing.kind == CrossingKind::Lower
        && matches!(ty, Some((_, ValueType::Own(_) | ValueType::Borrow(_))))
}
