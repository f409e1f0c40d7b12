//! Which variable a wasm local is: what debug information says the other way round.

use super::locator::Locator;
use super::place::{FrameState, Place};
use crate::component::types::CoreValue;
use crate::source::ModuleSource;

/// A frame that has nothing but one local.
struct OneLocal(u32);

impl FrameState for OneLocal {
    fn local(&self, index: u32) -> Option<CoreValue> {
        (index == self.0).then_some(CoreValue::I32(0))
    }

    fn operand(&self, _: u32) -> Option<CoreValue> {
        None
    }

    fn global(&self, _: u32) -> Option<CoreValue> {
        None
    }

    fn memory(&self, _: u64, _: usize) -> Option<Vec<u8>> {
        None
    }
}

/// The innermost variable at a place whose value a local is, or is a part of it.
pub fn in_local(source: &ModuleSource, pc: u32, local: u32) -> Option<String> {
    let scopes = source.scopes_at(pc).ok()?;
    let (with, without) = (OneLocal(local), OneLocal(u32::MAX));
    let locates = |state: &OneLocal, declared: &crate::source::Declared| {
        let size = source.size_of(declared.type_id?).ok()?;
        let locator = Locator::new(source, state, &scopes);
        locator.locate(&declared.location, declared.unit, size).ok()
    };
    let variables = scopes
        .frames
        .iter()
        .rev()
        .flat_map(|f| f.variables.iter().rev());
    let mut held = variables.filter(|declared| {
        // It is there with the local, and not without.
        matches!(locates(&with, declared), Some(Place::Copied { .. }))
            && locates(&without, declared).is_none()
    });
    held.next().map(|declared| declared.name.clone())
}

/// The parameter of the function at a place that is passed in a local, where each parameter is
/// passed in one.
pub fn parameter(source: &ModuleSource, pc: u32, local: u32, passed: u32) -> Option<String> {
    let scopes = source.scopes_at(pc).ok()?;
    let declared = scopes.frames.first()?.variables.iter();
    let arguments: Vec<&str> = declared
        .filter(|declared| declared.is_argument)
        .map(|declared| declared.name.as_str())
        .collect();
    let is_plain = arguments.len() == passed as usize;
    let name = arguments.get(local as usize).filter(|_| is_plain)?;
    (!name.is_empty()).then(|| (*name).to_owned())
}
