//! The session at the prompt: what it knows, and the loop that takes lines.

use super::Recording;
use super::awaited::Awaited;
use super::breakpoints::Breakpoints;
use super::commands::{self, Found};
use super::display::Displays;
use super::history::History;
use super::input::{CONTINUED, Entered, Input, PROMPT};
use super::kept::Shelf;
use super::places;
use super::script::{self, Pending};
use super::settings::Settings;
use super::stack::Stack;
use super::text::Texts;
use crate::cli::conversation::{Category, Heard, Said};
use crate::cli::recording_file::RecordingFile;
use crate::cli::style::{Paint, Style};
use crate::cli::terminal;
use crate::dap::client::{Client, ClientError};
use crate::dap::protocol::{LoadedSourcesResponse, Source, StoppedEventBody};
use crate::debuggee::NOT_LOOKED_AT;
use anyhow::bail;
use serde::Deserialize;
use serde_json::json;
use std::cell::RefCell;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;

/// What the server can do, as far as it matters here.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Capabilities {
    pub(super) supports_data_breakpoints: bool,
}

/// Where everything is printed, in the order in which it comes.
pub(super) struct Screen {
    pub(super) paint: Paint,
    pub(super) capabilities: Capabilities,
    is_line_begun: bool,
    awaited: Awaited,
    /// What was printed last on standard error.
    last_error: String,
    /// Until the session is open, standard error is passed on as such: why a program cannot be
    /// recorded is not part of what a session shows. On one terminal it is the same.
    passes_errors_on: bool,
}

impl Screen {
    pub(super) fn new(paint: Paint) -> Self {
        Self {
            paint,
            capabilities: Capabilities::default(),
            is_line_begun: false,
            awaited: Awaited::Nothing,
            last_error: String::new(),
            passes_errors_on: !(io::stdout().is_terminal() && io::stderr().is_terminal()),
        }
    }

    /// The session begins.
    pub(super) fn opened(&mut self) {
        self.passes_errors_on = false;
    }

    /// What the server says by itself.
    pub(super) fn hear(&mut self, heard: &Heard) {
        match heard {
            Heard::Said(said) => self.print(said),
            Heard::Progress(progress) => self.awaited.hear(progress),
        }
    }

    fn print(&mut self, said: &Said) {
        self.awaited.clear();
        if said.category == Category::Stderr {
            self.last_error.clone_from(&said.text);
        }
        if self.passes_errors_on && said.category == Category::Stderr {
            terminal::tell_part(&said.text);
            return;
        }
        let text = match said.category {
            Category::Stdout => self.paint.painted_as_printed(Style::Dim, &said.text),
            Category::Stderr => self.paint.painted_as_printed(Style::Name, &said.text),
            Category::Console => said.text.clone(),
        };
        // Who does not read on has seen enough; the next line finds it so.
        _ = write!(terminal::stdout(), "{}", self.paint.shown(&text));
        _ = terminal::stdout().flush();
        self.is_line_begun = !said.text.ends_with('\n');
    }

    /// Whether this was the last that came on standard error.
    pub(super) fn has_said(&self, text: &str) -> bool {
        self.last_error.trim_end().ends_with(text)
    }

    pub(super) fn say(&mut self, text: &str) -> io::Result<()> {
        self.end_line()?;
        writeln!(terminal::stdout(), "{}", self.paint.shown(text))
    }

    fn end_line(&mut self) -> io::Result<()> {
        self.awaited.clear();
        if std::mem::take(&mut self.is_line_begun) {
            writeln!(terminal::stdout())?;
        }
        Ok(())
    }

    fn complain(&mut self, text: &str) -> io::Result<()> {
        self.end_line()?;
        terminal::stdout().flush()?;
        // As what a failing command says; standard error closed is not a reason to stop.
        terminal::tell(text);
        Ok(())
    }
}

/// Whether the session goes on after a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Continue,
    End,
}

pub(super) type Done = anyhow::Result<Next>;

pub(super) struct Prompt {
    pub(super) client: Client,
    screen: Rc<RefCell<Screen>>,
    recording: Recording,
    pub(super) breakpoints: Breakpoints,
    pub(super) stack: Stack,
    pub(super) texts: Texts,
    pub(super) displays: Displays,
    /// Where breakpoints are kept for the next session.
    pub(super) shelf: Option<Shelf>,
    pub(super) history: History,
    pub(super) settings: Settings,
    pub(super) pending: Pending,
    /// The command that an empty line repeats.
    last: Option<String>,
    /// Commands that failed, motions among them.
    pub(super) failed: usize,
}

impl Prompt {
    pub(super) fn new(client: Client, screen: Rc<RefCell<Screen>>, recording: Recording) -> Self {
        Self {
            client,
            screen,
            recording,
            breakpoints: Breakpoints::default(),
            stack: Stack::default(),
            texts: Texts::default(),
            displays: Displays::default(),
            shelf: None,
            history: History::default(),
            settings: Settings::default(),
            pending: Pending::default(),
            last: None,
            failed: 0,
        }
    }

    /// Takes lines until there are no more; fails if a command of a script did.
    pub(super) fn converse(
        mut self,
        mut input: Input,
        first: &StoppedEventBody,
    ) -> anyhow::Result<ExitCode> {
        let conversed = self.take_lines(&mut input, first);
        let has_failed = match conversed {
            // The reader has seen enough (`rr-dap debug … | head`).
            Err(error) if terminal::is_closed(&error) => false,
            conversed => {
                conversed?;
                self.failed > 0
            }
        };
        self.client.finish()?;
        Ok(match has_failed && !input.is_person() {
            true => ExitCode::FAILURE,
            false => ExitCode::SUCCESS,
        })
    }

