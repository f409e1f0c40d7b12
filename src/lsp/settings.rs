//! What a client wants to be shown.

use serde::Deserialize;
use serde_json::Value;

/// The section of a client's configuration that is ours.
const SECTION: &str = "rr-dap";

/// What is shown, and how the client goes to moments.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Settings {
    /// Above functions: how often they were called.
    pub code_lens: bool,
    /// At lines: how often they ran.
    pub inlay_hints: bool,
    /// `×0` at lines that have code and never ran.
    pub show_unrun: bool,
    /// Values in the lines of the frame that is looked at.
    pub inline_values: bool,
    /// The client has `rr-dap.goTo` itself. Such a command may be registered once only.
    pub client_goes: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            code_lens: true,
            inlay_hints: true,
            show_unrun: false,
            inline_values: true,
            client_goes: false,
        }
    }
}

impl Settings {
    /// Those of `initializationOptions`. What is not understood is as if it were not there: an
    /// editor without its lenses would be worse.
    pub(super) fn given(options: Option<Value>) -> Settings {
        let read = |options| serde_json::from_value(options).ok();
        options.and_then(read).unwrap_or_default()
    }

    /// These, as `workspace/didChangeConfiguration` changes them.
    pub(super) fn changed(&self, configuration: &Value) -> Settings {
        let section = configuration.get(SECTION).unwrap_or(configuration);
        let is = |key: &str, known: bool| match section.get(key) {
            Some(Value::Bool(value)) => *value,
            _ => known,
        };
        Settings {
            code_lens: is("codeLens", self.code_lens),
            inlay_hints: is("inlayHints", self.inlay_hints),
            show_unrun: is("showUnrun", self.show_unrun),
            inline_values: is("inlineValues", self.inline_values),
            client_goes: self.client_goes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_said_stays_as_it_was() {
        let settings = Settings::given(Some(json!({ "showUnrun": true, "other": 1 })));
        assert!(settings.show_unrun && settings.code_lens);
        let changed = settings.changed(&json!({ "rr-dap": { "codeLens": false } }));
        assert!(changed.show_unrun && !changed.code_lens);
        assert_eq!(changed.changed(&json!({ "codeLens": "yes" })), changed);
        assert_eq!(Settings::given(Some(json!([1]))), Settings::default());
    }
}
