//! Names: what the binary calls its types, and the conversion of wasmparser's
//! arena types into owned, named ones.

use super::error::ParseError;
use super::parse::budget::{Budget, PART, check};
use super::types::{FunctionType, Labels, Record, Resource, TypeName, ValueType, Variant};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use wasmparser::PrimitiveValType as Primitive;
use wasmparser::component_types::{
    AliasableResourceId, ComponentAnyTypeId, ComponentDefinedType as Defined,
    ComponentDefinedTypeId, ComponentEntityType, ComponentFuncTypeId, ComponentInstanceTypeId,
    ComponentItem, ComponentValType, ResourceId,
};
use wasmparser::types::TypesRef;

/// The most parts of a function's type that are laid out one by one: each field, each case,
/// as often as it is there.
const MOST_LAID_OUT: usize = 1 << 16;

/// The types of one component body.
pub(super) struct Types<'a> {
    arena: TypesRef<'a>,
    names: HashMap<ComponentAnyTypeId, TypeName>,
    resource_names: HashMap<ResourceId, TypeName>,
    resource_ids: HashMap<ResourceId, u32>,
    /// With how many parts each has.
    converted: HashMap<ComponentDefinedTypeId, (ValueType, usize)>,
    functions: HashMap<ComponentFuncTypeId, Arc<FunctionType>>,
    budget: Rc<Budget>,
}

impl<'a> Types<'a> {
    /// The types of a body that imports and exports these names. A type is named
    /// after the first import that has it, else after the first export.
    pub(super) fn new(
        arena: TypesRef<'a>,
        imports: &[&str],
        exports: &[&str],
        budget: Rc<Budget>,
    ) -> Result<Self, ParseError> {
        let mut types = Types {
            arena,
            names: HashMap::new(),
            resource_names: HashMap::new(),
            resource_ids: HashMap::new(),
            converted: HashMap::new(),
            functions: HashMap::new(),
            budget,
        };
        for name in imports {
            types.name_item(name, arena.component_item_for_import(name))?;
        }
        for name in exports {
            types.name_item(name, arena.component_item_for_export(name))?;
        }
        Ok(types)
    }

