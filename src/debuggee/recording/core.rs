//! The core level of a frame: locals, operands, globals, tables and memories.

use super::rows::{core_view, range_of};
use super::stack::GuestPlace;
use super::{Recording, address};
use crate::component::ModuleId;
use crate::component::types::CoreValue;
use crate::debuggee::{Children, DebuggeeError, Format, Page, ValueKind, ValuesRef, VariableView};
use crate::inspect::core_level::{CoreItems, TableItem};
use crate::replay::InstanceId;
use crate::replay::tables::Element;
use std::sync::Arc;

/// The scope of them all, where there is more to see than the core level: key and title.
pub(super) const ALL: (&str, &str) = ("wasm", "WebAssembly");
/// The key of the scope of a function's own.
pub(super) const LOCALS: &str = "wasm-locals";
/// The scopes of the core level: key and title.
pub(super) const SCOPES: [(&str, &str); 5] = [
    (LOCALS, "Wasm locals"),
    ("stack", "Operand stack"),
    ("globals", "Globals"),
    ("tables", "Tables"),
    ("memories", "Memories"),
];

/// Elements of a table at once.
const MOST_ELEMENTS: u64 = 10_000;

fn stale() -> DebuggeeError {
    DebuggeeError::other("these values are not there any more")
}

/// `local3 count`
fn named(sort: &str, index: usize, name: Option<&str>) -> String {
    match name {
        Some(name) => format!("{sort}{index} {name}"),
        None => format!("{sort}{index}"),
    }
}

/// The scopes of the core level of a frame, as what is inside of one.
pub(super) fn groups(frame: u32) -> Vec<VariableView> {
    let group = |(key, title): (&str, &str)| VariableView {
        name: title.to_owned(),
        children: Some(Children {
            values: ValuesRef(format!("{frame}/{key}")),
            named: None,
            indexed: None,
        }),
        kind: ValueKind::Virtual,
        ..VariableView::default()
    };
    SCOPES.map(group).to_vec()
}

impl Recording {
    /// What a module says of its items, read once.
    pub(super) fn items(&mut self, module: ModuleId) -> Arc<CoreItems> {
        let trace = self.timeline.trace();
        let read = || {
            let bytes = trace.component().module(module).unwrap_or_default();
            Arc::new(CoreItems::read(bytes))
        };
        self.items.entry(module).or_insert_with(read).clone()
    }

    /// The values under a path in a scope of the core level.
    pub(super) fn core_values(
        &mut self,
        place: &GuestPlace,
        key: &str,
        steps: &[&str],
        (path, page, format): (&str, Page, Format),
    ) -> Result<Vec<VariableView>, DebuggeeError> {
        let instance = place.core.instance;
        match (key, steps) {
            (LOCALS, []) => self.locals(place, format),
            ("stack", []) => {
                let operands = self.timeline.operands(place.index)?.into_iter();
                let rows = operands.enumerate();
                Ok(rows
                    .map(|(i, value)| VariableView {
                        evaluate_name: Some(format!("$stack{i}")),
                        ..core_view(format!("stack{i}"), value, format)
                    })
                    .collect())
            }
            ("globals", []) => self.globals(place, format),
            ("tables", []) => self.tables_of_module(place, path),
            ("tables", [table]) => {
                let table = table.parse().map_err(|_| stale())?;
                self.elements(instance, table, page)
            }
            ("memories", []) => self.memories(place, path),
            ("memories", [memory]) => {
                let memory = memory.parse().map_err(|_| stale())?;
                Ok(self.data(place, memory))
            }
            _ => Err(stale()),
        }
    }

    fn locals(
        &mut self,
        place: &GuestPlace,
        format: Format,
    ) -> Result<Vec<VariableView>, DebuggeeError> {
        let items = self.items(place.core.module);
        let function = place.core.function;
        let locals = self.timeline.locals(place.index)?.into_iter().enumerate();
        Ok(locals
            .map(|(i, value)| {
                let name = named("local", i, items.local_name(function, i as u32));
                let ty = items.local_type(function, i as u32).map(str::to_owned);
                let view = core_view(name, value, format);
                VariableView {
                    type_name: ty.or(view.type_name),
                    evaluate_name: Some(format!("$local{i}")),
                    ..view
                }
            })
            .collect())
    }

