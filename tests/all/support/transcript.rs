//! Whole sessions, compared word for word with what is in `tests/dap/`.

use super::client::validate;
use serde_json::Value;
use std::path::Path;

/// Compares what a server has logged with the golden transcript of this name. `stable`
/// makes each line the same on every machine, or leaves it out.
pub fn compare(log: &Path, name: &str, stable: impl Fn(&str) -> Option<String>) {
    let log = std::fs::read_to_string(log).unwrap();
    let written: Vec<String> = log.lines().filter_map(stable).collect();
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
        let line = read(line);
        validate(&line["msg"]);
        assert_eq!(line, read(expected), "message {nth}");
    }
    assert_eq!(written.len(), expected.len(), "messages");
}
