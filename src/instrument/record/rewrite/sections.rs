//! The sections in which wrappers are put: canonical definitions, types with
//! destructors, and those that number core items.

use super::{Result, Rewrite, inconsistent};
use crate::component::CrossingId;
use wasm_encoder as we;
use wasm_encoder::reencode::{Reencode, ReencodeComponent, component_utils};
use wasmparser as wp;

impl<'a> Rewrite<'a> {
    pub(super) fn canonicals(
        &mut self,
        out: &mut we::Component,
        section: wp::ComponentCanonicalSectionReader<'_>,
    ) -> Result<()> {
        let mut pending = we::CanonicalFunctionSection::new();
        for canonical in section {
            let canonical = canonical?;
            self.wrap_realloc(out, &mut pending, &canonical)?;
            match &canonical {
                wp::CanonicalFunction::Lift {
                    type_index,
                    options,
                    ..
                } => {
                    flush(out, &mut pending);
                    self.lift(out, &mut pending, *type_index, options)?;
                }
                _ => {
                    self.outgoing(&mut pending, canonical)?;
                    let old = self.new_core_function()?;
                    let scope = self.scope()?;
                    let id = *scope
                        .lookup
                        .outgoing
                        .get(&old)
                        .ok_or_else(|| inconsistent("outgoing crossings"))?;
                    scope.unwrapped.push((old, id));
                }
            }
            let scope = self.scope()?;
            scope.realloc_option = None;
            scope.post_return_option = None;
            scope.callback_option = None;
        }
        flush(out, &mut pending);
        Ok(())
    }

    /// Re-encodes a definition that the guest calls.
    fn outgoing(
        &mut self,
        out: &mut we::CanonicalFunctionSection,
        canonical: wp::CanonicalFunction,
    ) -> Result<()> {
        use wp::CanonicalFunction as C;
        // The encoder leaves the type indices of these as they were.
        match canonical {
            C::StreamCancelRead { ty, async_ } => {
                out.stream_cancel_read(self.component_type_index(ty), async_);
            }
            C::StreamCancelWrite { ty, async_ } => {
                out.stream_cancel_write(self.component_type_index(ty), async_);
            }
            C::FutureCancelRead { ty, async_ } => {
                out.future_cancel_read(self.component_type_index(ty), async_);
            }
            C::FutureCancelWrite { ty, async_ } => {
                out.future_cancel_write(self.component_type_index(ty), async_);
            }
            other => component_utils::parse_component_canonical(self, out, other)?,
        }
        Ok(())
    }

    pub(super) fn wrap_realloc(
        &mut self,
        out: &mut we::Component,
        pending: &mut we::CanonicalFunctionSection,
        canonical: &wp::CanonicalFunction,
    ) -> Result<()> {
        let options = options_of(canonical);
        let Some(function) = options.iter().find_map(|o| match o {
            wp::CanonicalOption::Realloc(f) => Some(*f),
            _ => None,
        }) else {
            return Ok(());
        };
        let memory = options.iter().find_map(|o| match o {
            wp::CanonicalOption::Memory(m) => Some(*m),
            _ => None,
        });
        let scope = self.scope()?;
        let id = *scope
            .lookup
            .reallocs
            .get(&(function, memory))
            .ok_or_else(|| inconsistent("reallocs"))?;
        let index = match scope.reallocs.get(&id) {
            Some(index) => *index,
            None => {
                flush(out, pending);
                let index = self.wrap_incoming(out, id)?;
                self.scope()?.reallocs.insert(id, index);
                index
            }
        };
        self.scope()?.realloc_option = Some(index);
        Ok(())
    }

