//! The functions of the guest by their names.

use super::Recording;
use crate::component::{ModuleId, NamePattern};
use crate::debuggee::FunctionView;
use crate::source::Function;
use crate::timeline::Module;

impl Recording {
    /// Those with this in their name, or that fit a pattern with `*`, by name ascending.
    pub(super) fn functions_like(&self, text: &str) -> Vec<FunctionView> {
        let pattern = NamePattern::from(text);
        let mut found = Vec::new();
        let modules = (0..).map(ModuleId).zip(self.timeline.modules().iter());
        for (id, module) in modules {
            let source = &module.source;
            let told = source.functions().filter(|function| {
                pattern.matches_text(&function.name) || pattern.matches_text(&function.short_name)
            });
            found.extend(told.map(|function| self.function_view(id, module, function)));
            let untold = source.starts_of_named(|name| pattern.matches_text(name));
            let named = untold.into_iter().filter_map(|pc| {
                let name = source.function_name(source.function_index_at(pc)?)?;
                Some(FunctionView {
                    name,
                    declared: None,
                })
            });
            found.extend(named);
        }
        // Instances of a generic function are declared in one place.
        let line = |view: &FunctionView| view.declared.as_ref().map(|(_, line)| *line);
        found.sort_by(|a, b| (&a.name, line(a)).cmp(&(&b.name, line(b))));
        found.dedup();
        found
    }

    fn function_view(&self, id: ModuleId, module: &Module, function: &Function) -> FunctionView {
        let declared = function.declared.map(|at| {
            let source = self.source_of(id, module, at.file);
            (source, u64::from(at.line))
        });
        FunctionView {
            name: function.name.clone(),
            declared,
        }
    }
}
