//! Sources: `list`, and the line of a frame.

use super::places::{self, Spot};
use super::prompt::{Done, Next, Prompt};
use crate::cli::style::Style;
use crate::cli::terminal::on_one_line;
use crate::dap::client::Client;
use crate::dap::protocol::{Source, StackFrame};
use crate::source::{HostFileError, source_text};
use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::json;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// And at most, where it is told which.
const MOST: usize = 500;

/// Sources that were read, and what `list` has shown.
#[derive(Default)]
pub(super) struct Texts {
    read: Vec<(Source, Rc<[String]>)>,
    /// The lines shown last: source, first, and the one after.
    listed: Option<(Source, usize, usize)>,
    /// The source of which something was shown last.
    shown: Option<Source>,
    /// A file that is not there is told of once.
    missed: Vec<Source>,
    /// What was told of sources.
    noted: Vec<String>,
    /// Where else to look for files.
    directories: Vec<PathBuf>,
}

pub(super) fn list(prompt: &mut Prompt, arguments: &str) -> Done {
    if let Some((first, last)) = range(arguments) {
        let source = prompt.listed_source()?;
        let count = last.saturating_sub(first).min(MOST) + 1;
        return show(prompt, source, first.max(1), count);
    }
    let size = prompt.settings.list_size;
    let listed = prompt.texts.listed.clone();
    let (source, first) = match (arguments, listed) {
        ("", Some((source, _, after))) => (source, after),
        ("-", Some((source, first, _))) => {
            if first <= 1 {
                bail!("this is the beginning of {}", places::name(&source));
            }
            (source, first.saturating_sub(size).max(1))
        }
        ("" | "-", None) => {
            let (source, line) = prompt.here()?;
            (source, around(line, size))
        }
        (place, _) if let Ok(line) = place.parse() => (prompt.listed_source()?, around(line, size)),
        (place, _) => match places::spot(prompt, place)? {
            Spot::Line { source, line } => (source, around(line, size)),
            Spot::Function(name) => {
                let (source, line) = prompt.declared(&name)?;
                (source, around(line, size))
            }
            _ => bail!("`list` takes LINE, FIRST,LAST, FILE:LINE or FUNCTION"),
        },
    };
    show(prompt, source, first, size)
}

/// `FIRST,LAST`
fn range(text: &str) -> Option<(usize, usize)> {
    let (first, last) = text.split_once(',')?;
    Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
}

fn show(prompt: &mut Prompt, source: Source, first: usize, count: usize) -> Done {
    if places::missing_path(&source).is_none() {
        prompt.note(&source)?;
    }
    let lines = prompt.texts.lines(&mut prompt.client, &source)?;
    if first > lines.len() {
        bail!("{} has {} lines", places::name(&source), lines.len());
    }
    let here = prompt.here().ok().filter(|(of, _)| *of == source);
    let here = here.map_or(0, |(_, line)| line);
    let shown = lines.iter().enumerate().skip(first - 1).take(count);
    // Of what stands for a source that is nowhere, most lines are empty.
    let missing = places::missing_path(&source).map(Path::new);
    let is_missing = missing.is_some_and(|path| !prompt.texts.is_here(path));
    if is_missing && shown.clone().all(|(_, line)| line.is_empty()) {
        bail!("{}", why_missing(&source));
    }
    let shown = shown.filter(|(_, line)| !is_missing || !line.is_empty());
    for (index, text) in shown {
        let row = prompt.row(index + 1, text, here);
        prompt.say(&row)?;
    }
    if is_missing {
        let why = prompt.painted(Style::Dim, &format!("   ({})", why_missing(&source)));
        prompt.say(&why)?;
    }
    prompt.texts.shown = Some(source.clone());
    prompt.texts.listed = Some((source, first, first + count));
    Ok(Next::Continue)
}

/// Why there is only what stands for a source, and what brings it here.
fn why_missing(source: &Source) -> String {
    let told = source.origin.as_deref().map(places::in_own_words);
    told.unwrap_or_else(|| format!("{} is not here", places::name(source)))
}

/// Whether a source is of Rust's own library, which is not on this machine.
fn is_of_rust(path: &str) -> bool {
    path.starts_with("/rustc/")
}

fn is_missing(error: &HostFileError) -> bool {
    matches!(error, HostFileError::Read(error) if error.kind() == ErrorKind::NotFound)
}

fn around(line: usize, size: usize) -> usize {
    line.saturating_sub(size / 2).max(1)
}

impl Prompt {
    /// The source and the line that are looked at.
    pub(super) fn here(&mut self) -> anyhow::Result<(Source, usize)> {
        let frame = self.looked_at()?;
        let line = usize::try_from(frame.line)?;
        let source = frame.source.with_context(|| {
            format!(
                "{} has no source here; `up` may lead to a frame that has",
                frame.name
            )
        })?;
        Ok((source, line))
    }

    /// The source that `list` has shown last at this stop, or else that is looked at.
    fn listed_source(&mut self) -> anyhow::Result<Source> {
        match &self.texts.listed {
            Some((source, ..)) => Ok(source.clone()),
            None => self.usual_source(),
        }
    }

