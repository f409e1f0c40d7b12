//! Lines from a person at a terminal: editing, history, completion.

use super::line_editor::{LineEditor, Outcome};
use console::{Key, Term, measure_text_width};
use std::io::{self, Write};
use std::path::PathBuf;

/// Lines of the history that are kept from one session to the next.
const KEPT: usize = 1000;
/// Completions that are shown at once.
const SHOWN: usize = 60;

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
    term: Term,
    editor: LineEditor,
    history_file: Option<PathBuf>,
    /// Rows between the first one of the line and the cursor's.
    rows_above: usize,
}

impl LineReader {
    pub(super) fn new() -> Self {
        let history_file = history_file();
        let history = history_file
            .as_ref()
            .and_then(|file| std::fs::read_to_string(file).ok())
            .unwrap_or_default();
        let lines: Vec<String> = history.lines().map(str::to_owned).collect();
        let skipped = lines.len().saturating_sub(KEPT);
        Self {
            term: Term::stdout(),
            editor: LineEditor::with_history(lines.into_iter().skip(skipped).collect()),
            history_file,
            rows_above: 0,
        }
    }

    pub(super) fn read(&mut self, prompt: &str, completer: &mut dyn Completer) -> io::Result<Line> {
        let _raw = RawMode::enter()?;
        self.rows_above = 0;
        loop {
            self.draw(prompt)?;
            let key = self.term.read_key_raw()?;
            if matches!(key, Key::Enter | Key::CtrlC) {
                // What is printed next comes after the whole line.
                self.editor.press(Key::End);
                self.draw(prompt)?;
            }
            match self.editor.press(key) {
                Outcome::Edited => {}
                Outcome::Entered(line) => {
                    self.leave()?;
                    self.keep(&line);
                    return Ok(Line::Entered(line));
                }
                Outcome::Complete => self.complete(completer)?,
                Outcome::Abandoned => {
                    self.leave()?;
                    self.rows_above = 0;
                }
                Outcome::ClearScreen => {
                    self.term.clear_screen()?;
                    self.rows_above = 0;
                }
                Outcome::End => {
                    self.leave()?;
                    return Ok(Line::End);
                }
            }
        }
    }

    /// Goes below the line.
    fn leave(&mut self) -> io::Result<()> {
        self.term.write_str("\r\n")
    }

    fn draw(&mut self, prompt: &str) -> io::Result<()> {
        let shown_prompt = match self.editor.search() {
            Some(search) => format!("(search `{search}`) "),
            None => prompt.to_owned(),
        };
        let columns = usize::from(self.term.size().1).max(1);
        let text = self.editor.text();
        let whole = measure_text_width(&shown_prompt) + measure_text_width(&text);
        let cursor = measure_text_width(&shown_prompt) + measure_text_width(&self.editor.before());
        let mut drawn = String::new();
        if self.rows_above > 0 {
            drawn.push_str(&format!("\x1b[{}A", self.rows_above));
        }
        drawn.push_str(&format!("\r\x1b[J{shown_prompt}{text}"));
        // A full last row leaves the cursor on it: only a further character moves on.
        if whole.is_multiple_of(columns) {
            drawn.push_str(" \r");
        }
        let up = whole / columns - cursor / columns;
        if up > 0 {
            drawn.push_str(&format!("\x1b[{up}A"));
        }
        drawn.push('\r');
        if !cursor.is_multiple_of(columns) {
            drawn.push_str(&format!("\x1b[{}C", cursor % columns));
        }
        self.rows_above = cursor / columns;
        self.term.write_str(&drawn)?;
        self.term.flush()
    }

    fn complete(&mut self, completer: &mut dyn Completer) -> io::Result<()> {
        let before = self.editor.before();
        let found = completer.complete(&before);
        let typed = before.get(found.from..).unwrap_or_default();
        match found.texts.as_slice() {
            [] => Ok(()),
            [one] => {
                self.editor.complete(found.from, one);
                Ok(())
            }
            several => {
                let same = common_beginning(several);
                if same.len() > typed.len() {
                    self.editor.complete(found.from, same);
                    return Ok(());
                }
                let shown: Vec<&str> = several.iter().take(SHOWN).map(String::as_str).collect();
                let more = several.len() - shown.len();
                let more = match more {
                    0 => String::new(),
                    more => format!("  … {more} more"),
                };
                self.rows_above = 0;
                self.term
                    .write_str(&format!("\r\n{}{more}\r\n", shown.join("  ")))
            }
        }
    }

    /// A history that cannot be written is no reason to stop.
    fn keep(&mut self, line: &str) {
        if !self.editor.remember(line) {
            return;
        }
        let Some(file) = &self.history_file else {
            return;
        };
        if let Some(directory) = file.parent() {
            _ = std::fs::create_dir_all(directory);
        }
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(file);
        if let Ok(mut file) = file {
            _ = writeln!(file, "{line}");
        }
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

fn common_beginning(texts: &[String]) -> &str {
    let Some((first, rest)) = texts.split_first() else {
        return "";
    };
    let agrees = |end: usize| {
        let beginning = first.get(..end);
        beginning.is_some_and(|beginning| rest.iter().all(|text| text.starts_with(beginning)))
    };
    let end = (0..=first.len()).rev().find(|end| agrees(*end));
    first.get(..end.unwrap_or(0)).unwrap_or_default()
}

/// The terminal gives keys as they are typed, as long as this lives: also between two keys,
/// so that what is pasted arrives whole.
struct RawMode {
    before: libc::termios,
}

impl RawMode {
    fn enter() -> io::Result<Self> {
        // SAFETY: all zeros is a valid termios, which the call fills.
        let (got, before) = unsafe {
            let mut before: libc::termios = std::mem::zeroed();
            (libc::tcgetattr(libc::STDIN_FILENO, &mut before), before)
        };
        if got != 0 {
            return Err(io::Error::last_os_error());
        }
        let mut raw = before;
        raw.c_lflag &= !(libc::ICANON | libc::ECHO | libc::ISIG | libc::IEXTEN);
        raw.c_iflag &= !(libc::IXON | libc::ICRNL);
        set(&raw)?;
        Ok(Self { before })
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // A terminal that is gone needs no restoring.
        _ = set(&self.before);
    }
}

fn set(mode: &libc::termios) -> io::Result<()> {
    // SAFETY: a call on standard input with a termios that lives.
    match unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSADRAIN, mode) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::common_beginning;

    #[test]
    fn what_all_completions_begin_with() {
        let texts = |list: &[&str]| {
            list.iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(common_beginning(&texts(&["next", "nexti"])), "next");
        assert_eq!(common_beginning(&texts(&["zür", "zug"])), "z");
        assert_eq!(common_beginning(&texts(&["a", "b"])), "");
    }
}
