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
                    if matches!(canonical, wp::CanonicalFunction::ThreadNewIndirect { .. }) {
                        flush(out, &mut pending);
                        self.thread_start(out)?;
                    }
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

    /// Wraps the beginning of threads that the next core function makes.
    fn thread_start(&mut self, out: &mut we::Component) -> Result<()> {
        let scope = self.scope()?;
        let old = scope.core_functions.len() as u32;
        let new_indirect = scope.lookup.outgoing.get(&old);
        // Crossings are numbered so.
        let id = new_indirect.and_then(|id| id.0.checked_sub(1));
        let id = id.ok_or_else(|| inconsistent("threads"))?;
        self.shim(out, &[(u32::MAX, CrossingId(id))])?;
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
            // Threads begin in the recorder's table, the first one.
            C::ThreadNewIndirect { func_ty_index, .. } => {
                out.thread_new_indirect(func_ty_index, 0);
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
                let index = self.wrap_one(out, id)?;
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
        let has = |wanted: fn(&wp::CanonicalOption) -> bool| options.iter().any(wanted);
        let has_post_return = has(|option| matches!(option, wp::CanonicalOption::PostReturn(_)));
        let has_callback = has(|option| matches!(option, wp::CanonicalOption::Callback(_)));
        let mut ids = vec![id];
        if has_post_return || has_callback {
            ids.push(beside);
        }
        let wrapped = self.wrap_incoming(out, &ids)?;
        let Some((&function, beside)) = wrapped.split_first() else {
            return Err(inconsistent("lifted functions"));
        };
        let scope = self.scope()?;
        scope.post_return_option = beside.first().copied().filter(|_| has_post_return);
        scope.callback_option = beside.first().copied().filter(|_| has_callback);
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
                let destructor = self.wrap_one(out, id)?;
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
        let all = section.into_iter().collect::<Result<Vec<_>, _>>()?;
        let scope = self.scope()?;
        let is_put_off = |alias: &wp::ComponentAlias| match alias {
            wp::ComponentAlias::CoreInstanceExport { instance_index, .. } => scope
                .put_off
                .iter()
                .any(|(old, _)| *old == *instance_index as usize),
            _ => false,
        };
        if all.iter().any(is_put_off) {
            self.catch_up(out)?;
        }
        let mut aliases = we::ComponentAliasSection::new();
        for alias in all {
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
                }
                | wp::ComponentAlias::InstanceExport {
                    kind: wp::ComponentExternalKind::Module,
                    ..
                } => self.new_core_module()?,
                _ => {}
            }
        }
        out.section(&aliases);
        Ok(())
    }

    pub(super) fn imports(
        &mut self,
        out: &mut we::Component,
        section: wp::ComponentImportSectionReader<'_>,
    ) -> Result<()> {
        for import in section.clone() {
            if let wp::ComponentTypeRef::Module(_) = import?.ty {
                self.new_core_module()?;
            }
        }
        let mut imports = we::ComponentImportSection::new();
        self.parse_component_import_section(&mut imports, section)?;
        out.section(&imports);
        Ok(())
    }

    /// What is exported is in its index space once more.
    pub(super) fn exports(
        &mut self,
        out: &mut we::Component,
        section: wp::ComponentExportSectionReader<'_>,
    ) -> Result<()> {
        let mut exports = we::ComponentExportSection::new();
        for export in section {
            let export = export?;
            let kind = export.kind;
            self.parse_component_export(&mut exports, export)?;
            if kind == wp::ComponentExternalKind::Module {
                self.new_core_module()?;
            }
        }
        out.section(&exports);
        Ok(())
    }

    pub(super) fn new_core_module(&mut self) -> Result<()> {
        let scope = self.scope()?;
        scope.core_modules.push(scope.next_core_module);
        scope.next_core_module += 1;
        Ok(())
    }

    /// Instances that only name what is there are put off until something needs them: so the
    /// functions that they name are wrapped together, and each shim takes time to instantiate.
    pub(super) fn core_instances(
        &mut self,
        out: &mut we::Component,
        section: wp::InstanceSectionReader<'_>,
    ) -> Result<()> {
        for instance in section {
            match instance? {
                wp::Instance::FromExports(exports) => {
                    let exports = exports.iter();
                    let exports = exports
                        .map(|export| (export.name.to_owned(), export.kind, export.index))
                        .collect();
                    let scope = self.scope()?;
                    scope.put_off.push((scope.core_instances.len(), exports));
                    scope.core_instances.push(u32::MAX);
                }
                instance => {
                    self.catch_up(out)?;
                    let mut instances = we::InstanceSection::new();
                    self.parse_instance(&mut instances, instance)?;
                    out.section(&instances);
                    let scope = self.scope()?;
                    scope.core_instances.push(scope.next_core_instance);
                    scope.next_core_instance += 1;
                }
            }
        }
        Ok(())
    }

    /// Wraps what is not wrapped yet, and emits the instances that were put off.
    pub(super) fn catch_up(&mut self, out: &mut we::Component) -> Result<()> {
        self.settle(out)?;
        let put_off = std::mem::take(&mut self.scope()?.put_off);
        if put_off.is_empty() {
            return Ok(());
        }
        let mut instances = we::InstanceSection::new();
        for (old, exports) in put_off {
            let mut named = Vec::new();
            for (name, kind, index) in &exports {
                let index = self.external_index(*kind, *index)?;
                named.push((name.as_str(), self.export_kind(*kind)?, index));
            }
            instances.export_items(named);
            let scope = self.scope()?;
            let new = scope.next_core_instance;
            scope.next_core_instance += 1;
            if let Some(place) = scope.core_instances.get_mut(old) {
                *place = new;
            }
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
