//! Frames: where the program is, and which of them is looked at.

use super::motion::count;
use super::prompt::{Done, Next, Prompt};
use crate::cli::style::Style;
use crate::cli::terminal::on_one_line;
use crate::dap::protocol::{
    StackFrame, StackFramePresentationHint, StoppedEventBody, StoppedEventReason,
};
use crate::debuggee::AFTER_WRITE;
use anyhow::{Context, bail};
use std::collections::BTreeMap;
use std::path::Path;

/// Frames that are looked through for one with a source.
const LOOKED_THROUGH: usize = 32;
/// Frames that `backtrace` shows unless told otherwise.
const SHOWN: usize = 40;

/// What is said where there is no frame.
const NOWHERE: &str = "no frame is here: no code of the program runs at this moment";

/// The stack of this stop, as far as it has been asked for.
#[derive(Debug, Default)]
pub(super) struct Stack {
    frames: Vec<StackFrame>,
    /// The titles that stand before frames, by the number of the frame.
    titles: BTreeMap<usize, Vec<String>>,
    /// How many have come, titles included.
    fetched: usize,
    total: usize,
    /// No code runs, but something is suspended.
    is_suspended: bool,
    selected: usize,
}

/// What `backtrace` is to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shown {
    count: usize,
    /// Counted from the outermost frame.
    is_from_outside: bool,
    /// With the variables of each frame.
    is_full: bool,
}

impl Shown {
    /// `full`, `5`, `-5`, `full 5`
    fn parse(arguments: &str) -> anyhow::Result<Shown> {
        let mut shown = Shown {
            count: SHOWN,
            is_from_outside: false,
            is_full: false,
        };
        for word in arguments.split_whitespace() {
            match (word.trim_start_matches('-'), word.strip_prefix('-')) {
                ("full" | "f", _) => shown.is_full = true,
                (_, Some(number)) => {
                    (shown.count, shown.is_from_outside) = (count(number)?, true);
                }
                (number, None) => shown.count = count(number)?,
            }
        }
        Ok(shown)
    }
}

pub(super) fn backtrace(prompt: &mut Prompt, arguments: &str) -> Done {
    let wanted = Shown::parse(arguments)?;
    let mut first = 0;
    prompt.fetch(wanted.count)?;
    if wanted.is_from_outside {
        prompt.fetch(prompt.stack.total)?;
        first = prompt.stack.frames.len().saturating_sub(wanted.count);
    }
    let selected = prompt.stack.selected;
    let shown = prompt.stack.frames.iter().enumerate();
    let shown: Vec<(usize, StackFrame)> = shown
        .skip(first)
        .take(wanted.count)
        .map(|(level, frame)| (level, frame.clone()))
        .collect();
    for (level, frame) in &shown {
        for title in prompt.stack.titles.get(level).cloned().unwrap_or_default() {
            prompt.say(&format!("     -- {title} --"))?;
        }
        let mark = if *level == selected { '*' } else { ' ' };
        let arguments = match wanted.is_full {
            // They come beneath it.
            true => None,
            false => prompt.arguments_of(frame)?,
        };
        let told = place_with(frame, arguments.as_deref());
        prompt.say(&format!("{mark}#{level:<2} {told}"))?;
        if wanted.is_full {
            prompt.show_variables_of(frame)?;
        }
    }
    if shown.is_empty() {
        prompt.say(NOWHERE)?;
        if prompt.stack.is_suspended {
            return prompt.console("rr futures");
        }
    }
    let more = prompt.stack.total.saturating_sub(first + shown.len());
    if more > 0 {
        prompt.say(&format!(
            "… {more} more; `backtrace {}` shows all",
            prompt.stack.total
        ))?;
    }
    Ok(Next::Continue)
}

pub(super) fn frame(prompt: &mut Prompt, arguments: &str) -> Done {
    let (word, rest) = arguments
        .split_once(char::is_whitespace)
        .unwrap_or((arguments, ""));
    let level = match (word, rest.trim()) {
        ("", _) => prompt.stack.selected,
        ("function", name) => prompt.level_of(name)?,
        ("level", number) => level(number)?,
        _ => level(arguments)?,
    };
    prompt.select(level)
}

fn level(text: &str) -> anyhow::Result<usize> {
    let level = text.parse().ok();
    level.with_context(|| {
        format!(
            "`{text}` is not the number of a frame; `backtrace` lists them, and `frame function \
             NAME` looks at that of a function"
        )
    })
}

