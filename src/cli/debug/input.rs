//! Where the lines of a session come from: `--command`, a script, a person.

use super::line_reader::{Completer, Line, LineReader};
use std::io::{BufRead, IsTerminal};

pub(super) const PROMPT: &str = "(rr-dap) ";
/// While the commands of a breakpoint are entered.
pub(super) const CONTINUED: &str = ">";

/// The lines of a session, one after the other.
pub(super) struct Input {
    given: std::vec::IntoIter<String>,
    then: Then,
}

/// What comes when the given commands are done.
enum Then {
    Nothing,
    Script,
    Person(Box<LineReader>),
}

/// A line, and whether anybody sees it already.
pub(super) struct Entered {
    pub(super) line: String,
    pub(super) is_typed: bool,
}

impl Input {
    /// # Errors
    ///
    /// If the terminal cannot be used.
    pub(super) fn new(commands: Vec<String>, is_batch: bool) -> anyhow::Result<Self> {
        let is_person = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        let then = match (is_batch, is_person) {
            (true, _) if !commands.is_empty() => Then::Nothing,
            (false, true) => Then::Person(Box::new(LineReader::new()?)),
            (_, _) => Then::Script,
        };
        Ok(Self {
            given: commands.into_iter(),
            then,
        })
    }

    /// A failed command of a person's is not a failure of the session.
    pub(super) fn is_person(&self) -> bool {
        matches!(self.then, Then::Person(_))
    }

    /// The next line; `None` at the end.
    pub(super) fn next(
        &mut self,
        prompt: &str,
        completer: &mut dyn Completer,
    ) -> anyhow::Result<Option<Entered>> {
        let written = |line| {
            Some(Entered {
                line,
                is_typed: false,
            })
        };
        if let Some(line) = self.given.next() {
            return Ok(written(line));
        }
        match &mut self.then {
            Then::Nothing => Ok(None),
            Then::Script => {
                let mut line = Vec::new();
                let length = std::io::stdin().lock().read_until(b'\n', &mut line)?;
                let text = String::from_utf8_lossy(&line);
                Ok(match length {
                    0 => None,
                    _ => written(text.trim_end_matches(['\n', '\r']).to_owned()),
                })
            }
            Then::Person(reader) => Ok(match reader.read(prompt, completer)? {
                Line::Entered(line) => Some(Entered {
                    line,
                    is_typed: true,
                }),
                Line::End => None,
            }),
        }
    }
}
