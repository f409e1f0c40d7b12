//! What a core module says of its locals, globals, tables, memories, tags and data: types,
//! and the names that its name section gives them.

use std::collections::HashMap;
use wasmparser as wp;

/// The items of one core module.
#[derive(Debug, Default)]
pub struct CoreItems {
    globals: Vec<GlobalItem>,
    tables: Vec<TableItem>,
    memories: Vec<MemoryItem>,
    data: Vec<DataItem>,
    tags: Vec<TagItem>,
    /// By function: the types of its locals, parameters first.
    locals: HashMap<u32, Vec<String>>,
    local_names: HashMap<(u32, u32), String>,
}

/// A global.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlobalItem {
    /// From the name section; `None` where that has none.
    pub name: Option<String>,
    /// The type of its value, as the text format writes it: `i32`.
    pub ty: String,
    /// Whether code may set it.
    pub is_mutable: bool,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableItem {
    /// From the name section; `None` where that has none.
    pub name: Option<String>,
    /// The type of its elements.
    pub ty: String,
    /// In elements; `None` where the module sets no limit.
    pub maximum: Option<u64>,
}

/// A memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryItem {
    /// From the name section; `None` where that has none.
    pub name: Option<String>,
    /// In pages.
    pub maximum: Option<u64>,
    /// In bytes.
    pub page_size: u64,
}

/// A tag of exceptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagItem {
    /// From the name section; where that has none, of the import.
    pub name: Option<String>,
    /// The types of what an exception carries, as the text format writes them.
    pub params: Vec<String>,
}

/// Data that lies in memory when the program starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataItem {
    /// From the name section; `None` where that has none.
    pub name: Option<String>,
    /// The index of its memory in the module; `u32::MAX` where it has no known address.
    pub memory: u32,
    /// Where it starts in that memory; 0 where that is not known.
    pub address: u64,
    /// In bytes.
    pub length: u64,
}

impl CoreItems {
    /// Reads a core module. What cannot be read is left out: names are a help, not a
    /// need.
    pub fn read(module: &[u8]) -> CoreItems {
        let mut reading = Reading::default();
        for payload in wp::Parser::new(0).parse_all(module) {
            let Ok(payload) = payload else { break };
            if reading.payload(payload).is_err() {
                break;
            }
        }
        reading.items
    }

    /// The global with this index in the module, imported ones counted first.
    pub fn global(&self, index: u32) -> Option<&GlobalItem> {
        self.globals.get(index as usize)
    }

    /// The table with this index in the module, imported ones counted first.
    pub fn table(&self, index: u32) -> Option<&TableItem> {
        self.tables.get(index as usize)
    }

    /// The memory with this index in the module, imported ones counted first.
    pub fn memory(&self, index: u32) -> Option<&MemoryItem> {
        self.memories.get(index as usize)
    }

    /// The data that a memory has at known addresses.
    pub fn data(&self, memory: u32) -> impl Iterator<Item = &DataItem> {
        self.data.iter().filter(move |data| data.memory == memory)
    }

    /// The tag with this index in the module, imported ones counted first.
    pub fn tag(&self, index: u32) -> Option<&TagItem> {
        self.tags.get(index as usize)
    }

    /// The name of a function's local.
    pub fn local_name(&self, function: u32, local: u32) -> Option<&str> {
        let name = self.local_names.get(&(function, local))?;
        Some(name)
    }

    /// The type of a function's local.
    pub fn local_type(&self, function: u32, local: u32) -> Option<&str> {
        let types = self.locals.get(&function)?;
        types.get(local as usize).map(String::as_str)
    }
}

/// A module that is being read.
#[derive(Default)]
struct Reading {
    items: CoreItems,
    /// By type: the types of its parameters.
    params: Vec<Vec<String>>,
    /// By function: its type.
    functions: Vec<u32>,
    bodies: u32,
    imported_functions: u32,
}

type Read = Result<(), wp::BinaryReaderError>;

