//! The messages that the `dap` crate lacks or misspells are generated from the official
//! schema: the file in the source is what this makes of it, and `UPDATE_GOLDEN=1` writes it.

use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

const GENERATED: &str = "src/dap/protocol/generated.rs";

/// Messages that the crate misspells, that it lacks in whole or in part, in which it writes
/// `null` for what is absent, or that hold such an object; with all that they refer to.
const WANTED: [&str; 27] = [
    "BreakpointEvent",
    "BreakpointLocationsArguments",
    "Capabilities",
    "ContinueResponse",
    "ContinuedEvent",
    "DisassembleResponse",
    "EvaluateResponse",
    "GotoTargetsArguments",
    "InvalidatedEvent",
    "LoadedSourcesResponse",
    "LocationsArguments",
    "LocationsResponse",
    "OutputEvent",
    "ProcessEvent",
    "ProgressEndEvent",
    "ProgressStartEvent",
    "ProgressUpdateEvent",
    "ScopesResponse",
    "SetBreakpointsArguments",
    "SetBreakpointsResponse",
    "SourceArguments",
    "StackTraceArguments",
    "StackTraceResponse",
    "StepInTargetsResponse",
    "StoppedEvent",
    "ThreadEvent",
    "VariablesResponse",
];

const HEAD: &str = "\
//! Messages of the Debug Adapter Protocol. Generated from its schema by
//! `tests/all/dap_types.rs`: do not edit.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};
";

#[test]
fn generated_messages_are_those_of_the_schema() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let schema = std::fs::read_to_string(root.join("tests/dap/debugAdapterProtocol.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let made = Generator::of(&schema["definitions"]).file();
    let file = root.join(GENERATED);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let is_same = std::fs::read_to_string(file).is_ok_and(|found| found == made);
    assert!(is_same, "{GENERATED} is not what the schema says");
}

struct Generator<'a> {
    definitions: &'a Value,
    /// The definitions that are needed, each with what is made of it once that is done.
    items: BTreeMap<&'a str, Option<String>>,
}

impl<'a> Generator<'a> {
    fn of(definitions: &'a Value) -> Self {
        Generator {
            definitions,
            items: WANTED.iter().map(|name| (*name, None)).collect(),
        }
    }

    fn file(mut self) -> String {
        while let Some(name) = self.next() {
            let definition = &self.definitions[name];
            let item = match definition["type"].as_str() {
                Some("string") => choice(name, definition["description"].as_str(), definition),
                _ => self.object(name),
            };
            self.items.insert(name, Some(item));
        }
        let items: String = self.items.into_values().flatten().collect();
        format!("{HEAD}{items}")
    }

    fn next(&self) -> Option<&'a str> {
        let mut open = self.items.iter().filter(|(_, item)| item.is_none());
        open.next().map(|(name, _)| *name)
    }

    fn object(&mut self, name: &str) -> String {
        let object = Object::of(self.definitions, name);
        // The body of an event is called as in the crate.
        let (named, stem) = match name.ends_with("Event") {
            true => (format!("{name}Body"), name),
            false => (name.to_owned(), name),
        };
        let mut fields = String::new();
        let mut enums = Vec::new();
        for (key, property) in &object.properties {
            let about = property["description"].as_str();
            let mut of = self.type_of(property, &mut |values| {
                let name = format!("{stem}{}", pascal(key));
                enums.push(choice(&name, about, values));
                name
            });
            let field = snake(key);
            doc(&mut fields, "    ", about);
            if camel(&field) != **key {
                writeln!(fields, "    #[serde(rename = \"{key}\")]").unwrap();
            }
            if !object.required.contains(key) {
                of = format!("Option<{of}>");
                fields.push_str("    #[serde(skip_serializing_if = \"Option::is_none\")]\n");
            }
            writeln!(fields, "    pub {field}: {of},").unwrap();
        }
        let default = match object.has_default(self.definitions) {
            true => " Default,",
            false => "",
        };
        let mut item = "\n".to_owned();
        doc(&mut item, "", object.description);
        let derived =
            format!("#[derive(Debug, Clone,{default} PartialEq, Serialize, Deserialize)]");
        let renamed = "#[serde(rename_all = \"camelCase\")]";
        item += &format!("{derived}\n{renamed}\npub struct {named} {{\n{fields}}}\n");
        item + &enums.concat()
    }

    /// The type of a property; `choice` names one with a list of values.
    fn type_of(&mut self, property: &'a Value, choice: &mut dyn FnMut(&Value) -> String) -> String {
        if let Some(name) = referred(property) {
            self.items.entry(name).or_default();
            return name.to_owned();
        }
        match property["type"].as_str() {
            Some("string") if values(property).is_some() => choice(property),
            Some("string") => "String".to_owned(),
            Some("integer") => "i64".to_owned(),
            Some("boolean") => "bool".to_owned(),
            // Whole where it can be: `50`, not `50.0`.
            Some("number") => "Number".to_owned(),
            Some("array") => format!("Vec<{}>", self.type_of(&property["items"], choice)),
            // Anything, or one of several types.
            Some("object") | None => "Value".to_owned(),
            Some(other) => panic!("nothing is generated for {other}"),
        }
    }
}