    fn globals(
        &mut self,
        place: &GuestPlace,
        format: Format,
    ) -> Result<Vec<VariableView>, DebuggeeError> {
        let items = self.items(place.core.module);
        let globals = self.timeline.globals(place.core.instance)?;
        let globals: Vec<CoreValue> = globals;
        let rows = globals.into_iter().enumerate();
        Ok(rows
            .map(|(i, value)| {
                let item = items.global(i as u32);
                let name = item.and_then(|item| item.name.as_deref());
                let view = core_view(named("global", i, name), value, format);
                VariableView {
                    type_name: item
                        .map(|item| match item.is_mutable {
                            true => format!("mut {}", item.ty),
                            false => item.ty.clone(),
                        })
                        .or(view.type_name),
                    evaluate_name: Some(format!("$global{i}")),
                    ..view
                }
            })
            .collect())
    }

    fn tables_of_module(
        &mut self,
        place: &GuestPlace,
        path: &str,
    ) -> Result<Vec<VariableView>, DebuggeeError> {
        let items = self.items(place.core.module);
        let sizes = self.timeline.tables(place.core.instance)?;
        let rows = sizes.into_iter().enumerate();
        Ok(rows
            .map(|(i, size)| {
                let item = items.table(i as u32);
                let name = item.and_then(|item| item.name.as_deref());
                let elements = if size == 1 { "element" } else { "elements" };
                VariableView {
                    name: named("table", i, name),
                    value: format!("{size} {elements}"),
                    type_name: item.map(table_type),
                    children: (size > 0).then(|| Children {
                        values: ValuesRef(format!("{path}/{i}")),
                        named: None,
                        indexed: Some(size),
                    }),
                    ..VariableView::default()
                }
            })
            .collect())
    }

    fn elements(
        &mut self,
        instance: InstanceId,
        table: u32,
        page: Page,
    ) -> Result<Vec<VariableView>, DebuggeeError> {
        let range = range_of(page);
        let count = (range.end - range.start).min(MOST_ELEMENTS) as u32;
        let elements = self.timeline.table(instance, table, range.start, count)?;
        let instances = self.timeline.instances()?;
        let function_name = |of: InstanceId, function: u32| {
            let (module, _) = instances.get(of.0 as usize)?;
            let module = self.timeline.module(*module)?;
            Some(module.source.shown_name(function))
        };
        let rows = elements.into_iter().zip(range.start..);
        Ok(rows
            .map(|(element, i)| VariableView {
                name: format!("[{i}]"),
                value: match element {
                    Element::Null => "null".to_owned(),
                    Element::Other => "a reference".to_owned(),
                    Element::Function {
                        instance: of,
                        function,
                    } => {
                        let name = function_name(of, function).unwrap_or_default();
                        match of == instance {
                            true => format!("function {function} {name}"),
                            false => format!("function {function} {name}, of instance {}", of.0),
                        }
                    }
                },
                ..VariableView::default()
            })
            .collect())
    }

    fn memories(
        &mut self,
        place: &GuestPlace,
        path: &str,
    ) -> Result<Vec<VariableView>, DebuggeeError> {
        let items = self.items(place.core.module);
        let instance = place.core.instance;
        let sizes = self.timeline.memories(instance)?;
        let rows = sizes.into_iter().zip(0u32..);
        Ok(rows
            .map(|(size, i)| {
                let item = items.memory(i);
                let name = item.and_then(|item| item.name.as_deref());
                let page = item.map_or(1 << 16, |item| item.page_size.max(1));
                let most = item.and_then(|item| item.maximum);
                let most = most.map_or_else(String::new, |most| format!(" of at most {most}"));
                let data = items.data(i).count();
                VariableView {
                    name: named("memory", i as usize, name),
                    value: format!("{} pages{most}, {size} bytes", size / page),
                    children: (data > 0).then(|| Children {
                        values: ValuesRef(format!("{path}/{i}")),
                        named: Some(data as u64),
                        indexed: None,
                    }),
                    memory: Some(address::memory_of(instance, i, 0)),
                    ..VariableView::default()
                }
            })
            .collect())
    }

    /// The data that a memory had at the start.
    fn data(&mut self, place: &GuestPlace, memory: u32) -> Vec<VariableView> {
        let items = self.items(place.core.module);
        let data = items.data(memory).enumerate();
        data.map(|(i, data)| VariableView {
            name: named("data", i, data.name.as_deref()),
            value: format!("{} bytes at {:#x}", data.length, data.address),
            memory: Some(address::memory_of(
                place.core.instance,
                memory,
                data.address,
            )),
            kind: ValueKind::Virtual,
            ..VariableView::default()
        })
        .collect()
    }
}

fn table_type(item: &TableItem) -> String {
    match item.maximum {
        Some(maximum) => format!("{}, at most {maximum}", item.ty),
        None => item.ty.clone(),
    }
}
