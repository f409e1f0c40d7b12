//! Whole sessions, compared word for word with what is in `tests/dap/`.

use super::client::validate;
use serde_json::Value;
use std::path::Path;

/// The same line, without what the host's clock said when the run was recorded.
fn without_times(line: &str) -> String {
    let mut rest = line;
    let mut told = String::new();
    const AFTER: &str = " after the recording began";
    while let Some((before, from)) = rest.split_once("; 20")
        && let Some((time, after)) = from.split_once(AFTER)
        && time.len() < 60
    {
        told.push_str(before);
        rest = after;
    }
    told + rest
}

/// The same in members of their own.
fn forget_times(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for name in ["time", "elapsedNs", "durationNs"] {
                members.remove(name);
            }
            members.values_mut().for_each(forget_times);
        }
        Value::Array(elements) => elements.iter_mut().for_each(forget_times),
        _ => {}
    }
}

/// Compares what a server has logged with the golden transcript of this name. `stable`
/// makes each line the same on every machine, or leaves it out.
pub fn compare(log: &Path, name: &str, stable: impl Fn(&str) -> Option<String>) {
    let log = std::fs::read_to_string(log).unwrap();
    let lines = log.lines().filter_map(stable);
    let written: Vec<String> = lines.map(|line| without_times(&line)).collect();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/dap")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, written.join("\n") + "\n").unwrap();
    }
    let read = |line: &str| -> Value { serde_json::from_str(line).unwrap() };
    let expected = std::fs::read_to_string(golden).unwrap();
    let expected: Vec<&str> = expected.lines().collect();
    for (nth, (line, expected)) in written.iter().zip(&expected).enumerate() {
        let mut line = read(line);
        validate(&line["msg"]);
        let mut expected = read(expected);
        forget_times(&mut line);
        forget_times(&mut expected);
        assert_eq!(line, expected, "message {nth}");
    }
    assert_eq!(written.len(), expected.len(), "messages");
}
