//! Reads the arguments of `launch` and `attach`, with errors that name the argument.

use super::protocol::Refusal;
use super::protocol::command::Arguments;
use crate::debuggee::launch::{
    AttachArguments, Begin, ChaosArgument, LaunchArguments, NodeArguments, ProgramArguments,
    SharedDirectory, Subject, ViewArguments,
};
use crate::debuggee::path_mapping::PathMapping;
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::sync::OnceLock;

/// Why arguments are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// An argument is of another type than it must be, or none of the values it can have.
    #[error("`{key}` must be {expected}, not {found}")]
    Wrong {
        /// The argument's name; `arguments` if they are not an object at all.
        key: String,
        /// What it must be, in words.
        expected: &'static str,
        /// What it is, as JSON, cut short.
        found: String,
    },
    /// `launch` has neither `program` nor `trace` nor `traces`.
    #[error(
        "nothing to debug: give `program` (a component to record), `trace` (a recording) or \
         `traces` (several)"
    )]
    NothingToDebug,
    /// `launch` has more than one of `program`, `trace` and `traces`.
    #[error("more than one of `program`, `trace` and `traces` is given: leave the others out")]
    TwoSubjects,
}

static EMPTY: OnceLock<Map<String, Value>> = OnceLock::new();

impl LaunchArguments {
    /// Reads the arguments of `launch`. Keys that nobody knows are passed over.
    ///
    /// # Errors
    ///
    /// If one that is known is of the wrong kind, or what to debug is not told, or twice.
    pub fn parse(arguments: &Value) -> Result<Self, ArgumentError> {
        let fields = Fields::of(arguments)?;
        let program = fields.path("program")?;
        let (trace, traces) = (fields.path("trace")?, fields.nodes("traces")?);
        let subject = match (program, trace) {
            (None, None) if !traces.is_empty() => Subject::System(traces),
            _ if !traces.is_empty() => return Err(ArgumentError::TwoSubjects),
            (Some(program), None) => {
                Subject::Program(Box::new(program_arguments(&fields, program)?))
            }
            (None, Some(trace)) => Subject::Trace(trace),
            (None, None) => return Err(ArgumentError::NothingToDebug),
            (Some(_), Some(_)) => return Err(ArgumentError::TwoSubjects),
        };
        let view = ViewArguments::parse(&fields)?;
        Ok(Self { subject, view })
    }
}

impl Arguments for LaunchArguments {
    fn read(_: &str, given: &Value) -> Result<Self, Refusal> {
        LaunchArguments::parse(given).map_err(|error| Refusal::because(error.to_string()))
    }
}

/// Where a service is to listen, if the program is one; by default anywhere on this machine.
fn serves_at(fields: &Fields<'_>) -> Result<Option<String>, ArgumentError> {
    let address = fields.string("addr")?;
    let serves = fields.boolean("serve")?.unwrap_or(false);
    Ok(serves.then(|| address.unwrap_or_else(|| "127.0.0.1:0".to_owned())))
}

fn program_arguments(
    fields: &Fields<'_>,
    program: PathBuf,
) -> Result<ProgramArguments, ArgumentError> {
    Ok(ProgramArguments {
        program,
        args: fields.strings("args")?,
        env: fields.environment("env")?,
        cwd: fields.path("cwd")?,
        dirs: fields.directories("dirs")?,
        invoke: fields.string("invoke")?,
        wasi: fields.strings("wasi")?,
        redact_env: fields.boolean("redactEnv")?.unwrap_or(false),
        keeps_sources: fields.boolean("sources")?.unwrap_or(true),
        handles: fields.string("handles")?,
        chaos: fields.chaos("chaos")?,
        record_to: fields.path("recordTo")?,
        serves_at: serves_at(fields)?,
        pause_ends: fields.boolean("pauseEnds")?.unwrap_or(false),
        overwrites: fields.boolean("overwrite")?.unwrap_or(false),
    })
}