    pub(super) fn arena(&self) -> TypesRef<'a> {
        self.arena
    }

    /// Learns the names that an import or an export gives to types.
    fn name_item(&mut self, name: &str, item: Option<&ComponentItem>) -> Result<(), ParseError> {
        match item.map(|item| &item.ty) {
            Some(ComponentEntityType::Instance(id)) => self.name_instance(name, *id),
            Some(entity) => self.name_entity(&"".into(), name, entity),
            None => Ok(()),
        }
    }

    /// Learns the names under which an instance exports types.
    fn name_instance(
        &mut self,
        interface: &str,
        instance: ComponentInstanceTypeId,
    ) -> Result<(), ParseError> {
        let arena = self.arena;
        self.budget.text(interface)?;
        let interface = interface.into();
        for (name, item) in &arena[instance].exports {
            self.budget.spend(PART)?;
            self.name_entity(&interface, name, &item.ty)?;
        }
        Ok(())
    }

    /// Learns the name under which something is imported or exported, if it is a
    /// type. The first name wins.
    fn name_entity(
        &mut self,
        interface: &Arc<str>,
        name: &str,
        entity: &ComponentEntityType,
    ) -> Result<(), ParseError> {
        let ComponentEntityType::Type {
            created,
            referenced,
        } = entity
        else {
            return Ok(());
        };
        self.budget.text(name)?;
        let name = TypeName {
            interface: interface.clone(),
            name: name.into(),
        };
        for id in [*created, *referenced] {
            if let ComponentAnyTypeId::Resource(resource) = id {
                self.resource_names
                    .entry(resource.resource())
                    .or_insert_with(|| name.clone());
            }
            self.names.entry(id).or_insert_with(|| name.clone());
        }
        Ok(())
    }

    pub(super) fn function(
        &mut self,
        id: ComponentFuncTypeId,
    ) -> Result<Arc<FunctionType>, ParseError> {
        if let Some(known) = self.functions.get(&id) {
            return Ok(known.clone());
        }
        let arena = self.arena;
        let ty = &arena[id];
        let params = ty.params.iter().map(|(name, ty)| {
            self.budget.text(name)?;
            Ok((name.to_string(), self.value(*ty)?))
        });
        let params = params.collect::<Result<_, ParseError>>()?;
        let result = ty.result.map(|ty| self.value(ty)).transpose()?;
        let types = ty.params.iter().map(|(_, ty)| *ty).chain(ty.result);
        let parts = types.map(|ty| self.parts(ty));
        let parts = parts.fold(0, usize::saturating_add);
        check("parts in the type of a function", parts, MOST_LAID_OUT)?;
        // They are walked when the crossing's shape is found.
        self.budget.spend(parts)?;
        let function = Arc::new(FunctionType {
            params,
            result,
            is_async: ty.async_,
        });
        self.functions.insert(id, function.clone());
        Ok(function)
    }

    /// How many parts a type has that has been converted, each as often as it is there.
    fn parts(&self, ty: ComponentValType) -> usize {
        match ty {
            ComponentValType::Primitive(_) => 1,
            ComponentValType::Type(id) => self.converted.get(&id).map_or(1, |(_, parts)| *parts),
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
    pub(super) fn referred(
        &mut self,
        ty: wasmparser::ComponentValType,
    ) -> Result<Option<ValueType>, ParseError> {
        match ty {
            wasmparser::ComponentValType::Primitive(primitive) => {
                Ok(Some(convert_primitive(primitive)))
            }
            wasmparser::ComponentValType::Type(index) => self.at(index),
        }
    }

    /// The value type at an index of the body's types; `None` if it is not a value
    /// type.
    pub(super) fn at(&mut self, index: u32) -> Result<Option<ValueType>, ParseError> {
        if index >= self.arena.component_type_count() {
            return Ok(None);
        }
        match self.arena.component_any_type_at(index) {
            ComponentAnyTypeId::Defined(id) => {
                let ty = self.defined(id)?;
                let parts = self.parts(ComponentValType::Type(id));
                check(
                    "parts in the type of a stream or future",
                    parts,
                    MOST_LAID_OUT,
                )?;
                Ok(Some(ty))
            }
            _ => Ok(None),
        }
    }

    fn value(&mut self, ty: ComponentValType) -> Result<ValueType, ParseError> {
        match ty {
            ComponentValType::Primitive(primitive) => Ok(convert_primitive(primitive)),
            ComponentValType::Type(id) => self.defined(id),
        }
    }

    fn boxed(&mut self, ty: ComponentValType) -> Result<Arc<ValueType>, ParseError> {
        self.value(ty).map(Arc::new)
    }

    fn optional(
        &mut self,
        ty: Option<ComponentValType>,
    ) -> Result<Option<Arc<ValueType>>, ParseError> {
        ty.map(|ty| self.boxed(ty)).transpose()
    }

    fn labels<'t>(
        &self,
        name: Option<TypeName>,
        labels: impl Iterator<Item = &'t str>,
    ) -> Result<Arc<Labels>, ParseError> {
        let labels = labels.map(|label| {
            self.budget.text(label)?;
            Ok(label.to_owned())
        });
        Ok(Arc::new(Labels {
            name,
            labels: labels.collect::<Result<_, ParseError>>()?,
        }))
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
    fn defined(&mut self, id: ComponentDefinedTypeId) -> Result<ValueType, ParseError> {
        if let Some((done, _)) = self.converted.get(&id) {
            return Ok(done.clone());
        }
        let name = self.type_name(id);
        let arena = self.arena;
        self.budget.spend(PART)?;
        // The types of its parts: they are walked with it.
        let mut within: Vec<ComponentValType> = Vec::new();
        let ty = match &arena[id] {
            Defined::Primitive(primitive) => convert_primitive(*primitive),
            Defined::Record(record) => {
                within.extend(record.fields.values());
                let fields = record.fields.iter().map(|(name, ty)| {
                    self.budget.text(name)?;
                    Ok((name.to_string(), self.value(*ty)?))
                });
                let fields = fields.collect::<Result<_, ParseError>>()?;
                ValueType::Record(Arc::new(Record { name, fields }))
            }
            Defined::Variant(variant) => {
                within.extend(variant.cases.values().filter_map(|case| case.ty));
                let cases = variant.cases.iter().map(|(name, case)| {
                    self.budget.text(name)?;
                    let ty = case.ty.map(|ty| self.value(ty)).transpose()?;
                    Ok((name.to_string(), ty))
                });
                let cases = cases.collect::<Result<_, ParseError>>()?;
                ValueType::Variant(Arc::new(Variant { name, cases }))
            }
            Defined::List { element, .. } => {
                within.push(*element);
                ValueType::List(self.boxed(*element)?)
            }
            Defined::Map { key, value, .. } => {
                within.extend([*key, *value]);
                ValueType::Map(self.boxed(*key)?, self.boxed(*value)?)
            }
            Defined::FixedLengthList {
                element, length, ..
            } => {
                within.push(*element);
                ValueType::FixedList(self.boxed(*element)?, *length)
            }
            Defined::Tuple(tuple) => {
                within.extend(tuple.types.iter());
                self.budget.spend(tuple.types.len().saturating_mul(PART))?;
                let types = tuple.types.iter().map(|ty| self.value(*ty));
                ValueType::Tuple(types.collect::<Result<_, ParseError>>()?)
            }
            Defined::Flags(labels) => {
                ValueType::Flags(self.labels(name, labels.iter().map(|label| label.as_str()))?)
            }
            Defined::Enum(labels) => {
                ValueType::Enum(self.labels(name, labels.iter().map(|label| label.as_str()))?)
            }
            Defined::Option { ty, .. } => {
                within.push(*ty);
                ValueType::Option(self.boxed(*ty)?)
            }
            Defined::Result { ok, err, .. } => {
                within.extend([*ok, *err].into_iter().flatten());
                ValueType::Result(self.optional(*ok)?, self.optional(*err)?)
            }
            Defined::Own(resource) => ValueType::Own(self.resource(*resource)),
            Defined::Borrow(resource) => ValueType::Borrow(self.resource(*resource)),
            Defined::Future { ty, .. } => {
                within.extend(*ty);
                ValueType::Future(self.optional(*ty)?)
            }
            Defined::Stream { ty, .. } => {
                within.extend(*ty);
                ValueType::Stream(self.optional(*ty)?)
            }
        };
        let parts = within.into_iter().map(|ty| self.parts(ty));
        let parts = parts.fold(1, usize::saturating_add);
        self.converted.insert(id, (ty.clone(), parts));
        Ok(ty)
    }
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