    fn take_lines(&mut self, input: &mut Input, first: &StoppedEventBody) -> anyhow::Result<()> {
        self.arrive(first)?;
        while let Some(entered) = self.next_line(input)? {
            self.client.catch_up();
            if !entered.is_typed {
                let echo = self.painted(Style::Dim, &format!("{PROMPT}{}", entered.line));
                self.say(&echo)?;
            }
            match self.run(&entered.line) {
                Ok(Next::Continue) => {}
                Ok(Next::End) => break,
                Err(error) if terminal::is_closed(&error) || is_over(&error) => return Err(error),
                Err(error) => {
                    self.failed += 1;
                    self.pending.forget();
                    self.complain(&error)?;
                }
            }
            self.keep_breakpoints();
        }
        Ok(())
    }

    fn next_line(&mut self, input: &mut Input) -> anyhow::Result<Option<Entered>> {
        if let Some(waiting) = self.pending.next() {
            return Ok(Some(Entered {
                line: waiting.line,
                is_typed: !waiting.is_shown,
            }));
        }
        let shown = match self.pending.is_entering() {
            true => CONTINUED,
            false => PROMPT,
        };
        input.next(shown, self)
    }

    fn run(&mut self, line: &str) -> Done {
        if self.enter(line)? {
            return Ok(Next::Continue);
        }
        let line = &self.breakpoints.with_last_number(line.trim());
        let repeated;
        let line = match (line.as_str(), &self.last) {
            ("", None) => return Ok(Next::Continue),
            ("", Some(last)) => {
                repeated = last.clone();
                &repeated
            }
            (line, _) => line,
        };
        self.last = None;
        if line.starts_with('#') {
            return Ok(Next::Continue);
        }
        if let Some(command) = line.strip_prefix('!') {
            return script::shell(self, command);
        }
        match commands::find(line) {
            Found::Command(entry, arguments) => {
                let next = (entry.run)(self, arguments)?;
                if let Some(again) = entry.again {
                    self.last = Some(again(line));
                }
                Ok(next)
            }
            Found::Several(names) => bail!("`{line}` could be {}", names.join(", ")),
            Found::None => self.console(line),
        }
    }

    /// Whatever is not a command of the prompt is one of the server's, or an expression.
    pub(super) fn console(&mut self, line: &str) -> Done {
        let frame = self.selected()?;
        let value = self.client.console(line, frame.as_ref())?;
        self.say(&value.result)?;
        // An answer of several lines has told what is inside of it.
        if !value.result.contains('\n') {
            self.show_inside(&value, 2)?;
        }
        if let Some(stopped) = self.client.stopped_by_console()? {
            self.last = Some(line.to_owned());
            self.arrive(&stopped)?;
        }
        Ok(Next::Continue)
    }

    pub(super) fn say(&self, text: &str) -> io::Result<()> {
        self.screen.borrow_mut().say(text)
    }

    /// Ends a line that the guest has begun.
    pub(super) fn say_nothing(&self) -> io::Result<()> {
        self.screen.borrow_mut().end_line()
    }

    pub(super) fn painted(&self, style: Style, text: &str) -> String {
        self.screen.borrow().paint.painted(style, text)
    }

    pub(super) fn watches(&self) -> bool {
        self.screen.borrow().capabilities.supports_data_breakpoints
    }

    /// The recording, if it is there after the session.
    pub(super) fn lasting(&self) -> Option<PathBuf> {
        self.recording.lasting()
    }

    pub(super) fn recording(&self) -> RecordingFile {
        self.recording.to_open()
    }

    fn complain(&self, error: &anyhow::Error) -> io::Result<()> {
        let told = match error.downcast_ref::<ClientError>() {
            // The server's own words: that it was asked is known.
            Some(ClientError::Refused { message, .. }) => places::in_own_words(message),
            _ => crate::cli::told(error),
        };
        self.screen.borrow_mut().complain(&told)
    }

    /// Has all recordings of a system looked at, where some are not: whether there were such.
    /// Places may be theirs that none of the others has.
    pub(super) fn look_at_all(&mut self) -> anyhow::Result<bool> {
        let threads = self.threads()?;
        if !threads.iter().any(|name| name.ends_with(NOT_LOOKED_AT)) {
            return Ok(false);
        }
        let open = json!({ "expression": "nodes open", "context": "repl" });
        let _: serde_json::Value = self.client.ask("evaluate", open)?;
        Ok(true)
    }

    /// What the threads are called.
    pub(super) fn threads(&mut self) -> anyhow::Result<Vec<String>> {
        let threads = self.all_threads()?.into_iter();
        Ok(threads.map(|thread| thread.name).collect())
    }

    pub(super) fn all_threads(&mut self) -> anyhow::Result<Vec<ThreadName>> {
        let told: Threads = self.client.ask("threads", json!({}))?;
        Ok(told.threads)
    }

    /// Whether several recordings are debugged: then a moment is one of theirs.
    pub(super) fn is_system(&mut self) -> anyhow::Result<bool> {
        let when: serde_json::Value = self.client.ask("rr/when", json!({}))?;
        Ok(!when["node"].is_null())
    }

    pub(super) fn sources(&mut self) -> anyhow::Result<Vec<Source>> {
        let loaded: LoadedSourcesResponse = self.client.ask("loadedSources", json!({}))?;
        Ok(loaded.sources)
    }
}

/// The server is gone: no command can be done.
fn is_over(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref(),
        Some(ClientError::Ended(_) | ClientError::Write(_) | ClientError::Read(_))
    )
}

/// The threads, as far as the prompt wants to know of them.
#[derive(Debug, Deserialize)]
struct Threads {
    threads: Vec<ThreadName>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ThreadName {
    pub(super) id: i64,
    pub(super) name: String,
}