impl AttachArguments {
    /// Reads the arguments of `attach`. Keys that nobody knows are passed over.
    ///
    /// # Errors
    ///
    /// If one that is known is of the wrong kind.
    pub fn parse(arguments: &Value) -> Result<Self, ArgumentError> {
        let view = ViewArguments::parse(&Fields::of(arguments)?)?;
        Ok(Self { view })
    }
}

impl Arguments for AttachArguments {
    fn read(_: &str, given: &Value) -> Result<Self, Refusal> {
        AttachArguments::parse(given).map_err(|error| Refusal::because(error.to_string()))
    }
}

impl ViewArguments {
    fn parse(fields: &Fields<'_>) -> Result<Self, ArgumentError> {
        let stop_on_entry = fields.boolean("stopOnEntry")?.unwrap_or(false);
        let begin = match fields.string("stopAt")?.as_deref() {
            None if stop_on_entry => Begin::Entry,
            None => Begin::FirstBreakpoint,
            Some("entry") => Begin::Entry,
            Some("start") => Begin::Start,
            Some("end") => Begin::End,
            Some(moment) => Begin::There(moment.parse().map_err(|_| {
                let expected = "\"entry\", \"start\", \"end\", or a moment: a position, the \
                                number of a hostcall, a percentage";
                fields.wrong("stopAt", expected)
            })?),
        };
        Ok(Self {
            component: fields.path("component")?,
            programs: fields.paths("programs")?,
            debug_files: fields.paths("debugFiles")?,
            path_mapping: PathMapping::new(fields.pairs("sourceMap")?),
            maps_paths: false,
            begin,
            just_my_code: fields.boolean("justMyCode")?.unwrap_or(true),
            libraries: fields.strings("libraries")?,
            folders: [fields.path("cwd")?, fields.path("workspaceFolder")?]
                .into_iter()
                .flatten()
                .collect(),
        })
    }
}

