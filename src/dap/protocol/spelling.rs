//! What the `dap` crate writes differently from the protocol, in one table.
//!
//! The table names the *places* where such objects stand, so that a key of the
//! same name in a user's data (a launch environment, adapter data) is left alone.

use serde_json::{Map, Value};

/// A kind of object that the crate misspells.
struct Kind {
    /// (in the crate, on the wire)
    keys: &'static [(&'static str, &'static str)],
    /// (key on the wire, value in the crate, value on the wire)
    values: &'static [(&'static str, &'static str, &'static str)],
    /// Objects within that are misspelt too; paths are as on the wire.
    within: &'static [(&'static str, &'static Kind)],
}

static SOURCE: Kind = Kind {
    keys: &[
        ("source_reference", "sourceReference"),
        ("presentation_hint", "presentationHint"),
        ("adapter_data", "adapterData"),
    ],
    values: &[("presentationHint", "deEmphasize", "deemphasize")],
    within: &[("sources[]", &SOURCE)],
};

static SOURCE_BREAKPOINT: Kind = Kind {
    keys: &[
        ("hit_condition", "hitCondition"),
        ("log_message", "logMessage"),
    ],
    values: &[],
    within: &[],
};

static BREAKPOINT: Kind = Kind {
    keys: &[
        ("end_line", "endLine"),
        ("end_column", "endColumn"),
        ("instruction_reference", "instructionReference"),
    ],
    values: &[],
    within: &[("source", &SOURCE)],
};

static EXCEPTION_FILTER: Kind = Kind {
    keys: &[
        ("supports_condition", "supportsCondition"),
        ("condition_description", "conditionDescription"),
    ],
    values: &[],
    within: &[],
};

static CONTINUE: Kind = Kind {
    keys: &[("all_threads_continued", "allThreadsContinued")],
    values: &[],
    within: &[],
};

static STOPPED: Kind = Kind {
    keys: &[],
    values: &[
        ("reason", "function", "function breakpoint"),
        ("reason", "data", "data breakpoint"),
        ("reason", "instruction", "instruction breakpoint"),
    ],
    within: &[],
};

/// Which part of which message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'a> {
    Arguments(&'a str),
    Body(&'a str),
    Event(&'a str),
}

#[rustfmt::skip]
static PLACES: &[(Part<'static>, &str, &Kind)] = &[
    (Part::Arguments("breakpointLocations"),    "source",                       &SOURCE),
    (Part::Arguments("gotoTargets"),            "source",                       &SOURCE),
    (Part::Arguments("setBreakpoints"),         "source",                       &SOURCE),
    (Part::Arguments("setBreakpoints"),         "breakpoints[]",                &SOURCE_BREAKPOINT),
    (Part::Arguments("source"),                 "source",                       &SOURCE),
    (Part::Body("continue"),                    "",                             &CONTINUE),
    (Part::Body("disassemble"),                 "instructions[].location",      &SOURCE),
    (Part::Body("initialize"),                  "exceptionBreakpointFilters[]", &EXCEPTION_FILTER),
    (Part::Body("loadedSources"),               "sources[]",                    &SOURCE),
    (Part::Body("locations"),                   "source",                       &SOURCE),
    (Part::Body("scopes"),                      "scopes[].source",              &SOURCE),
    (Part::Body("setBreakpoints"),              "breakpoints[]",                &BREAKPOINT),
    (Part::Body("setDataBreakpoints"),          "breakpoints[]",                &BREAKPOINT),
    (Part::Body("setExceptionBreakpoints"),     "breakpoints[]",                &BREAKPOINT),
    (Part::Body("setFunctionBreakpoints"),      "breakpoints[]",                &BREAKPOINT),
    (Part::Body("setInstructionBreakpoints"),   "breakpoints[]",                &BREAKPOINT),
    (Part::Body("stackTrace"),                  "stackFrames[].source",         &SOURCE),
    (Part::Event("breakpoint"),                 "breakpoint",                   &BREAKPOINT),
    (Part::Event("loadedSource"),               "source",                       &SOURCE),
    (Part::Event("output"),                     "source",                       &SOURCE),
    (Part::Event("stopped"),                    "",                             &STOPPED),
];

/// Keys under which a client's or a user's own data stands.
const OPAQUE: [&str; 4] = ["adapterData", "data", "restart", "env"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    ToCrate,
    ToWire,
}

/// From the protocol's spelling to the crate's, before decoding.
pub(super) fn inward(command: &str, arguments: &mut Value) {
    respell(Part::Arguments(command), Way::ToCrate, arguments);
}

/// From the crate's spelling to the protocol's, after encoding.
///
/// The crate also writes `null` for what is absent where the protocol wants the
/// key left out; the one key that may be `null` is `dataId`.
pub(super) fn outward(part: Part<'_>, value: &mut Value) {
    respell(part, Way::ToWire, value);
    drop_nulls(value);
}

fn respell(part: Part<'_>, way: Way, value: &mut Value) {
    for (_, path, kind) in PLACES.iter().filter(|(place, ..)| *place == part) {
        at_path(value, path, &mut |object| kind.respell(way, object));
    }
}

/// Calls `change` on every object at a path such as `frames[].source`.
fn at_path(value: &mut Value, path: &str, change: &mut dyn FnMut(&mut Map<String, Value>)) {
    if path.is_empty() {
        if let Value::Object(object) = value {
            change(object);
        }
        return;
    }
    let (step, rest) = path.split_once('.').unwrap_or((path, ""));
    match step.strip_suffix("[]") {
        None => {
            if let Some(inner) = value.get_mut(step) {
                at_path(inner, rest, change);
            }
        }
        Some(key) => {
            let items = value.get_mut(key).and_then(Value::as_array_mut);
            for item in items.into_iter().flatten() {
                at_path(item, rest, change);
            }
        }
    }
}

impl Kind {
    fn respell(&self, way: Way, object: &mut Map<String, Value>) {
        // Values and inner objects are found under the wire's keys, so keys
        // change first on the way out and last on the way in.
        if way == Way::ToWire {
            self.respell_keys(way, object);
        }
        for (key, in_crate, on_wire) in self.values {
            let (from, to) = match way {
                Way::ToCrate => (on_wire, in_crate),
                Way::ToWire => (in_crate, on_wire),
            };
            if let Some(value) = object.get_mut(*key)
                && value.as_str() == Some(from)
            {
                *value = Value::from(*to);
            }
        }
        for (path, kind) in self.within {
            let mut whole = Value::Object(std::mem::take(object));
            at_path(&mut whole, path, &mut |inner| kind.respell(way, inner));
            if let Value::Object(whole) = whole {
                *object = whole;
            }
        }
        if way == Way::ToCrate {
            self.respell_keys(way, object);
        }
    }

    fn respell_keys(&self, way: Way, object: &mut Map<String, Value>) {
        for (in_crate, on_wire) in self.keys {
            let (from, to) = match way {
                Way::ToCrate => (on_wire, in_crate),
                Way::ToWire => (in_crate, on_wire),
            };
            if let Some(value) = object.remove(*from) {
                object.insert((*to).to_owned(), value);
            }
        }
    }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|key, value| !value.is_null() || key == "dataId");
            for (key, value) in object.iter_mut() {
                if !OPAQUE.contains(&key.as_str()) {
                    drop_nulls(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
