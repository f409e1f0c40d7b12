//! Questions to whole recordings, through `rr-dap ask`.

use super::{rr_dap, text};
use serde_json::Value;
use std::path::Path;

/// What is answered to each of some questions.
pub fn answers(trace: &Path, options: &[&str], questions: &[&str]) -> Vec<Value> {
    let mut line = vec!["ask", "--json", trace.to_str().unwrap()];
    line.splice(1..1, options.iter().copied());
    line.extend(questions);
    let output = rr_dap(&line, "");
    assert!(
        output.status.success(),
        "{questions:?}: {}",
        text(&output.stderr)
    );
    let told = text(&output.stdout);
    let answers = told.lines().map(|line| {
        let mut answer: Value = serde_json::from_str(line).unwrap();
        answer["answer"].take()
    });
    answers.collect()
}

/// What is answered to one, in words.
pub fn in_words(trace: &Path, options: &[&str], question: &str) -> String {
    let mut line = vec!["ask", trace.to_str().unwrap(), question];
    line.splice(1..1, options.iter().copied());
    let output = rr_dap(&line, "");
    assert!(
        output.status.success(),
        "{question}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}