    pub(super) fn lift(
        &mut self,
        out: &mut we::Component,
        pending: &mut we::CanonicalFunctionSection,
        ty: u32,
        options: &[wp::CanonicalOption],
    ) -> Result<()> {
        self.settle(out)?;
        let scope = self.scope()?;
        let id = *scope
            .lookup
            .lifts
            .get(scope.lifts)
            .ok_or_else(|| inconsistent("lifted functions"))?;
        scope.lifts += 1;
        // Crossings are numbered with the post-return or the callback of a lift
        // right before it.
        let beside = CrossingId(id.0.wrapping_sub(1));
        for option in options {
            match option {
                wp::CanonicalOption::PostReturn(_) => {
                    let index = self.wrap_incoming(out, beside)?;
                    self.scope()?.post_return_option = Some(index);
                }
                wp::CanonicalOption::Callback(_) => {
                    let index = self.wrap_incoming(out, beside)?;
                    self.scope()?.callback_option = Some(index);
                }
                _ => {}
            }
        }
        let function = self.wrap_incoming(out, id)?;
        let options = options
            .iter()
            .map(|o| self.canonical_option(*o))
            .collect::<Result<Vec<_>>>()?;
        let ty = self.component_type_index(ty);
        pending.lift(function, ty, options);
        Ok(())
    }

    pub(super) fn types(
        &mut self,
        out: &mut we::Component,
        section: wp::ComponentTypeSectionReader<'_>,
    ) -> Result<()> {
        for ty in section {
            let ty = ty?;
            let mut types = we::ComponentTypeSection::new();
            if let wp::ComponentType::Resource {
                rep, dtor: Some(_), ..
            } = ty
            {
                let scope = self.scope()?;
                let id = *scope
                    .lookup
                    .destructors
                    .get(scope.destructors)
                    .ok_or_else(|| inconsistent("destructors"))?;
                scope.destructors += 1;
                let destructor = self.wrap_incoming(out, id)?;
                let rep = self.val_type(rep)?;
                types.ty().resource(rep, Some(destructor));
            } else {
                self.parse_component_type(types.ty(), ty)?;
            }
            out.section(&types);
        }
        Ok(())
    }

    pub(super) fn aliases(
        &mut self,
        out: &mut we::Component,
        section: wp::ComponentAliasSectionReader<'_>,
    ) -> Result<()> {
        let mut aliases = we::ComponentAliasSection::new();
        for alias in section {
            let alias = alias?;
            aliases.alias(self.component_alias(alias.clone())?);
            match alias {
                wp::ComponentAlias::CoreInstanceExport {
                    kind: wp::ExternalKind::Func,
                    ..
                } => {
                    self.new_core_function()?;
                }
                wp::ComponentAlias::Outer {
                    kind: wp::ComponentOuterAliasKind::CoreModule,
                    ..
                } => self.new_core_module()?,
                _ => {}
            }
        }
        out.section(&aliases);
        Ok(())
    }

    pub(super) fn new_core_module(&mut self) -> Result<()> {
        let scope = self.scope()?;
        scope.core_modules.push(scope.next_core_module);
        scope.next_core_module += 1;
        Ok(())
    }

    pub(super) fn core_instances(
        &mut self,
        out: &mut we::Component,
        section: wp::InstanceSectionReader<'_>,
    ) -> Result<()> {
        let mut instances = we::InstanceSection::new();
        for instance in section {
            self.parse_instance(&mut instances, instance?)?;
            let scope = self.scope()?;
            scope.core_instances.push(scope.next_core_instance);
            scope.next_core_instance += 1;
        }
        out.section(&instances);
        Ok(())
    }
}

fn flush(out: &mut we::Component, pending: &mut we::CanonicalFunctionSection) {
    if !pending.is_empty() {
        out.section(&*pending);
        *pending = we::CanonicalFunctionSection::new();
    }
}

fn options_of(canonical: &wp::CanonicalFunction) -> &[wp::CanonicalOption] {
    match canonical {
        wp::CanonicalFunction::Lift { options, .. }
        | wp::CanonicalFunction::Lower { options, .. }
        | wp::CanonicalFunction::TaskReturn { options, .. }
        | wp::CanonicalFunction::StreamRead { options, .. }
        | wp::CanonicalFunction::StreamWrite { options, .. }
        | wp::CanonicalFunction::FutureRead { options, .. }
        | wp::CanonicalFunction::FutureWrite { options, .. }
        | wp::CanonicalFunction::ErrorContextNew { options }
        | wp::CanonicalFunction::ErrorContextDebugMessage { options } => options,
        _ => &[],
    }
}