/// An enumeration of the values of a string.
fn choice(name: &str, about: Option<&str>, property: &Value) -> String {
    let mut out = "\n".to_owned();
    doc(&mut out, "", about);
    let derived = "#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]";
    let renamed = "#[serde(rename_all = \"camelCase\")]";
    out += &format!("{derived}\n{renamed}\npub enum {name} {{\n");
    let (values, is_open) = values(property).unwrap();
    for (nth, value) in values.iter().enumerate() {
        let value = value.as_str().unwrap();
        let about = property["enumDescriptions"][nth].as_str();
        doc(&mut out, "    ", about.or(Some(&format!("`{value}`."))));
        let variant = pascal(value);
        if camel(&variant) != value {
            out += &format!("    #[serde(rename = \"{value}\")]\n");
        }
        out += &format!("    {variant},\n");
    }
    if is_open {
        out += "    /// Another, as the protocol allows.\n";
        out += "    #[serde(untagged)]\n    String(String),\n";
    }
    out + "}\n"
}

/// An object of the schema, or the body of a response or an event.
struct Object<'a> {
    description: Option<&'a str>,
    properties: Vec<(&'a str, &'a Value)>,
    required: Vec<&'a str>,
}

impl<'a> Object<'a> {
    fn of(definitions: &'a Value, name: &str) -> Self {
        let definition = &definitions[name];
        assert!(definition.is_object(), "the schema has no {name}");
        let mut object = Object {
            description: None,
            properties: Vec::new(),
            required: Vec::new(),
        };
        let whole = std::slice::from_ref(definition);
        let parts = definition["allOf"].as_array().map_or(whole, Vec::as_slice);
        for part in parts {
            match referred(part) {
                // What is around every message is not part of its body.
                Some("Response" | "Event") => {}
                Some(name) => object.add(&definitions[name]),
                None => object.add(part),
            }
        }
        object
    }

    fn add(&mut self, part: &'a Value) {
        self.description = part["description"].as_str().or(self.description);
        let fields = match &part["properties"]["body"] {
            Value::Null => part,
            body => body,
        };
        let properties = fields["properties"].as_object().map(Map::iter);
        let properties = properties.into_iter().flatten();
        self.properties
            .extend(properties.map(|(key, property)| (key.as_str(), property)));
        let required = fields["required"].as_array().into_iter().flatten();
        self.required.extend(required.filter_map(Value::as_str));
    }

    /// Whether all that must be there has a value that goes without saying.
    fn has_default(&self, definitions: &Value) -> bool {
        let mut required = self
            .properties
            .iter()
            .filter(|(key, _)| self.required.contains(key));
        required.all(|(_, property)| match referred(property) {
            Some(name) if values(&definitions[name]).is_none() => {
                Object::of(definitions, name).has_default(definitions)
            }
            Some(_) => false,
            None => values(property).is_none(),
        })
    }
}

/// The name of the definition that stands for this.
fn referred(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

/// The values of a string, and whether others are allowed.
fn values(property: &Value) -> Option<(&Vec<Value>, bool)> {
    let closed = property["enum"].as_array().map(|values| (values, false));
    closed.or_else(|| property["_enum"].as_array().map(|values| (values, true)))
}

/// The first sentence.
fn doc(out: &mut String, indent: &str, description: Option<&str>) {
    let words = description.expect("everything is described");
    let text = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let ends =
        |at: &usize| !text[at + 2..].starts_with(|next: char| next.is_lowercase() || next == '\'');
    let mut stops = text.match_indices(". ").map(|(at, _)| at);
    let end = stops.find(ends).map_or(text.len(), |at| at + 1);
    writeln!(out, "{indent}/// {}", &text[..end]).unwrap();
}

fn snake(key: &str) -> String {
    if key == "type" {
        return "type_field".to_owned();
    }
    let mut snake = String::new();
    let mut before = 'A';
    for character in key.chars() {
        if character.is_uppercase() && !before.is_uppercase() {
            snake.push('_');
        }
        // The last capital begins a word: `ANSIStyling` is two of them.
        if character.is_lowercase() && before.is_uppercase() && snake.len() > 1 {
            let at = snake.len() - 1;
            if !snake[..at].ends_with('_') {
                snake.insert(at, '_');
            }
        }
        snake.push(character.to_ascii_lowercase());
        before = character;
    }
    snake
}

fn pascal(text: &str) -> String {
    let words = text.split(' ');
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    words.map(capital).collect()
}

/// What serde's `camelCase` makes of a name.
fn camel(name: &str) -> String {
    let words = name.split('_').map(pascal);
    let joined: String = words.collect();
    joined[..1].to_lowercase() + &joined[1..]
}
