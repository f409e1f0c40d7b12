//! Joining two components: one around both that imports what they import, gives the
//! app the sink, and exports what the app exports. They stand side by side, as a
//! component may not call into one that it is part of.

use super::SinkError;
use crate::instrument::record::SINK;
use wasm_encoder as we;
use wasm_encoder::reencode::{Error, Reencode, ReencodeComponent};
use wasmparser as wp;

type Result<T, E = Error<SinkError>> = std::result::Result<T, E>;

/// Two components joined.
pub(super) struct Joined {
    pub(super) component: Vec<u8>,
    /// A type that the app exports by itself: what else it exports may speak of that, and
    /// would have to speak of the one that the joined component exports.
    pub(super) exported_type: Option<String>,
}

pub(super) fn compose(sink: &[u8], app: &[u8]) -> Result<Joined, SinkError> {
    join(sink, app).map_err(|error| match error {
        Error::UserError(error) => error,
        other => SinkError::Compose(other.to_string()),
    })
}

fn join(sink: &[u8], app: &[u8]) -> Result<Joined> {
    let mut outer = Outer::default();
    let sink_part = Part::read(&mut outer, sink, None)?;
    let sink_instance = outer.instantiate(sink, &sink_part.imports);
    let app_part = Part::read(&mut outer, app, Some(sink_instance))?;
    let app_instance = outer.instantiate(app, &app_part.imports);
    for (name, kind) in &app_part.exports {
        outer.export(app_instance, name, *kind);
    }
    let mut exports = app_part.exports.into_iter();
    Ok(Joined {
        component: outer.component.finish(),
        exported_type: exports
            .find(|(_, kind)| *kind == we::ComponentExportKind::Type)
            .map(|(name, _)| name),
    })
}

type Import = (String, we::ComponentExportKind, u32);

/// The component being made, and how many items of each sort it has.
#[derive(Default)]
struct Outer {
    component: we::Component,
    types: u32,
    instances: u32,
    functions: u32,
    components: u32,
    modules: u32,
    values: u32,
}

impl Outer {
    /// The index of the next item of a sort.
    fn next(&mut self, kind: we::ComponentExportKind) -> u32 {
        let count = match kind {
            we::ComponentExportKind::Type => &mut self.types,
            we::ComponentExportKind::Instance => &mut self.instances,
            we::ComponentExportKind::Func => &mut self.functions,
            we::ComponentExportKind::Component => &mut self.components,
            we::ComponentExportKind::Module => &mut self.modules,
            we::ComponentExportKind::Value => &mut self.values,
        };
        *count += 1;
        *count - 1
    }

    fn instantiate(&mut self, component: &[u8], imports: &[Import]) -> u32 {
        self.component.section(&we::RawSection {
            id: we::ComponentSectionId::Component as u8,
            data: component,
        });
        let index = self.next(we::ComponentExportKind::Component);
        let mut instances = we::ComponentInstanceSection::new();
        let given = imports
            .iter()
            .map(|(name, kind, index)| (name.as_str(), *kind, *index));
        instances.instantiate(index, given.collect::<Vec<_>>());
        self.component.section(&instances);
        self.next(we::ComponentExportKind::Instance)
    }

    fn export(&mut self, instance: u32, name: &str, kind: we::ComponentExportKind) {
        let mut aliases = we::ComponentAliasSection::new();
        aliases.alias(we::Alias::InstanceExport {
            instance,
            kind,
            name,
        });
        self.component.section(&aliases);
        let index = self.next(kind);
        let mut exports = we::ComponentExportSection::new();
        exports.export(name, kind, index, None);
        self.component.section(&exports);
        self.next(kind);
    }
}

/// One of the two components while its imports are repeated around it: types and
/// instances by their index there, where the new component has them, too.
struct Part<'a> {
    outer: &'a mut Outer,
    /// What takes the place of the import of the sink.
    sink: Option<u32>,
    types: Vec<Option<u32>>,
    instances: Vec<Option<u32>>,
    imports: Vec<Import>,
    exports: Vec<(String, we::ComponentExportKind)>,
    /// How deep the walk is in nested type declarations.
    depth: u32,
    /// Something was named that only the part itself has.
    missing: bool,
}

/// What the new component must know of a part.
struct Ends {
    imports: Vec<Import>,
    exports: Vec<(String, we::ComponentExportKind)>,
}

