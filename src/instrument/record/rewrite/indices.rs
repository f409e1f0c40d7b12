//! The walk over everything else, and the index spaces: where what was at an index
//! is now.

use super::prefix::sink_type;
use super::{Declared, Result, Rewrite, Scope, inconsistent, place_module};
use crate::instrument::record::{RecordError, SINK};
use wasm_encoder as we;
use wasm_encoder::reencode::{Reencode, ReencodeComponent, component_utils};
use wasmparser as wp;

impl Scope<'_> {
    /// What is added in front of the type declaration that the walk is in, or of the body.
    fn in_front(&self) -> Declared {
        self.declared.last().copied().unwrap_or(Declared {
            types: self.added.types,
            instances: self.added.instances,
        })
    }
}

impl Reencode for Rewrite<'_> {
    type Error = RecordError;

    fn function_index(&mut self, function: u32) -> Result<u32> {
        self.scope()?
            .core_functions
            .get(function as usize)
            .copied()
            .ok_or_else(|| inconsistent("core functions"))
    }

    fn table_index(&mut self, table: u32) -> Result<u32> {
        Ok(table + self.scope()?.added.tables)
    }

    fn memory_index(&mut self, memory: u32) -> Result<u32> {
        Ok(memory + self.scope()?.added.memories)
    }
}

