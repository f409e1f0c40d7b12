//! The index spaces of a component body while its sections are walked.

use crate::component::crossing::CrossingId;
use crate::component::layout::Pointer;
use crate::component::naming::Types;
use crate::component::wiring::BodyId;
use std::collections::HashMap;
use std::sync::Arc;

/// A component function in a body's index space: where it comes from.
#[derive(Clone)]
pub(super) enum Function {
    /// Imported, or exported by an instance: known by its WIT path.
    Named(Arc<str>),
    /// Lifted in this body.
    Lifted(CrossingId),
}

/// A component instance in a body's index space.
#[derive(Clone)]
pub(super) enum Instance {
    /// Known by its interface name; its exports are named after it.
    Named(Arc<str>),
    /// Made in this body, by name: a bundle, or what a shim component renames.
    Made(Arc<HashMap<String, Function>>),
}

/// A body while its sections are walked.
pub(super) struct Open<'a> {
    pub(super) id: BodyId,
    pub(super) types: Types<'a>,
    /// How many component-level types there are so far.
    pub(super) component_types: u32,
    pub(super) core_functions: u32,
    /// The width of addresses in each core memory.
    pub(super) core_memories: Vec<Pointer>,
    /// `None` for those that it may be given.
    pub(super) components: Vec<Option<BodyId>>,
    pub(super) functions: Vec<Function>,
    pub(super) instances: Vec<Instance>,
    /// Functions this body imports under their bare names, and exports: how a
    /// shim component renames what it is given.
    pub(super) exports: HashMap<String, Function>,
    pub(super) reallocs: HashMap<(u32, Option<u32>), CrossingId>,
    /// The component-level names of lifted functions, learnt from exports.
    pub(super) lifted_names: Vec<(CrossingId, Arc<str>)>,
}

impl Open<'_> {
    /// The width of addresses in the memory of canonical options.
    pub(super) fn pointer(&self, memory: Option<u32>) -> Pointer {
        memory
            .and_then(|memory| self.core_memories.get(memory as usize))
            .copied()
            .unwrap_or_default()
    }
}