/// Another thread is looked at, and the next step is its.
pub(super) fn thread(prompt: &mut Prompt, arguments: &str) -> Done {
    let threads = prompt.all_threads()?;
    let number = arguments.trim().parse::<i64>().ok();
    let found = threads.iter().find(|thread| Some(thread.id) == number);
    // Of a system, its nodes have names.
    let (Some(found), false) = (found, prompt.is_system()?) else {
        return prompt.console(&format!("rr thread {arguments}"));
    };
    prompt.client.turn_to(found.id);
    prompt.stack = Stack::default();
    prompt.fetch(LOOKED_THROUGH)?;
    prompt.stack.selected = telling(&prompt.stack.frames, false);
    prompt.say(&format!(
        "thread {}: {}",
        found.id,
        on_one_line(&found.name)
    ))?;
    match prompt.stack.frames.is_empty() {
        true => prompt.say(NOWHERE)?,
        false => return prompt.select(prompt.stack.selected),
    }
    Ok(Next::Continue)
}

pub(super) fn up(prompt: &mut Prompt, arguments: &str) -> Done {
    let count = count(arguments)?;
    let level = prompt.stack.selected.saturating_add(count);
    prompt.fetch(level.saturating_add(1))?;
    let outermost = prompt.stack.total.saturating_sub(1);
    if prompt.stack.selected == outermost {
        bail!("this is the outermost frame");
    }
    prompt.select(level.min(outermost))
}

pub(super) fn down(prompt: &mut Prompt, arguments: &str) -> Done {
    let count = count(arguments)?;
    if prompt.stack.selected == 0 {
        bail!("this is the innermost frame");
    }
    prompt.select(prompt.stack.selected.saturating_sub(count))
}

/// `check at ledger.c:69`
pub(super) fn place(frame: &StackFrame) -> String {
    place_with(frame, None)
}

/// `apply (transfer=0x11f4) at ledger.c:48`
fn place_with(frame: &StackFrame, arguments: Option<&str>) -> String {
    let source = frame.source.as_ref();
    let arguments = arguments.map_or(String::new(), |arguments| format!(" ({arguments})"));
    let name = format!("{}{arguments}", frame.name);
    let told = match source.and_then(|source| source.name.as_ref()) {
        Some(source) if frame.line > 0 => format!("{name} at {source}:{}", frame.line),
        _ => name,
    };
    on_one_line(&told)
}

impl Prompt {
    /// The frame that is looked at.
    pub(super) fn selected(&mut self) -> anyhow::Result<Option<StackFrame>> {
        let level = self.stack.selected;
        self.fetch(level + 1)?;
        Ok(self.stack.frames.get(level).cloned())
    }

    /// The frame that is looked at, where there must be one.
    pub(super) fn looked_at(&mut self) -> anyhow::Result<StackFrame> {
        self.selected()?.context(NOWHERE)
    }

    pub(super) fn level(&self) -> (usize, usize) {
        (self.stack.selected, self.stack.total)
    }

    /// Makes sure that so many frames are known, if there are.
    fn fetch(&mut self, wanted: usize) -> anyhow::Result<()> {
        let known = self.stack.frames.len();
        let is_first = known == 0 && self.stack.total == 0;
        if wanted > known && (is_first || known < self.stack.total) {
            let first = self.stack.fetched;
            let (mut frames, mut total) = self.client.frames(first, wanted - known)?;
            let is_title = |frame: &StackFrame| {
                frame.presentation_hint == Some(StackFramePresentationHint::Label)
            };
            // Where no code runs, that is said in place of a frame, for editors: they show
            // nothing without any.
            if is_first && frames.first().is_some_and(is_title) {
                frames.clear();
                self.stack.is_suspended = total > 1;
            }
            if frames.is_empty() {
                total = known;
            }
            self.stack.fetched += frames.len();
            for frame in frames {
                if is_title(&frame) {
                    let before = self.stack.titles.entry(self.stack.frames.len());
                    before.or_default().push(frame.name);
                } else {
                    self.stack.frames.push(frame);
                }
            }
            let titles: usize = self.stack.titles.values().map(Vec::len).sum();
            self.stack.total = total.saturating_sub(titles).max(self.stack.frames.len());
        }
        Ok(())
    }

    /// The innermost frame of a function: its whole name, or what that ends in.
    fn level_of(&mut self, name: &str) -> anyhow::Result<usize> {
        self.fetch(1)?;
        self.fetch(self.stack.total)?;
        let is_meant = |frame: &StackFrame| {
            let whole = frame.name.split('(').next().unwrap_or_default().trim();
            let of_path = whole.strip_suffix(name).map(|path| path.ends_with("::"));
            frame.name == name || whole == name || of_path == Some(true)
        };
        let found = self.stack.frames.iter().position(is_meant);
        found
            .filter(|_| !name.is_empty())
            .with_context(|| format!("no frame is of a function `{name}`; `backtrace` lists them"))
    }

