//! What a body is given and gives: imports, aliases, instances, exports. They tell
//! the names of the functions that cross.

use super::Walk;
use super::budget::PART;
use super::spaces::{Function, Instance};
use crate::component::canonical::{core_sort, unsupported};
use crate::component::error::ParseError;
use crate::component::wiring::{BodyId, ComponentItem, CoreSort, Item, Link, Source};
use std::collections::HashMap;
use wasmparser as wp;

impl<'a> Walk<'a> {
    pub(super) fn import(
        &mut self,
        import: wp::ComponentImport<'a>,
        at: usize,
    ) -> Result<(), ParseError> {
        let name = import.name.name;
        let is_root = self.open.len() == 1;
        let open = self.here()?;
        match import.ty {
            wp::ComponentTypeRef::Module(_) => {
                self.link(Link::Module(Source::Import(name.to_owned())))?;
            }
            wp::ComponentTypeRef::Component(_) => {
                if is_root {
                    return Err(unsupported("a component that the host is to give", at));
                }
                open.components.push(None);
                self.link(Link::Component(Source::Import(name.to_owned())))?;
            }
            wp::ComponentTypeRef::Value(_) => return Err(unsupported("an imported value", at)),
            wp::ComponentTypeRef::Func(_) => {
                open.functions.push(Function::Named(name.into()));
                self.link(Link::ImportFunc(name.to_owned()))?;
            }
            wp::ComponentTypeRef::Instance(_) => {
                open.instances.push(Instance::Named(name.into()));
                self.link(Link::ImportInstance(name.to_owned()))?;
            }
            wp::ComponentTypeRef::Type(_) => open.component_types += 1,
        }
        Ok(())
    }

    pub(super) fn alias(
        &mut self,
        alias: wp::ComponentAlias<'a>,
        at: usize,
    ) -> Result<(), ParseError> {
        match alias {
            wp::ComponentAlias::CoreInstanceExport {
                kind,
                instance_index,
                name,
            } => {
                let sort = core_sort(kind);
                if sort == CoreSort::Func {
                    self.core_function()?;
                }
                if sort == CoreSort::Memory {
                    self.core_memory(at)?;
                }
                self.item(Item::Alias {
                    sort,
                    instance: instance_index,
                    name: name.to_owned(),
                })
            }
            wp::ComponentAlias::InstanceExport {
                kind,
                instance_index,
                name,
            } => self.instance_export(kind, instance_index, name, at),
            wp::ComponentAlias::Outer { kind, count, index } => self.outer(kind, count, index),
        }
    }

    pub(super) fn instance_export(
        &mut self,
        kind: wp::ComponentExternalKind,
        instance: u32,
        name: &str,
        at: usize,
    ) -> Result<(), ParseError> {
        let budget = self.budget.clone();
        let bodies_named = |instance: &Instance, name: &str| match instance {
            Instance::Named(interface) => {
                let path = format!("{interface}#{name}");
                budget.text(&path)?;
                Ok(Function::Named(path.into()))
            }
            Instance::Made(functions) => Ok(functions
                .get(name)
                .cloned()
                .unwrap_or_else(|| Function::Named(name.into()))),
        };
        let open = self.here()?;
        let source = open
            .instances
            .get(instance as usize)
            .ok_or(ParseError::Index("instance"))?;
        match kind {
            wp::ComponentExternalKind::Func => {
                let function: Result<Function, ParseError> = bodies_named(source, name);
                let function = function?;
                open.functions.push(function);
                self.link(Link::AliasFunc(instance, name.to_owned()))?;
            }
            // Named after the interface it exports: that is how its functions
            // are known to whoever they are given to.
            wp::ComponentExternalKind::Instance => {
                open.instances.push(Instance::Named(name.into()));
                self.link(Link::AliasInstance(instance, name.to_owned()))?;
            }
            wp::ComponentExternalKind::Module => {
                let source = Source::Export(instance, name.to_owned());
                self.link(Link::Module(source))?;
            }
            wp::ComponentExternalKind::Component => {
                open.components.push(None);
                let source = Source::Export(instance, name.to_owned());
                self.link(Link::Component(source))?;
            }
            wp::ComponentExternalKind::Value => return Err(unsupported("a value", at)),
            wp::ComponentExternalKind::Type => open.component_types += 1,
        }
        Ok(())
    }

    pub(super) fn outer(
        &mut self,
        kind: wp::ComponentOuterAliasKind,
        count: u32,
        index: u32,
    ) -> Result<(), ParseError> {
        let level = self
            .open
            .len()
            .checked_sub(1 + count as usize)
            .ok_or(ParseError::Index("outer"))?;
        let Some(Some(outer)) = self.open.get(level) else {
            return Err(ParseError::Index("outer"));
        };
        match kind {
            wp::ComponentOuterAliasKind::CoreModule => {
                self.link(Link::Module(Source::Outer { up: count, index }))
            }
            wp::ComponentOuterAliasKind::Component => {
                let id = *outer
                    .components
                    .get(index as usize)
                    .ok_or(ParseError::Index("component"))?;
                self.here()?.components.push(id);
                self.link(Link::Component(Source::Outer { up: count, index }))
            }
            wp::ComponentOuterAliasKind::Type => self.component_type().map(|_| ()),
            wp::ComponentOuterAliasKind::CoreType => Ok(()),
        }
    }

