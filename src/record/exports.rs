//! The functions that a component exports: what can be called from outside.

use wasmtime::Engine;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::wasm_wave::wasm::DisplayType;
use wasmtime::component::{Component, ComponentExportIndex, Type};

/// An exported function.
pub(super) struct Export {
    /// The exported instance that it is in, if it is in one.
    pub(super) interface: Option<String>,
    pub(super) name: String,
    pub(super) ty: ComponentFunc,
    pub(super) index: ComponentExportIndex,
}

/// The exported functions, those of exported instances included.
pub(super) fn functions(engine: &Engine, component: &Component) -> Vec<Export> {
    let mut found = Vec::new();
    for (name, item) in component.component_type().exports(engine) {
        let Some(index) = component.get_export_index(None, name) else {
            continue;
        };
        match item.ty {
            ComponentItem::ComponentFunc(ty) => found.push(Export {
                interface: None,
                name: name.to_owned(),
                ty,
                index,
            }),
            ComponentItem::ComponentInstance(instance) => {
                found.extend(instance.exports(engine).filter_map(|(leaf, item)| {
                    let ComponentItem::ComponentFunc(ty) = item.ty else {
                        return None;
                    };
                    Some(Export {
                        interface: Some(name.to_owned()),
                        name: leaf.to_owned(),
                        ty,
                        index: component.get_export_index(Some(&index), leaf)?,
                    })
                }));
            }
            _ => {}
        }
    }
    found
}

impl Export {
    /// The name by which exactly this function can be called: `f` or
    /// `ns:package/interface@1.0.0#f`.
    pub(super) fn path(&self) -> String {
        match &self.interface {
            Some(interface) => format!("{interface}#{}", self.name),
            None => self.name.clone(),
        }
    }

    /// How well a name that a person gave fits: the lower, the better.
    pub(super) fn fit(&self, given: &str) -> Option<u8> {
        let Some(interface) = &self.interface else {
            return (given == self.name).then_some(0);
        };
        let name = &self.name;
        let (bare, version) = match interface.split_once('@') {
            Some((bare, version)) => (bare, format!("@{version}")),
            None => (interface.as_str(), String::new()),
        };
        // `package/interface.f@version` is how `wasmtime run --invoke` has it.
        let exact = [
            format!("{interface}#{name}"),
            format!("{bare}.{name}{version}"),
        ];
        let unversioned = [format!("{bare}#{name}"), format!("{bare}.{name}")];
        match () {
            () if exact.iter().any(|e| e == given) => Some(0),
            () if unversioned.iter().any(|e| e == given) => Some(1),
            () if given == name => Some(2),
            () => None,
        }
    }

    /// The function's name and type, as WIT has them.
    pub(super) fn signature(&self) -> String {
        let params: Vec<String> = self
            .ty
            .params()
            .map(|(name, ty)| format!("{name}: {}", told(&ty)))
            .collect();
        let result = self
            .ty
            .results()
            .next()
            .map_or_else(String::new, |ty| format!(" -> {}", told(&ty)));
        let kind = if self.ty.async_() {
            "async func"
        } else {
            "func"
        };
        format!("{}: {kind}({}){result}", self.path(), params.join(", "))
    }
}

/// A type as WIT has it, but for names, which types do not keep.
fn told(ty: &Type) -> String {
    match ty {
        Type::Own(_) => "own<…>".to_owned(),
        Type::Borrow(_) => "borrow<…>".to_owned(),
        Type::Stream(_) => "stream<…>".to_owned(),
        Type::Future(_) => "future<…>".to_owned(),
        // WAVE has no word for these within another type.
        ty => DisplayType(ty).to_string().replace("<<UNSUPPORTED>>", "…"),
    }
}

/// The signatures, one on each line.
pub(super) fn listed(functions: &[Export]) -> String {
    if functions.is_empty() {
        return "it exports no functions".to_owned();
    }
    functions
        .iter()
        .fold("it exports:".to_owned(), |list, function| {
            format!("{list}\n  {}", function.signature())
        })
}