/// Reads one argument after the other; keys that are not asked for are other
/// people's (every client adds some).
struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    fn of(arguments: &'a Value) -> Result<Self, ArgumentError> {
        match arguments {
            Value::Object(fields) => Ok(Self(fields)),
            // A client without any leaves them out.
            Value::Null => Ok(Self(EMPTY.get_or_init(Map::new))),
            other => Err(ArgumentError::Wrong {
                key: "arguments".into(),
                expected: "an object",
                found: described(other),
            }),
        }
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    fn wrong(&self, key: &str, expected: &'static str) -> ArgumentError {
        ArgumentError::Wrong {
            key: key.to_owned(),
            expected,
            found: described(self.0.get(key).unwrap_or(&Value::Null)),
        }
    }

    fn read<T>(
        &self,
        key: &str,
        expected: &'static str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, ArgumentError> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => read(value)
                .map(Some)
                .ok_or_else(|| self.wrong(key, expected)),
        }
    }

    fn string(&self, key: &str) -> Result<Option<String>, ArgumentError> {
        self.read(key, "a string", |value| value.as_str().map(str::to_owned))
    }

    fn boolean(&self, key: &str) -> Result<Option<bool>, ArgumentError> {
        self.read(key, "true or false", Value::as_bool)
    }

    fn chaos(&self, key: &str) -> Result<Option<ChaosArgument>, ArgumentError> {
        let expected = "true, false, or a seed from 0 to 4294967295";
        let chaos = self.read(key, expected, |value| match value {
            Value::Bool(on) => Some(on.then_some(ChaosArgument::AnySeed)),
            value => {
                let seed = u32::try_from(value.as_u64()?).ok()?;
                Some(Some(ChaosArgument::Seed(seed)))
            }
        })?;
        Ok(chaos.flatten())
    }

    /// A path that is there must name something.
    fn path(&self, key: &str) -> Result<Option<PathBuf>, ArgumentError> {
        self.read(key, "a path", |value| {
            value
                .as_str()
                .filter(|path| !path.is_empty())
                .map(PathBuf::from)
        })
    }

    fn strings(&self, key: &str) -> Result<Vec<String>, ArgumentError> {
        let strings = self.read(key, "a list of strings", |value| {
            let strings = value.as_array()?.iter().map(Value::as_str);
            strings.map(|item| item.map(str::to_owned)).collect()
        })?;
        Ok(strings.unwrap_or_default())
    }

    fn paths(&self, key: &str) -> Result<Vec<PathBuf>, ArgumentError> {
        Ok(self.strings(key)?.into_iter().map(PathBuf::from).collect())
    }

    /// `["PATH", {"path": …, "name": …, "sourceMap": …, "debugFiles": …}]`
    fn nodes(&self, key: &str) -> Result<Vec<NodeArguments>, ArgumentError> {
        let expected = "a list of paths, or of objects with `path`, `name`, `sourceMap`, \
                        `debugFiles`";
        let listed = self.read(key, expected, |value| value.as_array())?;
        let mut nodes = Vec::new();
        for node in listed.into_iter().flatten() {
            nodes.push(match node {
                Value::String(path) if !path.is_empty() => {
                    NodeArguments::plain(PathBuf::from(path))
                }
                Value::Object(map) => {
                    let given = Fields(map);
                    let path = given.path("path")?;
                    NodeArguments {
                        path: path.ok_or_else(|| self.wrong(key, expected))?,
                        name: given.string("name")?,
                        path_mapping: PathMapping::new(given.pairs("sourceMap")?),
                        debug_files: given.paths("debugFiles")?,
                        is_found: false,
                    }
                }
                _ => return Err(self.wrong(key, expected)),
            });
        }
        Ok(nodes)
    }

    /// `{"NAME": "value"}`, where `null` leaves a name out, or `["NAME=value"]`.
    fn environment(&self, key: &str) -> Result<Vec<(String, String)>, ArgumentError> {
        let expected = "an object of strings, or a list of \"NAME=value\"";
        let variables = self.read(key, expected, |value| match value {
            Value::Object(map) => map
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect(),
            Value::Array(items) => items.iter().map(|item| split(item, "=")).collect(),
            _ => None,
        })?;
        Ok(variables.unwrap_or_default())
    }

    /// `["HOST::GUEST", "BOTH", {"host": …, "guest": …}]`
    fn directories(&self, key: &str) -> Result<Vec<SharedDirectory>, ArgumentError> {
        let expected = "a list of \"HOST::GUEST\" or {\"host\": …, \"guest\": …}";
        let directories = self.read(key, expected, |value| {
            value.as_array()?.iter().map(shared_directory).collect()
        })?;
        Ok(directories.unwrap_or_default())
    }

    /// `{"from": "to"}` or `[["from", "to"]]`.
    fn pairs(&self, key: &str) -> Result<Vec<(String, String)>, ArgumentError> {
        let expected = "an object of paths, or a list of pairs of paths";
        let pairs = self.read(key, expected, |value| match value {
            Value::Object(map) => map
                .iter()
                .map(|(from, to)| Some((from.clone(), to.as_str()?.to_owned())))
                .collect(),
            Value::Array(items) => items
                .iter()
                .map(|item| match item.as_array()?.as_slice() {
                    [from, to] => Some((from.as_str()?.to_owned(), to.as_str()?.to_owned())),
                    _ => None,
                })
                .collect(),
            _ => None,
        })?;
        Ok(pairs.unwrap_or_default())
    }
}

fn shared_directory(value: &Value) -> Option<SharedDirectory> {
    let (host, guest) = match value {
        Value::String(both) => split(value, "::").unwrap_or((both.clone(), both.clone())),
        _ => (
            value.get("host")?.as_str()?.to_owned(),
            value.get("guest")?.as_str()?.to_owned(),
        ),
    };
    let host = PathBuf::from(host);
    Some(SharedDirectory { host, guest })
}