impl Reading {
    fn payload(&mut self, payload: wp::Payload<'_>) -> Read {
        match payload {
            wp::Payload::TypeSection(section) => {
                for group in section {
                    for ty in group?.into_types() {
                        self.params.push(match ty.composite_type.inner {
                            wp::CompositeInnerType::Func(function) => {
                                function.params().iter().map(ToString::to_string).collect()
                            }
                            _ => Vec::new(),
                        });
                    }
                }
            }
            wp::Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    self.import(import.name, import.ty);
                }
            }
            wp::Payload::FunctionSection(section) => {
                for ty in section {
                    self.functions.push(ty?);
                }
            }
            wp::Payload::TableSection(section) => {
                for table in section {
                    self.table(table?.ty);
                }
            }
            wp::Payload::MemorySection(section) => {
                for memory in section {
                    self.memory(memory?);
                }
            }
            wp::Payload::TagSection(section) => {
                for tag in section {
                    self.tag(tag?, None);
                }
            }
            wp::Payload::GlobalSection(section) => {
                for global in section {
                    self.global(global?.ty);
                }
            }
            wp::Payload::DataSection(section) => {
                for data in section {
                    self.data(&data?);
                }
            }
            wp::Payload::CodeSectionEntry(body) => self.body(&body)?,
            wp::Payload::CustomSection(section) => {
                if let wp::KnownCustom::Name(names) = section.as_known() {
                    // A broken name section has no names from there on.
                    _ = self.names(names);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn import(&mut self, name: &str, ty: wp::TypeRef) {
        match ty {
            wp::TypeRef::Func(_) | wp::TypeRef::FuncExact(_) => self.imported_functions += 1,
            wp::TypeRef::Global(ty) => self.global(ty),
            wp::TypeRef::Table(ty) => self.table(ty),
            wp::TypeRef::Memory(ty) => self.memory(ty),
            wp::TypeRef::Tag(ty) => self.tag(ty, Some(name.to_owned())),
        }
    }

    fn tag(&mut self, ty: wp::TagType, name: Option<String>) {
        let params = self.params.get(ty.func_type_idx as usize);
        let params = params.cloned().unwrap_or_default();
        self.items.tags.push(TagItem { name, params });
    }

    fn global(&mut self, ty: wp::GlobalType) {
        self.items.globals.push(GlobalItem {
            name: None,
            ty: ty.content_type.to_string(),
            is_mutable: ty.mutable,
        });
    }

    fn table(&mut self, ty: wp::TableType) {
        self.items.tables.push(TableItem {
            name: None,
            ty: ty.element_type.to_string(),
            maximum: ty.maximum,
        });
    }

    fn memory(&mut self, ty: wp::MemoryType) {
        self.items.memories.push(MemoryItem {
            name: None,
            maximum: ty.maximum,
            page_size: 1 << ty.page_size_log2.unwrap_or(16).min(63),
        });
    }

    /// Data whose number counts: names go by that, also of data without an address.
    fn data(&mut self, data: &wp::Data<'_>) {
        let (memory, address) = match &data.kind {
            wp::DataKind::Active {
                memory_index,
                offset_expr,
            } => (*memory_index, constant(offset_expr)),
            wp::DataKind::Passive => (u32::MAX, None),
        };
        self.items.data.push(DataItem {
            name: None,
            memory: if address.is_some() { memory } else { u32::MAX },
            address: address.unwrap_or(0),
            length: data.data.len() as u64,
        });
    }

    fn body(&mut self, body: &wp::FunctionBody<'_>) -> Read {
        let defined = self.bodies;
        self.bodies += 1;
        let ty = self.functions.get(defined as usize);
        let params = ty.and_then(|ty| self.params.get(*ty as usize));
        let mut types = params.cloned().unwrap_or_default();
        for declared in body.get_locals_reader()? {
            let (count, ty) = declared?;
            // As many as a function may have.
            let count = (count as usize).min(50_000usize.saturating_sub(types.len()));
            types.extend(std::iter::repeat_n(ty.to_string(), count));
        }
        let function = self.imported_functions + defined;
        self.items.locals.insert(function, types);
        Ok(())
    }

    fn names(&mut self, names: wp::NameSectionReader<'_>) -> Read {
        for part in names {
            match part? {
                wp::Name::Local(functions) => {
                    for function in functions {
                        let function = function?;
                        for local in function.names {
                            let local = local?;
                            let key = (function.index, local.index);
                            self.items.local_names.insert(key, local.name.to_owned());
                        }
                    }
                }
                wp::Name::Global(map) => {
                    let items = self.items.globals.iter_mut();
                    name_all(map, items.map(|item| &mut item.name).collect())?;
                }
                wp::Name::Table(map) => {
                    let items = self.items.tables.iter_mut();
                    name_all(map, items.map(|item| &mut item.name).collect())?;
                }
                wp::Name::Memory(map) => {
                    let items = self.items.memories.iter_mut();
                    name_all(map, items.map(|item| &mut item.name).collect())?;
                }
                wp::Name::Tag(map) => {
                    let items = self.items.tags.iter_mut();
                    name_all(map, items.map(|item| &mut item.name).collect())?;
                }
                wp::Name::Data(map) => {
                    let items = self.items.data.iter_mut();
                    name_all(map, items.map(|item| &mut item.name).collect())?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn name_all(map: wp::NameMap<'_>, mut names: Vec<&mut Option<String>>) -> Read {
    for naming in map {
        let naming = naming?;
        if let Some(name) = names.get_mut(naming.index as usize) {
            **name = Some(naming.name.to_owned());
        }
    }
    Ok(())
}

/// The address that data goes to, if it is a plain number.
fn constant(expression: &wp::ConstExpr<'_>) -> Option<u64> {
    let mut operators = expression.get_operators_reader();
    match operators.read().ok()? {
        wp::Operator::I32Const { value } => Some(u64::from(value.cast_unsigned())),
        wp::Operator::I64Const { value } => Some(value.cast_unsigned()),
        _ => None,
    }
}