impl<'a> Part<'a> {
    fn read(outer: &'a mut Outer, bytes: &[u8], sink: Option<u32>) -> Result<Ends> {
        let mut part = Part {
            outer,
            sink,
            types: Vec::new(),
            instances: Vec::new(),
            imports: Vec::new(),
            exports: Vec::new(),
            depth: 0,
            missing: false,
        };
        let mut nesting = 0u32;
        for payload in wp::Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            match &payload {
                wp::Payload::ModuleSection { .. } | wp::Payload::ComponentSection { .. } => {
                    nesting += 1;
                }
                wp::Payload::End(_) => nesting = nesting.saturating_sub(1),
                _ if nesting > 0 => {}
                _ => part.payload(payload)?,
            }
        }
        Ok(Ends {
            imports: part.imports,
            exports: part.exports,
        })
    }

    fn payload(&mut self, payload: wp::Payload<'_>) -> Result<()> {
        use wp::Payload as P;
        match payload {
            P::ComponentTypeSection(section) => section.into_iter().try_for_each(|ty| self.ty(ty?)),
            P::ComponentImportSection(section) => section
                .into_iter()
                .try_for_each(|import| self.import(import?)),
            P::ComponentAliasSection(section) => {
                section.into_iter().try_for_each(|alias| self.alias(alias?))
            }
            P::ComponentInstanceSection(section) => {
                self.instances
                    .extend((0..section.count()).map(|_| None::<u32>));
                Ok(())
            }
            P::ComponentExportSection(section) => section
                .into_iter()
                .try_for_each(|export| self.export(&export?)),
            _ => Ok(()),
        }
    }

    /// Repeats a type, unless it speaks of what only the part has.
    fn ty(&mut self, ty: wp::ComponentType<'_>) -> Result<()> {
        if let wp::ComponentType::Resource { .. } = ty {
            self.types.push(None);
            return Ok(());
        }
        let mut types = we::ComponentTypeSection::new();
        self.missing = false;
        self.parse_component_type(types.ty(), ty)?;
        let index = match std::mem::take(&mut self.missing) {
            true => None,
            false => {
                self.outer.component.section(&types);
                Some(self.outer.next(we::ComponentExportKind::Type))
            }
        };
        self.types.push(index);
        Ok(())
    }

    fn import(&mut self, import: wp::ComponentImport<'_>) -> Result<()> {
        let kind = kind_of(&import.ty);
        let name = import.name.name;
        let index = match self.sink {
            Some(sink) if name == SINK => sink,
            _ => {
                self.missing = false;
                let ty = self.component_type_ref(import.ty)?;
                if self.missing {
                    return Err(Error::UserError(SinkError::Compose(format!(
                        "the type of its import `{name}` is its own"
                    ))));
                }
                let mut imports = we::ComponentImportSection::new();
                imports.import(name, ty);
                self.outer.component.section(&imports);
                self.outer.next(kind)
            }
        };
        self.note(kind, Some(index));
        self.imports.push((name.to_owned(), kind, index));
        Ok(())
    }

    /// Notes where the part's next item of a sort is in the new component.
    fn note(&mut self, kind: we::ComponentExportKind, index: Option<u32>) {
        match kind {
            we::ComponentExportKind::Type => self.types.push(index),
            we::ComponentExportKind::Instance => self.instances.push(index),
            _ => {}
        }
    }

    fn alias(&mut self, alias: wp::ComponentAlias<'_>) -> Result<()> {
        let wp::ComponentAlias::InstanceExport {
            kind,
            instance_index,
            name,
        } = alias
        else {
            return Ok(());
        };
        let kind = we::ComponentExportKind::from(kind);
        let named = matches!(
            kind,
            we::ComponentExportKind::Type | we::ComponentExportKind::Instance
        );
        let instance = self.instances.get(instance_index as usize);
        let index = match instance.copied().flatten() {
            Some(instance) if named => {
                let mut aliases = we::ComponentAliasSection::new();
                aliases.alias(we::Alias::InstanceExport {
                    instance,
                    kind,
                    name,
                });
                self.outer.component.section(&aliases);
                Some(self.outer.next(kind))
            }
            _ => None,
        };
        self.note(kind, index);
        Ok(())
    }

    fn export(&mut self, export: &wp::ComponentExport<'_>) -> Result<()> {
        let kind = we::ComponentExportKind::from(export.kind);
        self.exports.push((export.name.name.to_owned(), kind));
        self.note(kind, None);
        Ok(())
    }

    /// Where an item is in the new component.
    fn find(&mut self, found: Option<Option<u32>>) -> u32 {
        found.flatten().unwrap_or_else(|| {
            self.missing = true;
            0
        })
    }
}

fn kind_of(ty: &wp::ComponentTypeRef) -> we::ComponentExportKind {
    match ty {
        wp::ComponentTypeRef::Module(_) => we::ComponentExportKind::Module,
        wp::ComponentTypeRef::Func(_) => we::ComponentExportKind::Func,
        wp::ComponentTypeRef::Value(_) => we::ComponentExportKind::Value,
        wp::ComponentTypeRef::Type(_) => we::ComponentExportKind::Type,
        wp::ComponentTypeRef::Instance(_) => we::ComponentExportKind::Instance,
        wp::ComponentTypeRef::Component(_) => we::ComponentExportKind::Component,
    }
}

impl Reencode for Part<'_> {
    type Error = SinkError;
}

impl ReencodeComponent for Part<'_> {
    fn component_type_index(&mut self, ty: u32) -> u32 {
        match self.depth {
            0 => self.find(self.types.get(ty as usize).copied()),
            _ => ty,
        }
    }

    fn component_instance_index(&mut self, instance: u32) -> u32 {
        match self.depth {
            0 => self.find(self.instances.get(instance as usize).copied()),
            _ => instance,
        }
    }

    /// An outer alias out of all declarations names a type of the part itself.
    fn outer_component_type_index(&mut self, count: u32, ty: u32) -> u32 {
        match count == self.depth {
            true => self.find(self.types.get(ty as usize).copied()),
            false => ty,
        }
    }

    fn push_depth(&mut self) {
        self.depth += 1;
    }

    fn pop_depth(&mut self) {
        self.depth -= 1;
    }
}
