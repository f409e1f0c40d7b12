//! Canonical definitions: each makes crossings.

use super::Walk;
use super::budget::check;
use super::spaces::Function;
use crate::component::canonical::{Options, unsupported};
use crate::component::crossing::{Crossing, CrossingId, CrossingKind, ReturnArea};
use crate::component::error::ParseError;
use crate::component::layout::{self, Pointer, Returned};
use crate::component::types::{CoreSignature, CoreType, FunctionType, Resource, StringEncoding};
use crate::component::wiring::{Item, Link};
use std::sync::Arc;
use wasmparser as wp;
use wasmparser::component_types::ComponentAnyTypeId;

/// Limits no real component comes near; a hostile one is refused before it
/// takes memory.
const MAX_CROSSINGS: usize = 1 << 18;

impl<'a> Walk<'a> {
    pub(super) fn canonical(
        &mut self,
        canonical: wp::CanonicalFunction,
        at: usize,
    ) -> Result<(), ParseError> {
        use wp::CanonicalFunction as C;
        match canonical {
            C::Lower {
                func_index,
                options,
            } => self.lower(func_index, Options::read(&options), at),
            C::Lift {
                core_func_index,
                type_index,
                options,
            } => self.lift(core_func_index, type_index, Options::read(&options), at),
            other => self.builtin(other, at),
        }
    }

    pub(super) fn lower(
        &mut self,
        function: u32,
        options: Options,
        at: usize,
    ) -> Result<(), ParseError> {
        let open = self.here()?;
        let ty = open.types.arena().component_function_at(function);
        let ty = open.types.function(ty)?;
        options.check_gc(&ty, at)?;
        let name = match open.functions.get(function as usize) {
            Some(Function::Named(name)) => name.clone(),
            Some(Function::Lifted(_)) => "own export".into(),
            None => return Err(ParseError::Index("function")),
        };
        self.realloc(&options)?;
        let index = self.core_function()?;
        let signature = self.signature(index)?;
        let pointer = self.here()?.pointer(options.memory);
        let return_area = match layout::lowered(&ty, pointer, options.is_async).returned {
            Returned::Area(area) => Some(ReturnArea {
                size: u32::try_from(area.size)
                    .map_err(|_| unsupported("a result of more than 4 GiB", at))?,
            }),
            _ => None,
        };
        let id = self.cross(CrossingKind::Lower, name, signature, index)?;
        self.describe(id, Some(ty), &options, return_area);
        self.link(Link::Lower(function, id))?;
        self.item(Item::Outgoing(id))
    }

    pub(super) fn lift(
        &mut self,
        function: u32,
        ty: u32,
        options: Options,
        at: usize,
    ) -> Result<(), ParseError> {
        let open = self.here()?;
        let ComponentAnyTypeId::Func(ty) = open.types.arena().component_any_type_at(ty) else {
            return Err(ParseError::Index("type"));
        };
        let ty = open.types.function(ty)?;
        options.check_gc(&ty, at)?;
        self.realloc(&options)?;
        let first_memory = (!self.here()?.core_memories.is_empty()).then_some(0);
        let options = Options {
            memory: options.memory.or(first_memory),
            ..options
        };
        if let Some(post) = options.post_return {
            self.beside_lift(CrossingKind::PostReturn, post, &options)?;
        }
        if let Some(callback) = options.callback {
            self.beside_lift(CrossingKind::Callback, callback, &options)?;
        }
        let signature = self.signature(function)?;
        let id = self.cross(CrossingKind::Lift, "".into(), signature, function)?;
        self.describe(id, Some(ty), &options, None);
        self.item(Item::Incoming(id))?;
        self.here()?.functions.push(Function::Lifted(id));
        self.link(Link::Lift(id))
    }

    /// A function named in the options of a lift: it gets its name with the lift.
    fn beside_lift(
        &mut self,
        kind: CrossingKind,
        function: u32,
        options: &Options,
    ) -> Result<(), ParseError> {
        let signature = self.signature(function)?;
        let id = self.cross(kind, "".into(), signature, function)?;
        self.describe(id, None, options, None);
        self.item(Item::Incoming(id))
    }