impl ReencodeComponent for Rewrite<'_> {
    fn component_type_index(&mut self, ty: u32) -> u32 {
        ty + self.scopes.last().map_or(0, |s| s.in_front().types)
    }

    fn component_instance_index(&mut self, instance: u32) -> u32 {
        instance + self.scopes.last().map_or(0, |s| s.in_front().instances)
    }

    fn component_func_index(&mut self, function: u32) -> u32 {
        function + self.scopes.last().map_or(0, |s| s.added.functions)
    }

    fn module_index(&mut self, module: u32) -> u32 {
        self.scopes
            .last()
            .and_then(|s| s.core_modules.get(module as usize))
            .copied()
            .unwrap_or(module)
    }

    fn instance_index(&mut self, instance: u32) -> u32 {
        self.scopes
            .last()
            .and_then(|s| s.core_instances.get(instance as usize))
            .copied()
            .unwrap_or(instance)
    }

    fn outer_type_index(&mut self, _count: u32, ty: u32) -> Result<u32> {
        Ok(ty)
    }

    /// An outer alias moves by what is added in front of the type declaration that it names
    /// one of, or of the body, where it reaches past all declarations.
    fn outer_component_type_index(&mut self, count: u32, ty: u32) -> u32 {
        let Some(scope) = self.scopes.last() else {
            return ty;
        };
        if let Some(declared) = scope.declared.iter().rev().nth(count as usize) {
            return ty + declared.types;
        }
        let bodies_up = count - scope.declared.len() as u32;
        let level = self.scopes.len().checked_sub(1 + bodies_up as usize);
        match level.and_then(|level| self.scopes.get(level)) {
            Some(outer) => ty + outer.added.types,
            None => ty,
        }
    }

    fn outer_component_index(&mut self, _count: u32, component: u32) -> u32 {
        component
    }

    fn outer_module_index(&mut self, count: u32, module: u32) -> u32 {
        let depth = self.scopes.last().map_or(0, |s| s.declared.len());
        let level = count
            .checked_sub(depth as u32)
            .and_then(|up| self.scopes.len().checked_sub(1 + up as usize));
        level
            .and_then(|level| self.scopes.get(level))
            .and_then(|s| s.core_modules.get(module as usize))
            .copied()
            .unwrap_or(module)
    }

    fn push_depth(&mut self) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.declared.push(Declared::default());
        }
    }

    fn pop_depth(&mut self) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.declared.pop();
        }
    }

    /// A component that is passed on imports the sink, if anything in it records; so its type
    /// says that it may.
    fn component_type(
        &mut self,
        declarations: Box<[wp::ComponentTypeDeclaration<'_>]>,
    ) -> Result<we::ComponentType> {
        let mut ty = we::ComponentType::new();
        ty.ty().instance(&sink_type(self.options));
        ty.import(SINK, we::ComponentTypeRef::Instance(0));
        self.scope()?.declared.push(Declared {
            types: 1,
            instances: 1,
        });
        for declaration in Vec::from(declarations) {
            self.parse_component_type_declaration(&mut ty, declaration)?;
        }
        self.pop_depth();
        Ok(ty)
    }

    fn canonical_option(&mut self, option: wp::CanonicalOption) -> Result<we::CanonicalOption> {
        Ok(match option {
            wp::CanonicalOption::Realloc(_) => we::CanonicalOption::Realloc(
                self.scope()?
                    .realloc_option
                    .ok_or_else(|| inconsistent("reallocs"))?,
            ),
            wp::CanonicalOption::PostReturn(_) => we::CanonicalOption::PostReturn(
                self.scope()?
                    .post_return_option
                    .ok_or_else(|| inconsistent("post-returns"))?,
            ),
            wp::CanonicalOption::Callback(_) => we::CanonicalOption::Callback(
                self.scope()?
                    .callback_option
                    .ok_or_else(|| inconsistent("callbacks"))?,
            ),
            other => component_utils::canonical_option(self, other)?,
        })
    }

    /// Core modules are copied raw: re-encoding would move code and make the
    /// debug information point elsewhere.
    fn parse_component_submodule(
        &mut self,
        out: &mut we::Component,
        _parser: wp::Parser,
        module: &[u8],
    ) -> Result<()> {
        place_module(out, module);
        self.new_core_module()
    }

    fn parse_component_subcomponent(
        &mut self,
        out: &mut we::Component,
        parser: wp::Parser,
        data: &[u8],
        whole: &[u8],
    ) -> Result<()> {
        let start = (data.as_ptr() as usize)
            .checked_sub(whole.as_ptr() as usize)
            .ok_or_else(|| inconsistent("nested components"))?;
        let mut nested = we::Component::new();
        self.open(&mut nested, start)?;
        component_utils::parse_component(self, &mut nested, parser, data, whole)?;
        self.scopes.pop();
        out.section(&we::NestedComponentSection(&nested));
        Ok(())
    }

    fn parse_component_instance(
        &mut self,
        instances: &mut we::ComponentInstanceSection,
        instance: wp::ComponentInstance<'_>,
    ) -> Result<()> {
        let wp::ComponentInstance::Instantiate {
            component_index,
            args,
        } = &instance
        else {
            return component_utils::parse_component_instance(self, instances, instance);
        };
        let mut given: Vec<(&str, we::ComponentExportKind, u32)> = args
            .iter()
            .map(|arg| {
                let index = self.component_external_index(arg.kind, arg.index);
                (arg.name, arg.kind.into(), index)
            })
            .collect();
        if self.reaches_core(*component_index)? {
            given.push((SINK, we::ComponentExportKind::Instance, 0));
        }
        instances.instantiate(*component_index, given);
        Ok(())
    }

    fn parse_component_payload(
        &mut self,
        out: &mut we::Component,
        payload: wp::Payload<'_>,
        whole: &[u8],
    ) -> Result<()> {
        use wp::Payload as P;
        match payload {
            P::InstanceSection(section) => self.core_instances(out, section),
            P::ComponentTypeSection(section) => self.types(out, section),
            P::ComponentCanonicalSection(section) => self.canonicals(out, section),
            P::ComponentAliasSection(section) => self.aliases(out, section),
            P::ComponentImportSection(section) => self.imports(out, section),
            P::ComponentExportSection(section) => self.exports(out, section),
            // Names in the component's own name section are by index, and the
            // indices have moved.
            P::CustomSection(section) if section.name() == "component-name" => Ok(()),
            P::End(_) => {
                self.catch_up(out)?;
                component_utils::parse_component_payload(self, out, payload, whole)
            }
            other => component_utils::parse_component_payload(self, out, other, whole),
        }
    }
}

impl Rewrite<'_> {
    /// Whether the component at this index of the current body's component index
    /// space needs the sink. One that it was given may.
    fn reaches_core(&mut self, component_index: u32) -> Result<bool> {
        let component = self.component;
        let scope = self.scope()?;
        let id = scope
            .body
            .components
            .get(component_index as usize)
            .ok_or_else(|| inconsistent("nested components"))?;
        Ok(id.is_none_or(|id| component.body(id).reaches_core))
    }
}
