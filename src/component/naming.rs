//! Names: what the binary calls its types, and the conversion of wasmparser's
//! arena types into owned, named ones.

use super::types::{FunctionType, Labels, Record, Resource, TypeName, ValueType, Variant};
use std::collections::HashMap;
use std::sync::Arc;
use wasmparser::PrimitiveValType as Primitive;
use wasmparser::component_types::{
    AliasableResourceId, ComponentAnyTypeId, ComponentDefinedType as Defined,
    ComponentDefinedTypeId, ComponentEntityType, ComponentFuncTypeId, ComponentInstanceTypeId,
    ComponentItem, ComponentValType, ResourceId,
};
use wasmparser::types::TypesRef;

/// The types of one component body.
pub(super) struct Types<'a> {
    arena: TypesRef<'a>,
    names: HashMap<ComponentAnyTypeId, TypeName>,
    resource_names: HashMap<ResourceId, TypeName>,
    resource_ids: HashMap<ResourceId, u32>,
    converted: HashMap<ComponentDefinedTypeId, ValueType>,
}

impl<'a> Types<'a> {
    /// The types of a body that imports and exports these names. A type is named
    /// after the first import that has it, else after the first export.
    pub(super) fn new(arena: TypesRef<'a>, imports: &[&str], exports: &[&str]) -> Self {
        let mut types = Types {
            arena,
            names: HashMap::new(),
            resource_names: HashMap::new(),
            resource_ids: HashMap::new(),
            converted: HashMap::new(),
        };
        for name in imports {
            types.name_item(name, arena.component_item_for_import(name));
        }
        for name in exports {
            types.name_item(name, arena.component_item_for_export(name));
        }
        types
    }

