//! The names of types as their languages write them.

use super::reader::Types;
use super::shape::{Composite, Count, Type};
use crate::source::spelling::short;
use crate::source::units::EntryId;

/// Writes the names of types.
#[derive(Clone, Copy)]
pub(crate) struct TypeText<'a>(pub(in crate::source) Types<'a>);

impl TypeText<'_> {
    /// The name of a type as its language writes it.
    pub(in crate::source) fn of(self, id: Option<EntryId>) -> String {
        self.within(id, 12)
    }

    fn within(self, id: Option<EntryId>, depth: usize) -> String {
        let Some(id) = id else {
            return "void".to_owned();
        };
        let Some(deeper) = depth.checked_sub(1) else {
            return "…".to_owned();
        };
        match self.0.entry(id) {
            Ok(read) => self.spell(read, self.0.is_rust(id), deeper),
            Err(_) => "?".to_owned(),
        }
    }

    /// The name of arrays of a type, of arrays of those and so on, the outermost first.
    pub(in crate::source) fn of_array(self, element: Option<EntryId>, counts: &[Count]) -> String {
        self.array_within(element, counts, 12)
    }

    fn array_within(self, element: Option<EntryId>, counts: &[Count], depth: usize) -> String {
        let name = self.within(element, depth);
        let counts = counts.iter().take(8);
        let counts = counts.map(|count| {
            let known = count.known();
            known.map_or(String::new(), |count| count.to_string())
        });
        if element.is_some_and(|element| self.0.is_rust(element)) {
            return counts.rfold(name, |name, count| format!("[{name}; {count}]"));
        }
        counts.fold(name, |name, count| format!("{name}[{count}]"))
    }

    /// The name of pointers to a type, as an expression makes them.
    pub(in crate::source) fn of_pointer(self, target: EntryId) -> String {
        match self.0.is_rust(target) {
            true => format!("&{}", self.of(Some(target))),
            false => self.spell_pointer(Some(target), false, 12),
        }
    }

    fn is_template(self, id: EntryId) -> bool {
        let resolved = self.0.resolved(id);
        matches!(resolved, Ok((_, Type::Composite(of))) if !of.arguments.is_empty())
    }

    fn spell(self, spelled: Type, is_rust: bool, depth: usize) -> String {
        match spelled {
            // What the library calls its own types among itself.
            Type::Alias {
                name,
                target: Some(target),
            } if name.starts_with("__") && self.is_template(target) => {
                self.within(Some(target), depth)
            }
            Type::Base { name, .. } | Type::Alias { name, .. } | Type::Unspecified { name } => {
                short(&name, is_rust)
            }
            Type::Pointer {
                name: Some(name), ..
            } => short(&name, is_rust),
            Type::Pointer {
                target,
                is_reference,
                ..
            } => self.spell_pointer(target, is_reference, depth),
            Type::MemberPointer { class, target, .. } => {
                let class = self.within(class, depth);
                let target = self.within(target, depth);
                format!("{target} {class}::*")
            }
            Type::Array {
                element, counts, ..
            } => self.array_within(element, &counts, depth),
            Type::Composite(Composite { name, is_union, .. }) => {
                let kind = if is_union { "union" } else { "struct" };
                name.map_or_else(|| format!("{kind} {{…}}"), |name| short(&name, is_rust))
            }
            Type::Enumeration { name, .. } => {
                name.map_or_else(|| "enum {…}".to_owned(), |name| short(&name, is_rust))
            }
            Type::Qualified { qualifier, target } => {
                let name = self.within(target, depth);
                if name.ends_with('*') {
                    format!("{name} {qualifier}")
                } else {
                    format!("{qualifier} {name}")
                }
            }
            Type::Function { result, parameters } => {
                let result = self.within(result, depth);
                format!("{result} ({})", self.spell_parameters(&parameters, depth))
            }
        }
    }

    fn spell_pointer(self, target: Option<EntryId>, is_reference: bool, depth: usize) -> String {
        let sign = if is_reference { '&' } else { '*' };
        if let Some(id) = target
            && let Ok(Type::Function { result, parameters }) = self.0.read(id)
        {
            let result = self.within(result, depth);
            let parameters = self.spell_parameters(&parameters, depth);
            return format!("{result} ({sign})({parameters})");
        }
        let name = self.within(target, depth);
        let space = if name.ends_with('*') { "" } else { " " };
        format!("{name}{space}{sign}")
    }

    fn spell_parameters(self, parameters: &[Option<EntryId>], depth: usize) -> String {
        // Each name may be as deep again: few are enough to recognise a type.
        let shown = parameters.iter().take(6);
        let names: Vec<_> = shown
            .map(|&parameter| self.within(parameter, depth.min(3)))
            .collect();
        names.join(", ")
    }
}