    pub(super) fn core_instance(&mut self, instance: wp::Instance<'a>) -> Result<(), ParseError> {
        let item = match instance {
            wp::Instance::Instantiate { module_index, args } => Item::Instantiate {
                module: module_index,
                args: args
                    .iter()
                    .map(|arg| (arg.name.to_owned(), arg.index))
                    .collect(),
            },
            wp::Instance::FromExports(exports) => Item::Bundle(
                exports
                    .iter()
                    .map(|e| (e.name.to_owned(), core_sort(e.kind), e.index))
                    .collect(),
            ),
        };
        self.item(item)
    }

    pub(super) fn instance(
        &mut self,
        instance: wp::ComponentInstance<'a>,
    ) -> Result<(), ParseError> {
        match instance {
            wp::ComponentInstance::Instantiate {
                component_index,
                args,
            } => {
                let open = self.here()?;
                let body = open
                    .components
                    .get(component_index as usize)
                    .copied()
                    .ok_or(ParseError::Index("component"))?;
                let mut functions = HashMap::new();
                for arg in &args {
                    if arg.kind == wp::ComponentExternalKind::Func
                        && let Some(f) = open.functions.get(arg.index as usize)
                    {
                        functions.insert(arg.name.to_owned(), f.clone());
                    }
                }
                let functions = match body {
                    Some(body) => self.through_shim(body, &functions)?,
                    None => HashMap::new(),
                };
                self.here()?
                    .instances
                    .push(Instance::Made(functions.into()));
                let args = args.iter().map(|arg| (arg.name, arg.kind, arg.index));
                self.link(Link::Instantiate(component_index, passed(args)))?;
                self.item(Item::Nested)
            }
            wp::ComponentInstance::FromExports(exports) => {
                let open = self.here()?;
                let mut functions = HashMap::new();
                for e in &exports {
                    if e.kind == wp::ComponentExternalKind::Func
                        && let Some(f) = open.functions.get(e.index as usize)
                    {
                        functions.insert(e.name.name.to_owned(), f.clone());
                    }
                }
                open.instances.push(Instance::Made(functions.into()));
                let exports = exports.iter().map(|e| (e.name.name, e.kind, e.index));
                self.link(Link::Bundle(passed(exports)))
            }
        }
    }

    /// What a nested component makes of the functions it is given: wit-component
    /// passes lifted functions through a shim component that only renames them.
    pub(super) fn through_shim(
        &self,
        body: BodyId,
        given: &HashMap<String, Function>,
    ) -> Result<HashMap<String, Function>, ParseError> {
        let mut renamed = HashMap::new();
        for (export, function) in self.exports.get(&body).into_iter().flatten() {
            self.budget.spend(PART)?;
            if let Function::Named(import) = function
                && let Some(function) = given.get(&**import)
            {
                self.budget.text(export)?;
                renamed.insert(export.clone(), function.clone());
            }
        }
        Ok(renamed)
    }

    pub(super) fn export(&mut self, export: wp::ComponentExport<'a>) -> Result<(), ParseError> {
        let name = export.name.name;
        let budget = self.budget.clone();
        let open = self.here()?;
        match export.kind {
            wp::ComponentExternalKind::Func => {
                let function = open
                    .functions
                    .get(export.index as usize)
                    .cloned()
                    .ok_or(ParseError::Index("function"))?;
                open.exports.insert(name.to_owned(), function.clone());
                if let Function::Lifted(id) = &function {
                    open.lifted_names.push((*id, name.into()));
                }
                open.functions.push(function);
                let item = ComponentItem::Func(export.index);
                self.link(Link::Export(name.to_owned(), item))?;
            }
            wp::ComponentExternalKind::Instance => {
                let instance = open
                    .instances
                    .get(export.index as usize)
                    .cloned()
                    .ok_or(ParseError::Index("instance"))?;
                if let Instance::Made(functions) = &instance {
                    for (function_name, function) in functions.iter() {
                        budget.spend(PART)?;
                        if let Function::Lifted(id) = function {
                            let path = format!("{name}#{function_name}");
                            budget.text(&path)?;
                            open.lifted_names.push((*id, path.into()));
                        }
                    }
                }
                open.instances.push(instance);
                let item = ComponentItem::Instance(export.index);
                self.link(Link::Export(name.to_owned(), item))?;
            }
            wp::ComponentExternalKind::Component => {
                let body = open
                    .components
                    .get(export.index as usize)
                    .copied()
                    .ok_or(ParseError::Index("component"))?;
                open.components.push(body);
                let item = ComponentItem::Component(export.index);
                self.link(Link::Export(name.to_owned(), item))?;
            }
            wp::ComponentExternalKind::Module => {
                let item = ComponentItem::Module(export.index);
                self.link(Link::Export(name.to_owned(), item))?;
            }
            wp::ComponentExternalKind::Type => open.component_types += 1,
            wp::ComponentExternalKind::Value => {}
        }
        Ok(())
    }
}

/// What an instance is made of, but for types and values.
fn passed<'a>(
    items: impl Iterator<Item = (&'a str, wp::ComponentExternalKind, u32)>,
) -> Vec<(String, ComponentItem)> {
    let named = |(name, kind, index): (&str, _, _)| {
        let item = match kind {
            wp::ComponentExternalKind::Func => ComponentItem::Func(index),
            wp::ComponentExternalKind::Instance => ComponentItem::Instance(index),
            wp::ComponentExternalKind::Module => ComponentItem::Module(index),
            wp::ComponentExternalKind::Component => ComponentItem::Component(index),
            wp::ComponentExternalKind::Type | wp::ComponentExternalKind::Value => return None,
        };
        Some((name.to_owned(), item))
    };
    items.filter_map(named).collect()
}
