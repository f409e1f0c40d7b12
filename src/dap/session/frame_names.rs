//! Names of frames with what a client wants in them: module, parameters, line.

use super::Session;
use super::variables::notation_in;
use crate::dap::protocol::{Refusal, StackFrameFormat};
use crate::debuggee::{
    Code, Format, Frame, Looks, Page, ScopeHint, SourceOrigin, SourceRef, VariableView,
};
use std::collections::HashMap;

impl StackFrameFormat {
    /// Whether to show parameters; who wants a part of them, wants them.
    fn wants_parameters(&self) -> bool {
        let parts = [
            self.parameters,
            self.parameter_types,
            self.parameter_names,
            self.parameter_values,
        ];
        parts.contains(&Some(true)) && self.parameters != Some(false)
    }

    fn wants_types(&self) -> bool {
        self.parameter_types == Some(true)
    }

    /// Parameters have their names if nothing else is said of them.
    fn wants_names(&self) -> bool {
        let others = self.wants_types() || self.wants_values();
        self.parameter_names.unwrap_or(!others)
    }

    fn wants_values(&self) -> bool {
        self.parameter_values == Some(true)
    }
}

/// The names of these frames, in their order: `bank!apply(to: &Account = …), line 12`.
pub(super) fn formatted(
    session: &mut Session,
    frames: &[Frame],
    format: &StackFrameFormat,
) -> Result<Vec<String>, Refusal> {
    let modules = match format.module == Some(true) {
        true => module_names(session.debuggee()?)?,
        false => HashMap::new(),
    };
    let mut names = Vec::with_capacity(frames.len());
    for frame in frames {
        let parameters = match format.wants_parameters() {
            true => parameters(session.debuggee()?, frame, format),
            false => None,
        };
        let module = frame.module.as_ref().and_then(|id| modules.get(id));
        let module = module.map_or(String::new(), |name| format!("{name}!"));
        let place = frame.place.as_ref().filter(|_| format.line == Some(true));
        let line = place.map_or(String::new(), |place| {
            format!(", line {}", session.line_out(place.point.line))
        });
        let parameters = parameters.unwrap_or_default();
        names.push(format!("{module}{}{parameters}{line}", frame.name));
    }
    Ok(names)
}

fn module_names(debuggee: &mut dyn Code) -> Result<HashMap<String, String>, Refusal> {
    let modules = debuggee.modules()?;
    Ok(modules.into_iter().map(|m| (m.id, m.name)).collect())
}

/// The parameters of a frame in parentheses; `None` where nothing tells which it has.
fn parameters(
    debuggee: &mut dyn Looks,
    frame: &Frame,
    format: &StackFrameFormat,
) -> Option<String> {
    let scopes = debuggee.scopes(frame.id).ok()?;
    let arguments = scopes.iter().find(|s| s.hint == ScopeHint::Arguments);
    let Some(arguments) = arguments else {
        let source = frame.place.as_ref().map(|place| &place.source);
        // In the text of its instructions nobody knows.
        let is_listing = |source: &SourceRef| {
            matches!(source.origin, SourceOrigin::Generated(_)) && source.name.ends_with(".wat")
        };
        let tells = source.is_some_and(|source| !is_listing(source));
        return tells.then(|| "()".to_owned());
    };
    let values = Format {
        notation: notation_in(format.hex),
    };
    let found = debuggee.variables(&arguments.children.values, Page::default(), values);
    let shown: Vec<String> = found.ok()?.iter().map(|v| parameter(v, format)).collect();
    Some(format!("({})", shown.join(", ")))
}

/// `name: type = value`, or as much of it as is wanted.
fn parameter(variable: &VariableView, format: &StackFrameFormat) -> String {
    let type_name = variable.type_name.as_deref();
    let declared = match (
        format.wants_names(),
        type_name.filter(|_| format.wants_types()),
    ) {
        (true, Some(of)) => format!("{}: {of}", variable.name),
        (true, None) => variable.name.clone(),
        (false, Some(of)) => of.to_owned(),
        (false, None) => String::new(),
    };
    match (format.wants_values(), declared.is_empty()) {
        (true, true) => variable.value.clone(),
        (true, false) => format!("{declared} = {}", variable.value),
        (false, _) => declared,
    }
}