    fn select(&mut self, level: usize) -> Done {
        self.fetch(level.saturating_add(1))?;
        let Some(frame) = self.stack.frames.get(level).cloned() else {
            bail!(
                "there is no frame {level}: they are 0 to {}",
                self.stack.total.saturating_sub(1)
            );
        };
        self.stack.selected = level;
        self.say(&format!("#{level} {}", place(&frame)))?;
        self.show_line(&frame)?;
        Ok(Next::Continue)
    }

    /// Says where the program has stopped, and why.
    pub(super) fn arrive(&mut self, stopped: &StoppedEventBody) -> anyhow::Result<()> {
        self.failed += usize::from(stopped.has_failed());
        self.stack = Stack::default();
        self.fetch(LOOKED_THROUGH)?;
        let has_failed = matches!(stopped.reason, StoppedEventReason::Exception);
        let is_write = stopped.description.as_deref() == Some(AFTER_WRITE);
        // What is suspended is not where the program is.
        let running = self.stack.titles.keys().next().copied();
        let running = self
            .stack
            .frames
            .get(..running.unwrap_or(self.stack.frames.len()));
        self.stack.selected = telling(running.unwrap_or_default(), has_failed || is_write);
        let moment = self.client.moment()?;
        let moment = moment.strip_prefix("main, ").unwrap_or(&moment).to_owned();
        let hit = self.hit(stopped)?;
        let is_silent = hit.commands.first().is_some_and(|line| line == "silent");
        let reason = reason(stopped);
        let innermost = self.stack.frames.first().map(place);
        // A hostcall's description is what its frame is called, and what wrote is told first.
        let innermost = innermost.filter(|place| {
            let begun = reason
                .as_ref()
                .and_then(|reason| reason.strip_prefix(place.as_str()));
            !begun.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ';']))
        });
        let why: Vec<String> = hit
            .told
            .into_iter()
            .chain(reason)
            .chain(innermost)
            .collect();
        let moment = self.painted(Style::Dim, &format!("[{moment}]"));
        let why = match stopped.reason {
            StoppedEventReason::Exception => self.painted(Style::Failure, &why.join(", ")),
            _ => why.join(", "),
        };
        if stopped.reason == StoppedEventReason::Pause {
            // Interrupted, or failed: what was to come next is not wanted any more.
            self.pending.forget();
        }
        self.follow(hit.commands)?;
        if is_silent {
            return Ok(());
        }
        self.say(&format!("{why} {moment}"))?;
        if let Some(frame) = self.selected()? {
            if self.stack.selected > 0 {
                self.say(&format!("#{} {}", self.stack.selected, place(&frame)))?;
            }
            self.show_line(&frame)?;
        }
        self.show_displays()
    }
}

/// The level of the frame to look at first: the innermost, but where a library has called its
/// host, or where one's own code is what matters, as when the program has failed or something
/// has been written, the first that is of no library, its source here if there is one like that.
fn telling(frames: &[StackFrame], is_for_own: bool) -> usize {
    let is_subtle = |frame: &StackFrame| {
        let hint = frame.presentation_hint.as_ref();
        matches!(hint, Some(StackFramePresentationHint::Subtle))
    };
    // A text of the server's has a note if it stands for a source that is nowhere.
    let has_note = |frame: &StackFrame| {
        let source = frame.source.as_ref();
        source.is_some_and(|source| source.origin.is_some())
    };
    let is_own = |frame: &StackFrame| frame.source.is_some() && !is_subtle(frame);
    let own = is_for_own.then(|| frames.iter().position(is_own)).flatten();
    if let Some(own) = own {
        return own;
    }
    let has_lines = |frame: &StackFrame| {
        frame.path().is_some() || is_own(frame) || (frame.source.is_some() && has_note(frame))
    };
    if frames.first().is_some_and(has_lines) {
        return 0;
    }
    let is_here = |frame: &StackFrame| match frame.path() {
        Some(path) => Path::new(path).is_file(),
        None => is_own(frame) && !has_note(frame),
    };
    let first = |is_meant: &dyn Fn(&StackFrame) -> bool| frames.iter().position(is_meant);
    first(&|frame| is_own(frame) && is_here(frame))
        .or_else(|| first(&is_own))
        .or_else(|| first(&is_here))
        .or_else(|| first(&has_lines))
        .unwrap_or(0)
}

/// Why it stopped, if that is not what it was told to do.
fn reason(stopped: &StoppedEventBody) -> Option<String> {
    let words = stopped.text.as_ref().or(stopped.description.as_ref());
    match (words, &stopped.reason) {
        (Some(words), _) => Some(on_one_line(&words.replace('\n', " "))),
        (None, StoppedEventReason::Pause) => Some("interrupted".to_owned()),
        (None, _) => None,
    }
}
