//! What does this binary say? Its crossings with their WIT names and types, its
//! core modules, their wiring, canonical ABI layout. Turns a WASI 0.1 core module
//! or a `.wat` into a component.

mod adapter_maximum;
mod adapter_room;
mod answerer;
pub mod assembly;
pub mod builtin;
mod called;
mod canonical;
mod code;
pub mod crossing;
mod error;
mod extend;
pub mod flow;
pub mod layout;
pub mod lowering;
mod name_pattern;
mod naming;
mod open;
mod parse;
pub mod status;
pub mod type_text;
pub mod types;
pub mod wiring;

pub use adapter_room::GoError;
pub use answerer::Answerer;
pub use builtin::{Builtin, Transmit};
pub use code::{Differs, code_hash, hash, module_name, same_code};
pub use crossing::{Crossing, CrossingId, CrossingKind, Direction, is_exit};
pub use error::ParseError;
pub use extend::{CustomSection, module_with_custom_sections, with_custom_sections};
pub use name_pattern::NamePattern;
pub use open::{OpenError, component_bytes, uncallable_exports};
pub use wiring::{Body, BodyId, Instance, Item, ModuleId};

use assembly::{Assembly, Made};
use std::ops::Range;
use std::sync::Arc;

/// A parsed component binary: everything static that the rest of rr-dap asks of it.
#[derive(Debug)]
pub struct Component {
    bytes: Arc<[u8]>,
    bodies: Vec<Body>,
    modules: Vec<Range<usize>>,
    crossings: Vec<Crossing>,
    assembly: Assembly,
}

impl Component {
    /// Parses and validates a component binary.
    ///
    /// # Errors
    ///
    /// If it is not a valid component, or uses a construct that cannot be
    /// recorded; the error names the construct and its byte offset.
    pub fn parse(bytes: impl Into<Arc<[u8]>>) -> Result<Component, ParseError> {
        parse::parse(bytes.into())
    }

    /// The binary.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// The component bodies in the binary: the root first, then nested ones in
    /// the order in which they begin.
    pub fn bodies(&self) -> &[Body] {
        &self.bodies
    }

    /// One body.
    pub fn body(&self, id: BodyId) -> &Body {
        &self.bodies[id.0 as usize]
    }

    /// What instantiating it makes: instances of bodies in the order in which they begin, the
    /// root's first.
    pub fn made(&self) -> &[Made] {
        &self.assembly.made
    }

    /// How many of those record: the instances of bodies that have core code.
    pub fn instances(&self) -> u32 {
        self.assembly.instances
    }

    /// Whether an instance is part of another: the component of that has instantiated it, or
    /// something that did.
    pub fn is_part(&self, part: Instance, whole: Instance) -> bool {
        let recorded = |of: Instance| {
            let records = |(_, made): &(usize, &Made)| self.body(made.body).has_core;
            let mut recorded = self.made().iter().enumerate().filter(records);
            recorded.nth(of.0 as usize).map(|(number, _)| number)
        };
        let (Some(part), Some(whole)) = (recorded(part), recorded(whole)) else {
            return false;
        };
        let mut within = vec![whole];
        while let Some(made) = within.pop() {
            let nested = self.made().get(made).map(|made| made.nested.as_slice());
            for nested in nested.unwrap_or_default() {
                if *nested == part {
                    return true;
                }
                within.push(*nested);
            }
        }
        false
    }

    /// Every crossing of the core boundary, indexed by [`CrossingId`].
    pub fn crossings(&self) -> &[Crossing] {
        &self.crossings
    }

    /// The crossing with this id, if the component has one.
    pub fn crossing(&self, id: CrossingId) -> Option<&Crossing> {
        self.crossings.get(id.0 as usize)
    }

    /// Who answers a function that a component instance has lowered.
    pub fn answerer<'a>(&'a self, instance: Instance, crossing: &'a Crossing) -> Answerer<'a> {
        self.assembly.answerers.get(instance, crossing)
    }

    /// Whether calls may return in another order than the reverse of the one in which they were
    /// made: a guest that waits in a call keeps its stack, and others go on meanwhile. In an
    /// instance without stackful functions and threads nobody else does.
    pub fn keeps_stacks(&self) -> bool {
        let mut crossings = self.crossings.iter();
        crossings.any(Crossing::waits)
            && (self.crossings.iter().any(Crossing::waits_for_nobody) || self.instances() > 1)
    }

    /// Whether a call into the guest that is made while a call out is in progress runs on top of
    /// that: as the function of another component does that it calls. Where it is called with
    /// `async`, the caller may go on first, so its task has a stack of its own, as any other has.
    pub fn runs_inside(
        &self,
        entered: &Crossing,
        (instance, call): (Instance, CrossingId),
    ) -> bool {
        match entered.kind {
            CrossingKind::Lift | CrossingKind::Callback => {
                let call = self.crossing(call).filter(|call| !call.is_async);
                call.filter(|c| c.kind == CrossingKind::Lower)
                    .is_some_and(|call| {
                        matches!(self.answerer(instance, call), Answerer::Component(..))
                    })
            }
            CrossingKind::ThreadStart(_) => false,
            _ => true,
        }
    }

    /// Whether a crossing may be a call of the exit function of WASI: it never answers, so
    /// what must be known of the guest has to be recorded before it.
    pub fn may_exit(&self, crossing: &Crossing) -> bool {
        let mut names = self.assembly.answerers.other_names(crossing.id);
        is_exit(&crossing.name) || names.any(is_exit)
    }

    /// The status with which a call of the host's exit function ends the run; `None` for
    /// calls of anything else, also of another component that stands in for the host and may
    /// go on, and for arguments that are not a status.
    pub fn exit_status(
        &self,
        instance: Instance,
        crossing: &Crossing,
        args: &[types::CoreValue],
    ) -> Option<i32> {
        match self.answerer(instance, crossing) {
            Answerer::Host(path) if crossing.kind == CrossingKind::Lower => {
                crossing::exit_status(path, args)
            }
            _ => None,
        }
    }

    /// The core modules in the binary, indexed by [`ModuleId`].
    pub fn modules(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.modules.iter().map(|range| &self.bytes[range.clone()])
    }

    /// The start function of a core module, by module and name, if it is one that it imports:
    /// it is called without any code of the module.
    pub fn imported_start(&self, id: ModuleId) -> Option<(String, String)> {
        self.module(id).and_then(code::imported_start)
    }

    /// The bytes of one core module, if the component has it.
    pub fn module(&self, id: ModuleId) -> Option<&[u8]> {
        let range = self.modules.get(id.0 as usize)?;
        self.bytes.get(range.clone())
    }

    /// Where in the component binary a core module lies.
    pub fn module_range(&self, id: ModuleId) -> Option<Range<usize>> {
        self.modules.get(id.0 as usize).cloned()
    }
}
