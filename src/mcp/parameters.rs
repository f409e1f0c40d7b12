//! What tools are given: how it is told to a client, and read.

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A parameter of a tool.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parameter {
    pub name: &'static str,
    /// The name of its type in JSON Schema.
    kind: &'static str,
    is_required: bool,
    about: &'static str,
}

impl Parameter {
    const fn new(name: &'static str, kind: &'static str, about: &'static str) -> Parameter {
        Parameter {
            name,
            kind,
            is_required: false,
            about,
        }
    }

    /// One that cannot be left out.
    pub(super) const fn required(self) -> Parameter {
        Parameter {
            is_required: true,
            ..self
        }
    }
}

pub(super) const RECORDING: Parameter = Parameter::new(
    "recording",
    "string",
    "The path of a recording (*.rrtrace).",
);
pub(super) const TO: Parameter = Parameter::new(
    "to",
    "string",
    "Where to go: a position as answers tell it (12:3:0x1f4), an event number, `start`, `entry`, \
     `end`, a percentage such as 50%. Left out: stay, and be told where that is.",
);
pub(super) const AT: Parameter = Parameter::new(
    "at",
    "string",
    "The moment to look at, as `seek` takes it; it is gone to. Left out: where the last tool left \
     off, at first the end.",
);
pub(super) const EXPRESSION: Parameter = Parameter::new(
    "expression",
    "string",
    "In the program's own language: total, p->x, accounts[2].balance, *ptr.",
);
pub(super) const EXPRESSIONS: Parameter = Parameter::new(
    "expression",
    "string",
    "One or several, between commas, in the program's own language.",
);
pub(super) const LINE: Parameter = Parameter::new(
    "place",
    "string",
    "A line of a source, FILE:LINE: ledger.c:48.",
);
pub(super) const PLACE: Parameter = Parameter::new(
    "place",
    "string",
    "A line of a source, FILE:LINE, or a function's name.",
);
pub(super) const FUNCTION: Parameter = Parameter::new(
    "function",
    "string",
    "A function's name, or a part of a hostcall's WIT path.",
);
pub(super) const WHERE: Parameter = Parameter::new(
    "where",
    "string",
    "An expression that must hold for a visit to count: amount < 0.",
);
pub(super) const LIMIT: Parameter = Parameter::new(
    "limit",
    "integer",
    "At most so many; of visits, half of them the first and half the last ones, or all of them after \
     `after`.",
);
pub(super) const AFTER: Parameter = Parameter::new(
    "after",
    "integer",
    "Go on after this one, as the last answer ended: the number of a row (#12) or of a hostcall, or \
     how many there were.",
);
pub(super) const FRAME: Parameter = Parameter::new(
    "frame",
    "integer",
    "A frame of the stack, 0 for the innermost one. Left out: the innermost with variables.",
);
pub(super) const ALL: Parameter = Parameter::new(
    "all",
    "boolean",
    "Count writes of the value that was there already, too.",
);
pub(super) const LINES: Parameter =
    Parameter::new("lines", "boolean", "Lines instead of functions.");
pub(super) const PATH: Parameter = Parameter::new(
    "path",
    "string",
    "Only hostcalls with this in their WIT path; * stands for anything.",
);
pub(super) const FAILED: Parameter =
    Parameter::new("failed", "boolean", "Only those that answered an error.");
pub(super) const BUILTINS: Parameter = Parameter::new(
    "builtins",
    "boolean",
    "The component model's own built-ins, too, that only keep its books.",
);
pub(super) const OF: Parameter = Parameter::new(
    "of",
    "string",
    "An expression: what is inside of its value, instead of the frame's variables.",
);
pub(super) const SCOPE: Parameter = Parameter::new(
    "scope",
    "string",
    "Another group of the frame's values, as an answer names it. Left out: arguments and locals.",
);
pub(super) const QUESTION: Parameter = Parameter::new(
    "question",
    "string",
    "A question and what follows it, as in the debug console.",
);
pub(super) const SECRETS: Parameter = Parameter::new(
    "secrets",
    "boolean",
    "Show values that look like secrets, too. Ask the person before.",
);

