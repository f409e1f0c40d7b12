//! Who answers the functions that a component lowers: the host, or another component of
//! the composition that stands in for it under the same names.

use super::wiring::Instance;
use super::{Crossing, CrossingId};
use std::collections::HashMap;
use std::sync::Arc;

/// Who answers a lowered function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answerer<'a> {
    /// Whoever runs the component: its function with this WIT path. A component within a
    /// composition may know it by another.
    Host(&'a str),
    /// A component instance, by a function that it has lifted.
    Component(Instance, CrossingId),
}

/// A function that an instance has lowered.
pub(super) type Lowered = (Instance, CrossingId);

/// What the names of lowered functions do not tell.
#[derive(Debug, Default)]
pub(super) struct Answerers {
    /// Those that other components answer.
    components: HashMap<Lowered, (Instance, CrossingId)>,
    /// Those that the host answers, where it has another name for them.
    host: HashMap<Lowered, Arc<str>>,
}

impl Answerers {
    /// Notes that a lowered function is one that an instance has lifted.
    pub(super) fn is_lifted(&mut self, lowered: Lowered, lifted: (Instance, CrossingId)) {
        self.components.insert(lowered, lifted);
    }

    /// Notes under which name the host has a lowered function.
    pub(super) fn is_of_host(&mut self, lowered: Lowered, name: Arc<str>) {
        self.host.insert(lowered, name);
    }

    pub(super) fn get<'a>(&'a self, instance: Instance, crossing: &'a Crossing) -> Answerer<'a> {
        let lowered = (instance, crossing.id);
        match (self.components.get(&lowered), self.host.get(&lowered)) {
            (Some((instance, lifted)), _) => Answerer::Component(*instance, *lifted),
            (None, Some(name)) => Answerer::Host(name),
            (None, None) => Answerer::Host(&crossing.name),
        }
    }

    /// The other names that the host has for a lowered function, in any instance.
    pub(super) fn other_names(&self, crossing: CrossingId) -> impl Iterator<Item = &str> {
        let host = self.host.iter();
        host.filter(move |((_, id), _)| *id == crossing)
            .map(|(_, name)| &**name)
    }
}