    /// The source that a line without a file is of: that of the frame which is looked at; where
    /// there is none, the one that was shown last.
    pub(super) fn usual_source(&mut self) -> anyhow::Result<Source> {
        match (self.here(), &self.texts.shown) {
            (Ok((source, _)), _) => Ok(source),
            (Err(_), Some(shown)) => Ok(shown.clone()),
            (Err(error), None) => Err(error),
        }
    }

    /// What must be known of a source is told once.
    fn note(&mut self, source: &Source) -> anyhow::Result<()> {
        let Some(note) = &source.origin else {
            return Ok(());
        };
        if self.texts.noted.contains(note) {
            return Ok(());
        }
        // With `directory`, it may be here after all.
        if places::missing_path(source).is_some_and(|path| self.texts.is_here(Path::new(path))) {
            return Ok(());
        }
        self.texts.noted.push(note.clone());
        let name = places::name(source);
        let own = places::in_own_words(note);
        let told = match note.contains(name) {
            true => format!("   ({own})"),
            false => format!("   ({name}: {own})"),
        };
        self.say(&self.painted(Style::Dim, &on_one_line(&told)))?;
        Ok(())
    }

    fn row(&self, number: usize, text: &str, here: usize) -> String {
        match number == here {
            true => self.painted(Style::Mark, &format!("-> {number:4}  {text}")),
            false => format!("   {number:4}  {text}"),
        }
    }

    /// The line that a frame is at, if its source is here.
    pub(super) fn show_line(&mut self, frame: &StackFrame) -> anyhow::Result<()> {
        self.texts.listed = None;
        let Some(source) = &frame.source else {
            return Ok(());
        };
        self.note(source)?;
        match self.texts.lines(&mut self.client, source) {
            Ok(lines) => {
                let line = usize::try_from(frame.line)?;
                if let Some(text) = line.checked_sub(1).and_then(|index| lines.get(index)) {
                    let row = self.row(line, text, line);
                    self.say(&row)?;
                    self.texts.shown = Some(source.clone());
                }
            }
            Err(error) if !self.texts.missed.contains(source) => {
                self.texts.missed.push(source.clone());
                let told = self.painted(Style::Dim, &format!("   ({})", crate::cli::told(&error)));
                self.say(&told)?;
            }
            Err(_) => {}
        }
        Ok(())
    }
}

impl Texts {
    /// Looks for files in these directories from now on.
    pub(super) fn look_again(&mut self, directories: &[PathBuf]) {
        self.directories = directories.to_vec();
        self.missed.clear();
        self.noted.clear();
        // What stands for missing sources may be replaced by them.
        self.read
            .retain(|(source, _)| places::missing_path(source).is_none());
    }

    /// Whether a file is found.
    pub(super) fn is_here(&self, path: &Path) -> bool {
        self.text_of(path).is_ok()
    }

    /// The text of a file: where it should be, else beneath one of the directories.
    fn text_of(&self, path: &Path) -> Result<String, HostFileError> {
        let missing = match source_text(path) {
            Err(error) if is_missing(&error) => error,
            found => return found,
        };
        let parts: Vec<_> = path.components().collect();
        for directory in &self.directories {
            // The longest end of the path that is there is most likely the same file.
            let ends = (0..parts.len()).filter_map(|from| parts.get(from..));
            let mut there =
                ends.map(|end| end.iter().fold(directory.clone(), |at, part| at.join(part)));
            let beneath = there.find(|path| path.starts_with(directory) && path.is_file());
            if let Some(found) = beneath {
                return source_text(&found);
            }
        }
        Err(missing)
    }

    /// The text of a source that the server has not found, if it is in one of the directories.
    fn found_missing(&self, source: &Source) -> Option<String> {
        self.text_of(Path::new(places::missing_path(source)?)).ok()
    }

    /// The lines of a source: from its file, or from the server.
    fn lines(&mut self, client: &mut Client, source: &Source) -> anyhow::Result<Rc<[String]>> {
        if let Some((_, lines)) = self.read.iter().find(|(known, _)| known == source) {
            return Ok(Rc::clone(lines));
        }
        let text = match &source.path {
            Some(path) => match self.text_of(Path::new(path)) {
                Ok(text) => text,
                Err(error) if is_missing(&error) => match is_of_rust(path) {
                    true => bail!(
                        "{path} is not here; `rustup component add rust-src` brings it, for the \
                         toolchain that compiled the program"
                    ),
                    false => bail!(
                        "{path} is not here; `directory DIR` or --source-map FROM=TO says where it is"
                    ),
                },
                Err(error) => {
                    let why = places::in_own_words(&error.to_string());
                    bail!("{path} is not shown: {why}")
                }
            },
            None if let Some(text) = self.found_missing(source) => text,
            None => {
                #[derive(Deserialize)]
                struct Body {
                    content: String,
                }
                let arguments = json!({
                    "source": source, "sourceReference": source.source_reference.unwrap_or(0),
                });
                places::in_own_words(&client.ask::<Body>("source", arguments)?.content)
            }
        };
        let lines: Rc<[String]> = text
            .lines()
            .map(|line| line.replace('\t', "    "))
            .collect();
        self.read.push((source.clone(), Rc::clone(&lines)));
        Ok(lines)
    }
}