/// What a tool was given.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Given {
    pub recording: Option<String>,
    pub to: Option<String>,
    pub at: Option<String>,
    pub expression: Option<String>,
    pub place: Option<String>,
    pub function: Option<String>,
    #[serde(rename = "where")]
    pub condition: Option<String>,
    pub limit: Option<usize>,
    pub after: Option<u64>,
    pub frame: Option<usize>,
    pub all: bool,
    pub lines: bool,
    pub path: Option<String>,
    pub failed: bool,
    pub builtins: bool,
    pub of: Option<String>,
    pub scope: Option<String>,
    pub question: Option<String>,
    pub secrets: bool,
}

/// The JSON Schema of what a tool takes.
pub(super) fn schema(parameters: &[Parameter]) -> Map<String, Value> {
    let properties: Map<String, Value> = parameters
        .iter()
        .map(|parameter| {
            let told = json!({ "type": parameter.kind, "description": parameter.about });
            (parameter.name.to_owned(), told)
        })
        .collect();
    let required = parameters.iter().filter(|parameter| parameter.is_required);
    let required: Vec<&str> = required.map(|parameter| parameter.name).collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), Value::Object(properties));
    schema.insert("required".to_owned(), json!(required));
    schema.insert("additionalProperties".to_owned(), json!(false));
    schema
}

/// Reads what a tool was given.
///
/// # Errors
///
/// If something is missing, of another kind, or none of the tool's: which ones it has.
pub(super) fn read(parameters: &[Parameter], given: Map<String, Value>) -> Result<Given, String> {
    let names: Vec<&str> = parameters.iter().map(|parameter| parameter.name).collect();
    // A client may say of what it leaves out that it is null.
    let given: Map<String, Value> = given
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .collect();
    if let Some(unknown) = given.keys().find(|key| !names.contains(&key.as_str())) {
        return Err(format!(
            "there is no parameter `{unknown}` here, but {}",
            names.join(", ")
        ));
    }
    let mut required = parameters.iter().filter(|parameter| parameter.is_required);
    if let Some(missing) = required.find(|parameter| !given.contains_key(parameter.name)) {
        return Err(format!("`{}` is missing: {}", missing.name, missing.about));
    }
    let wrong = parameters.iter().find(|parameter| {
        let value = given.get(parameter.name);
        value.is_some_and(|value| !fits(parameter.kind, value))
    });
    if let Some(wrong) = wrong {
        return Err(format!("`{}` must be of type {}", wrong.name, wrong.kind));
    }
    serde_json::from_value(Value::Object(given)).map_err(|error| error.to_string())
}

fn fits(kind: &str, value: &Value) -> bool {
    match kind {
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        _ => value.is_boolean(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: &[Parameter] = &[PLACE.required(), LIMIT, ALL];

    fn given(value: Value) -> Result<Given, String> {
        let Value::Object(given) = value else {
            panic!("{value}");
        };
        read(SOME, given)
    }

    #[test]
    fn what_is_wrong_with_what_was_given_is_told() {
        let good = given(json!({ "place": "a.c:3", "limit": 4, "all": null })).unwrap();
        assert_eq!(good.place.as_deref(), Some("a.c:3"));
        assert_eq!((good.limit, good.all), (Some(4), false));
        for (wrong, says) in [
            (json!({}), "`place` is missing"),
            (json!({ "place": null }), "`place` is missing"),
            (json!({ "place": 3 }), "`place` must be of type string"),
            (json!({ "place": "a", "limit": -1 }), "`limit` must be"),
            (json!({ "place": "a", "at": "end" }), "place, limit, all"),
        ] {
            let error = given(wrong).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn a_client_is_told_what_a_tool_takes() {
        let schema = Value::Object(schema(SOME));
        assert_eq!(schema["required"], json!(["place"]));
        assert_eq!(schema["properties"]["limit"]["type"], "integer");
        assert!(jsonschema::validator_for(&schema).is_ok());
    }
}