fn split(value: &Value, at: &str) -> Option<(String, String)> {
    let (left, right) = value.as_str()?.split_once(at)?;
    Some((left.to_owned(), right.to_owned()))
}

fn described(value: &Value) -> String {
    const SHOWN: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        None => text,
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::debuggee::launch::Moment;
    use serde_json::json;

    fn program(arguments: Value) -> ProgramArguments {
        match LaunchArguments::parse(&arguments).unwrap().subject {
            Subject::Program(program) => *program,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn both_spellings_of_lists_and_maps_say_the_same() {
        let maps = program(json!({
            "program": "a.wasm", "args": ["x"], "__sessionId": "theirs",
            "env": {"A": "1=2", "B": "", "C": null},
            "dirs": [{"host": "data", "guest": "/work"}, {"host": "/t", "guest": "/t"}],
        }));
        let lists = program(json!({
            "program": "a.wasm", "args": ["x"], "cwd": null,
            "env": ["A=1=2", "B="],
            "dirs": ["data::/work", "/t"],
        }));
        assert_eq!(maps, lists);
        assert_eq!(
            maps.env,
            [("A".into(), "1=2".into()), ("B".into(), "".into())]
        );

        let of = |path_mapping| {
            let arguments = json!({ "trace": "t", "sourceMap": path_mapping });
            LaunchArguments::parse(&arguments)
                .unwrap()
                .view
                .path_mapping
        };
        assert_eq!(of(json!({"/g": "/h"})), of(json!([["/g", "/h"]])));
        assert_eq!(of(json!({"/g": "/h"})).outward("/g/x"), "/h/x");
    }

    #[test]
    fn a_wrong_argument_is_named() {
        for (arguments, says) in [
            (json!({}), "nothing to debug"),
            (json!({"program": ""}), "`program` must be a path"),
            (
                json!({"program": "a", "trace": "b"}),
                "leave the others out",
            ),
            (
                json!({"program": "a", "args": "x"}),
                "`args` must be a list of strings, not \"x\"",
            ),
            (json!({"program": "a", "args": [1]}), "`args`"),
            (json!({"program": "a", "env": ["A"]}), "`env`"),
            (json!({"program": "a", "env": {"A": 1}}), "`env`"),
            (json!({"program": "a", "dirs": [3]}), "`dirs`"),
            (json!({"program": "a", "invoke": 3}), "`invoke`"),
            (json!({"program": "a", "wasi": "http"}), "`wasi`"),
            (json!({"trace": "a", "stopAt": "120%"}), "`stopAt`"),
            (json!({"trace": "a", "stopOnEntry": "yes"}), "`stopOnEntry`"),
            (json!({"trace": "a", "sourceMap": [["x"]]}), "`sourceMap`"),
            (json!({"trace": "a", "debugFiles": "x"}), "`debugFiles`"),
            (json!({"trace": "a", "programs": "x"}), "`programs`"),
            (json!([]), "`arguments` must be an object"),
        ] {
            let error = LaunchArguments::parse(&arguments).unwrap_err().to_string();
            assert!(error.contains(says), "{error:?} should say {says:?}");
        }
    }

    #[test]
    fn a_session_begins_where_it_is_told() {
        for (arguments, begin) in [
            (json!({}), Begin::FirstBreakpoint),
            (json!({"stopOnEntry": true}), Begin::Entry),
            (
                json!({"stopAt": "start", "stopOnEntry": true}),
                Begin::Start,
            ),
            (json!({"stopAt": "end"}), Begin::End),
            (json!({"stopAt": "20"}), Begin::There(Moment::Event(20))),
            (
                json!({"stopAt": "7:2:0x1f"}),
                Begin::There("7:2:0x1f".parse().unwrap()),
            ),
        ] {
            let parsed = AttachArguments::parse(&arguments).unwrap();
            assert_eq!(parsed.view.begin, begin);
        }
    }
}