    /// A realloc is one crossing for each memory it serves, defined at its first
    /// use in canonical options.
    pub(super) fn realloc(&mut self, options: &Options) -> Result<(), ParseError> {
        let Some(function) = options.realloc else {
            return Ok(());
        };
        let key = (function, options.memory);
        if self.here()?.reallocs.contains_key(&key) {
            return Ok(());
        }
        let signature = self.signature(function)?;
        let id = self.cross(CrossingKind::Realloc, "realloc".into(), signature, function)?;
        self.describe(id, None, options, None);
        self.here()?.reallocs.insert(key, id);
        self.item(Item::Incoming(id))
    }

    /// Numbers a crossing of the body being walked.
    pub(super) fn cross(
        &mut self,
        kind: CrossingKind,
        name: Arc<str>,
        signature: CoreSignature,
        core_function: u32,
    ) -> Result<CrossingId, ParseError> {
        check("crossings", self.crossings.len() + 1, MAX_CROSSINGS)?;
        let body = self.here()?.id;
        let id = CrossingId(self.crossings.len() as u32);
        self.crossings.push(Crossing {
            id,
            body,
            kind,
            name,
            signature,
            function: None,
            core_function,
            memory: None,
            pointer: Pointer::default(),
            is_async: false,
            is_gc: false,
            encoding: StringEncoding::default(),
            return_area: None,
        });
        Ok(id)
    }

    /// Adds what only crossings with a component-level type or canonical options
    /// have.
    pub(super) fn describe(
        &mut self,
        id: CrossingId,
        function: Option<Arc<FunctionType>>,
        options: &Options,
        return_area: Option<ReturnArea>,
    ) {
        let pointer = match self.here() {
            Ok(open) => open.pointer(options.memory),
            Err(_) => Pointer::default(),
        };
        let crossing = &mut self.crossings[id.0 as usize];
        crossing.pointer = pointer;
        crossing.is_async = options.is_async;
        crossing.is_gc = options.is_gc;
        crossing.function = function;
        crossing.memory = options.memory;
        crossing.encoding = options.encoding;
        crossing.return_area = return_area;
    }

    /// Adds a component-level type to the body's index space.
    pub(super) fn component_type(&mut self) -> Result<u32, ParseError> {
        let open = self.here()?;
        let index = open.component_types;
        open.component_types += 1;
        Ok(index)
    }

    /// The resource type at an index.
    pub(super) fn resource(&mut self, index: u32) -> Result<Arc<Resource>, ParseError> {
        let types = &mut self.here()?.types;
        if index >= types.arena().component_type_count() {
            return Err(ParseError::Index("type"));
        }
        match types.arena().component_any_type_at(index) {
            ComponentAnyTypeId::Resource(id) => Ok(types.resource(id)),
            _ => Err(ParseError::Index("type")),
        }
    }

    /// Adds a core function to the body's index space.
    pub(super) fn core_function(&mut self) -> Result<u32, ParseError> {
        let open = self.here()?;
        let index = open.core_functions;
        open.core_functions += 1;
        Ok(index)
    }

    pub(super) fn core_memory(&mut self, at: usize) -> Result<(), ParseError> {
        let open = self.here()?;
        let ty = open
            .types
            .arena()
            .memory_at(open.core_memories.len() as u32);
        open.core_memories.push(if ty.memory64 {
            Pointer::Wasm64
        } else {
            Pointer::Wasm32
        });
        if ty.shared {
            return Err(unsupported("a shared memory", at));
        }
        Ok(())
    }

    /// The signature of a core function of the body, which validation has put
    /// in bounds.
    pub(super) fn signature(&mut self, function: u32) -> Result<CoreSignature, ParseError> {
        let arena = self.here()?.types.arena();
        if function >= arena.function_count() {
            return Err(ParseError::Index("core function"));
        }
        let ty = &arena[arena.core_function_at(function)];
        let wp::CompositeInnerType::Func(ty) = &ty.composite_type.inner else {
            return Err(ParseError::Index("core type"));
        };
        let convert = |types: &[wp::ValType]| {
            types
                .iter()
                .map(|ty| match ty {
                    wp::ValType::I32 => Ok(CoreType::I32),
                    wp::ValType::I64 => Ok(CoreType::I64),
                    wp::ValType::F32 => Ok(CoreType::F32),
                    wp::ValType::F64 => Ok(CoreType::F64),
                    other => Err(unsupported(&format!("a crossing that passes {other}"), 0)),
                })
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(CoreSignature {
            params: convert(ty.params())?,
            results: convert(ty.results())?,
        })
    }
}