    pub(super) fn arena(&self) -> TypesRef<'a> {
        self.arena
    }

    /// Learns the names that an import or an export gives to types.
    fn name_item(&mut self, name: &str, item: Option<&ComponentItem>) {
        match item.map(|item| &item.ty) {
            Some(ComponentEntityType::Instance(id)) => self.name_instance(name, *id),
            Some(entity) => self.name_entity("", name, entity),
            None => {}
        }
    }

    /// Learns the names under which an instance exports types.
    fn name_instance(&mut self, interface: &str, instance: ComponentInstanceTypeId) {
        let arena = self.arena;
        for (name, item) in &arena[instance].exports {
            self.name_entity(interface, name, &item.ty);
        }
    }

    /// Learns the name under which something is imported or exported, if it is a
    /// type. The first name wins.
    fn name_entity(&mut self, interface: &str, name: &str, entity: &ComponentEntityType) {
        let ComponentEntityType::Type {
            created,
            referenced,
        } = entity
        else {
            return;
        };
        let name = TypeName {
            interface: interface.to_owned(),
            name: name.to_owned(),
        };
        for id in [*created, *referenced] {
            if let ComponentAnyTypeId::Resource(resource) = id {
                self.resource_names
                    .entry(resource.resource())
                    .or_insert_with(|| name.clone());
            }
            self.names.entry(id).or_insert_with(|| name.clone());
        }
    }

    pub(super) fn function(&mut self, id: ComponentFuncTypeId) -> FunctionType {
        let arena = self.arena;
        let ty = &arena[id];
        FunctionType {
            params: ty
                .params
                .iter()
                .map(|(name, ty)| (name.to_string(), self.value(*ty)))
                .collect(),
            result: ty.result.map(|ty| self.value(ty)),
            is_async: ty.async_,
        }
    }

    pub(super) fn resource(&mut self, id: AliasableResourceId) -> Arc<Resource> {
        let name = self
            .names
            .get(&ComponentAnyTypeId::Resource(id))
            .or_else(|| self.resource_names.get(&id.resource()))
            .cloned();
        let next = u32::try_from(self.resource_ids.len()).unwrap_or(u32::MAX);
        let id = *self.resource_ids.entry(id.resource()).or_insert(next);
        Arc::new(Resource { name, id })
    }

    /// The value type that a definition of the body refers to; `None` if there is
    /// no such type.
    pub(super) fn referred(&mut self, ty: wasmparser::ComponentValType) -> Option<ValueType> {
        match ty {
            wasmparser::ComponentValType::Primitive(primitive) => {
                Some(convert_primitive(primitive))
            }
            wasmparser::ComponentValType::Type(index) => self.at(index),
        }
    }

    /// The value type at an index of the body's types; `None` if it is not a value
    /// type.
    pub(super) fn at(&mut self, index: u32) -> Option<ValueType> {
        if index >= self.arena.component_type_count() {
            return None;
        }
        match self.arena.component_any_type_at(index) {
            ComponentAnyTypeId::Defined(id) => Some(self.defined(id)),
            _ => None,
        }
    }

    fn value(&mut self, ty: ComponentValType) -> ValueType {
        match ty {
            ComponentValType::Primitive(primitive) => convert_primitive(primitive),
            ComponentValType::Type(id) => self.defined(id),
        }
    }

    fn boxed(&mut self, ty: ComponentValType) -> Arc<ValueType> {
        Arc::new(self.value(ty))
    }

    fn type_name(&self, id: ComponentDefinedTypeId) -> Option<TypeName> {
        let mut id = Some(id);
        while let Some(this) = id {
            if let Some(name) = self.names.get(&ComponentAnyTypeId::Defined(this)) {
                return Some(name.clone());
            }
            id = self.arena.peel_alias(this);
        }
        None
    }

    /// Converted once per id: types may share subtrees, and walking each use
    /// anew would take exponential time on a hostile binary. Recursion is
    /// bounded by the validator's limit on type nesting.
    fn defined(&mut self, id: ComponentDefinedTypeId) -> ValueType {
        if let Some(done) = self.converted.get(&id) {
            return done.clone();
        }
        let name = self.type_name(id);
        let arena = self.arena;
        let ty = match &arena[id] {
            Defined::Primitive(primitive) => convert_primitive(*primitive),
            Defined::Record(record) => ValueType::Record(Arc::new(Record {
                name,
                fields: record
                    .fields
                    .iter()
                    .map(|(name, ty)| (name.to_string(), self.value(*ty)))
                    .collect(),
            })),
            Defined::Variant(variant) => ValueType::Variant(Arc::new(Variant {
                name,
                cases: variant
                    .cases
                    .iter()
                    .map(|(name, case)| (name.to_string(), case.ty.map(|ty| self.value(ty))))
                    .collect(),
            })),
            Defined::List { element, .. } => ValueType::List(self.boxed(*element)),
            Defined::Map { key, value, .. } => ValueType::Map(self.boxed(*key), self.boxed(*value)),
            Defined::FixedLengthList {
                element, length, ..
            } => ValueType::FixedList(self.boxed(*element), *length),
            Defined::Tuple(tuple) => {
                ValueType::Tuple(tuple.types.iter().map(|ty| self.value(*ty)).collect())
            }
            Defined::Flags(labels) => ValueType::Flags(convert_labels(name, labels.iter())),
            Defined::Enum(labels) => ValueType::Enum(convert_labels(name, labels.iter())),
            Defined::Option { ty, .. } => ValueType::Option(self.boxed(*ty)),
            Defined::Result { ok, err, .. } => {
                ValueType::Result(ok.map(|ty| self.boxed(ty)), err.map(|ty| self.boxed(ty)))
            }
            Defined::Own(resource) => ValueType::Own(self.resource(*resource)),
            Defined::Borrow(resource) => ValueType::Borrow(self.resource(*resource)),
            Defined::Future { ty, .. } => ValueType::Future(ty.map(|ty| self.boxed(ty))),
            Defined::Stream { ty, .. } => ValueType::Stream(ty.map(|ty| self.boxed(ty))),
        };
        self.converted.insert(id, ty.clone());
        ty
    }
}

fn convert_labels(
    name: Option<TypeName>,
    labels: impl Iterator<Item = impl ToString>,
) -> Arc<Labels> {
    Arc::new(Labels {
        name,
        labels: labels.map(|label| label.to_string()).collect(),
    })
}

fn convert_primitive(primitive: Primitive) -> ValueType {
    match primitive {
        Primitive::Bool => ValueType::Bool,
        Primitive::S8 => ValueType::S8,
        Primitive::U8 => ValueType::U8,
        Primitive::S16 => ValueType::S16,
        Primitive::U16 => ValueType::U16,
        Primitive::S32 => ValueType::S32,
        Primitive::U32 => ValueType::U32,
        Primitive::S64 => ValueType::S64,
        Primitive::U64 => ValueType::U64,
        Primitive::F32 => ValueType::F32,
        Primitive::F64 => ValueType::F64,
        Primitive::Char => ValueType::Char,
        Primitive::String => ValueType::String,
        Primitive::ErrorContext => ValueType::ErrorContext,
    }
}
