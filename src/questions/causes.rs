//! Why many runs failed: those with the same cause together, the most frequent first.

use super::Answer;
use crate::debuggee::grouped;
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;

/// Recordings of one cause that are named.
const NAMED: usize = 5;

/// What `why` has answered of many recordings.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Causes {
    groups: Vec<Cause>,
    #[serde(skip)]
    by_key: HashMap<String, usize>,
    asked: u64,
}

/// Runs that failed, or ended, in the same way.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    /// What happened, where, and where the bad value came from; empty for runs that ended well.
    pub cause: String,
    /// How many.
    pub count: u64,
    /// The first of them, by name.
    pub recordings: Vec<String>,
    /// What was answered of the first.
    pub answer: Value,
    #[serde(skip)]
    text: String,
}

impl Causes {
    /// Takes in what was answered of one.
    pub fn add(&mut self, recording: &str, answer: &Answer) {
        let cause = answer.answer.get("cause").and_then(Value::as_str);
        let cause = cause.unwrap_or_default().to_owned();
        self.asked += 1;
        let at = *self.by_key.entry(cause.clone()).or_insert_with(|| {
            self.groups.push(Cause {
                cause,
                count: 0,
                recordings: Vec::new(),
                answer: answer.answer.clone(),
                text: answer.text.clone(),
            });
            self.groups.len() - 1
        });
        if let Some(group) = self.groups.get_mut(at) {
            group.count += 1;
            if group.recordings.len() < NAMED {
                group.recordings.push(recording.to_owned());
            }
        }
    }

    /// The most frequent first; of two that are as frequent, the one that was met first. What ended
    /// well comes last.
    pub fn groups(&self) -> Vec<&Cause> {
        let mut groups: Vec<&Cause> = self.groups.iter().collect();
        groups.sort_by_key(|group| (group.cause.is_empty(), std::cmp::Reverse(group.count)));
        groups
    }
}

impl std::fmt::Display for Causes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (number, group) in self.groups().into_iter().enumerate() {
            if number > 0 {
                f.write_str("\n\n")?;
            }
            let what = match group.cause.as_str() {
                "" => "ended well",
                cause => cause,
            };
            write!(
                f,
                "{} of {}: {what}",
                grouped(group.count),
                grouped(self.asked)
            )?;
            let more = group.count - group.recordings.len() as u64;
            write!(f, "\n  {}", group.recordings.join(", "))?;
            if more > 0 {
                write!(f, " and {} more", grouped(more))?;
            }
            if !group.cause.is_empty() {
                for line in group
                    .text
                    .lines()
                    .filter(|line| !line.starts_with("Cause: "))
                {
                    write!(f, "\n  {line}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(cause: &str) -> Answer {
        Answer {
            question: "why",
            answer: json!({ "cause": cause }),
            text: format!("It fell.\nCause: {cause}"),
        }
    }

    #[test]
    fn what_is_most_frequent_comes_first() {
        let mut causes = Causes::default();
        for (recording, cause) in [
            ("a", "x"),
            ("b", ""),
            ("c", "y"),
            ("d", ""),
            ("e", ""),
            ("f", "y"),
        ] {
            causes.add(recording, &answer(cause));
        }
        let told: Vec<(&str, u64)> = causes
            .groups()
            .iter()
            .map(|group| (group.cause.as_str(), group.count))
            .collect();
        assert_eq!(told, [("y", 2), ("x", 1), ("", 3)]);
        assert_eq!(
            causes.to_string(),
            "2 of 6: y\n  c, f\n  It fell.\n\n1 of 6: x\n  a\n  It fell.\n\n3 of 6: ended well\n  b, d, e"
        );
    }
}
