//! Lines from a person at a terminal: edited by rustyline, with history and completion.

use crate::cli::terminal::on_one_line;
use crate::trace::private;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::{FileHistory, History};
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, Helper};
use std::cell::RefCell;
use std::path::PathBuf;

/// Lines of the history that are kept from one session to the next.
const KEPT: usize = 1000;

/// What a line could go on with.
pub(super) struct Completions {
    /// Where what they replace begins, in bytes.
    pub(super) from: usize,
    pub(super) texts: Vec<String>,
}

pub(super) trait Completer {
    /// How this text, which ends at the cursor, could go on.
    fn complete(&mut self, before: &str) -> Completions;
}

/// What reading came to.
pub(super) enum Line {
    Entered(String),
    End,
}

pub(super) struct LineReader {
    config: Config,
    /// With each line's editor while that is typed.
    history: FileHistory,
    history_file: Option<PathBuf>,
}

impl LineReader {
    /// # Errors
    ///
    /// If the settings are refused, which they are not.
    pub(super) fn new() -> anyhow::Result<Self> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .max_history_size(KEPT)?
            .build();
        let mut history = FileHistory::with_config(&config);
        let history_file = history_file();
        if let Some(file) = &history_file {
            // The first session has none.
            _ = history.load(file);
        }
        Ok(Self {
            config,
            history,
            history_file,
        })
    }

    /// # Errors
    ///
    /// If the terminal cannot be read any more.
    pub(super) fn read(
        &mut self,
        prompt: &str,
        completer: &mut dyn Completer,
    ) -> anyhow::Result<Line> {
        // The completer is there for one line only.
        let history = std::mem::take(&mut self.history);
        let mut editor = Editor::with_history(self.config.clone(), history)?;
        editor.set_helper(Some(Completing(RefCell::new(completer))));
        let line = loop {
            match editor.readline(prompt) {
                // The line is thrown away, or the window has another size.
                Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => {}
                line => break line,
            }
        };
        std::mem::swap(&mut self.history, editor.history_mut());
        match line {
            Ok(line) => {
                self.keep(&line);
                Ok(Line::Entered(line))
            }
            Err(ReadlineError::Eof) => Ok(Line::End),
            Err(error) => Err(error.into()),
        }
    }

    /// A history that cannot be written is not a reason to stop.
    fn keep(&mut self, line: &str) {
        if line.trim().is_empty() || !self.history.add(line).unwrap_or(false) {
            return;
        }
        let Some(file) = &self.history_file else {
            return;
        };
        if let Some(directory) = file.parent() {
            _ = private::create_directory(directory);
        }
        _ = self.history.append(file);
    }
}

/// `$XDG_STATE_HOME/rr-dap/history`, else in `~/.local/state`.
fn history_file() -> Option<PathBuf> {
    let given = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let state = given
        .filter(|path| path.is_absolute())
        .or_else(|| Some(std::env::home_dir()?.join(".local/state")))?;
    Some(state.join("rr-dap").join("history"))
}

/// Who is asked how a line could go on.
struct Completing<'a>(RefCell<&'a mut dyn Completer>);

impl rustyline::completion::Completer for Completing<'_> {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        cursor: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let before = line.get(..cursor).unwrap_or(line);
        let mut found = self.0.borrow_mut().complete(before);
        // They are shown as they are, and a name that cannot be typed need not be offered.
        found.texts.retain(|text| on_one_line(text) == *text);
        Ok((found.from, found.texts))
    }
}

impl Hinter for Completing<'_> {
    type Hint = String;
}

impl Highlighter for Completing<'_> {}
impl Validator for Completing<'_> {}
impl Helper for Completing<'_> {}
