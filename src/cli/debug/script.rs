//! Lines that come from files and breakpoints: `source`, `commands`, `save`, the file that
//! each session begins with; and what goes to the shell.

use super::motion::nothing_more;
use super::prompt::{Done, Next, Prompt};
use crate::cli::terminal;
use anyhow::{Context, bail};
use std::collections::VecDeque;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The longest file of commands.
const LONGEST: u64 = 1 << 20;
/// Lines that may wait at once: a file that sources itself ends here.
const MOST_LINES: usize = 10_000;

/// Lines that are to be run before anything that is typed.
#[derive(Debug, Default)]
pub(super) struct Pending {
    lines: VecDeque<Waiting>,
    is_running: bool,
    /// The breakpoint whose commands are being entered, and those.
    entering: Option<(usize, Vec<String>)>,
}

/// A line that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) line: String,
    /// Whether it is shown when it is run.
    pub(super) is_shown: bool,
}

impl Pending {
    pub(super) fn next(&mut self) -> Option<Waiting> {
        let next = self.lines.pop_front();
        self.is_running = next.is_some();
        next
    }

    /// Lines that come before all others.
    fn put_first(&mut self, lines: Vec<String>, is_shown: bool) -> anyhow::Result<()> {
        if self.lines.len() + lines.len() > MOST_LINES {
            self.forget();
            bail!("more than {MOST_LINES} lines wait to be run: a file sources itself");
        }
        for line in lines.into_iter().rev() {
            self.lines.push_front(Waiting { line, is_shown });
        }
        Ok(())
    }

    /// After a failure the rest is not run.
    pub(super) fn forget(&mut self) {
        self.lines.clear();
        self.entering = None;
    }

    /// Whether what is run now has waited.
    pub(super) fn is_running(&self) -> bool {
        self.is_running
    }

    pub(super) fn is_entering(&self) -> bool {
        self.entering.is_some()
    }
}

pub(super) fn source(prompt: &mut Prompt, arguments: &str) -> Done {
    if arguments.is_empty() {
        bail!("which file of commands? `source FILE`");
    }
    let lines = lines_of(&path(arguments))?;
    prompt.pending.put_first(lines, true)?;
    Ok(Next::Continue)
}

fn lines_of(path: &Path) -> anyhow::Result<Vec<String>> {
    let cannot = || format!("cannot read {}", path.display());
    let about = std::fs::metadata(path).with_context(cannot)?;
    if !about.is_file() || about.len() > LONGEST {
        bail!("{} is not a file of commands", path.display());
    }
    let text = std::fs::read(path).with_context(cannot)?;
    let text = String::from_utf8_lossy(&text).into_owned();
    Ok(text.lines().map(str::to_owned).collect())
}

/// A path as a shell has it: `~` is the home directory.
pub(super) fn path(text: &str) -> PathBuf {
    let home = text.strip_prefix("~/").zip(std::env::home_dir());
    match home {
        Some((rest, home)) => home.join(rest),
        None => PathBuf::from(text),
    }
}

pub(super) fn commands(prompt: &mut Prompt, arguments: &str) -> Done {
    let number = match arguments {
        "" => prompt.breakpoints.last_number(),
        text => text.parse().ok(),
    };
    let number =
        number.context("commands for which breakpoint? `commands N`, then lines, then `end`")?;
    prompt.breakpoints.find(number)?;
    prompt.pending.entering = Some((number, Vec::new()));
    Ok(Next::Continue)
}

/// The first of a breakpoint's commands may be `silent`; `end` is the last of what is entered.
pub(super) fn end(prompt: &mut Prompt, _: &str) -> Done {
    match prompt.pending.is_running() {
        true => Ok(Next::Continue),
        false => bail!("`end` ends what `commands N` begins, and `silent` is the first of those"),
    }
}

pub(super) fn shell(prompt: &mut Prompt, arguments: &str) -> Done {
    prompt.say_nothing()?;
    terminal::stdout().flush()?;
    let shell = std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into());
    let mut command = std::process::Command::new(shell);
    if !arguments.is_empty() {
        command.args(["-c", arguments]);
    }
    let status = command.status().context("the shell cannot be started")?;
    if !status.success() {
        bail!("the shell's command failed: {status}");
    }
    Ok(Next::Continue)
}

pub(super) fn echo(prompt: &mut Prompt, arguments: &str) -> Done {
    let text = arguments.trim_end_matches("\\n").replace("\\n", "\n");
    prompt.say(&text.replace("\\t", "\t"))?;
    Ok(Next::Continue)
}

pub(super) fn save(prompt: &mut Prompt, arguments: &str) -> Done {
    let file = arguments.strip_prefix("breakpoints").unwrap_or_default();
    if !file.starts_with(char::is_whitespace) || file.trim().is_empty() {
        bail!("save what? `save breakpoints FILE`; `source FILE` sets them again");
    }
    let file = path(file.trim());
    let lines = prompt.breakpoints.as_commands();
    let text = lines
        .iter()
        .fold(String::new(), |text, line| text + line + "\n");
    std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    prompt.say(&format!("Saved to {}.", file.display()))?;
    Ok(Next::Continue)
}

/// The file whose commands begin each session.
pub(super) fn begins_with() -> Option<PathBuf> {
    let file = std::env::home_dir()?.join(".rr-dapinit");
    file.is_file().then_some(file)
}

pub(super) fn pwd(prompt: &mut Prompt, arguments: &str) -> Done {
    nothing_more(arguments)?;
    prompt.say(&std::env::current_dir()?.display().to_string())?;
    Ok(Next::Continue)
}

impl Prompt {
    /// Puts the commands of a file in front of all that is typed.
    pub(super) fn begin_with(&mut self, file: &Path) -> anyhow::Result<()> {
        let lines = lines_of(file)?;
        self.pending.put_first(lines, false)
    }

    /// Puts a breakpoint's commands in front of all that is typed.
    pub(super) fn follow(&mut self, commands: Vec<String>) -> anyhow::Result<()> {
        self.pending.put_first(commands, false)
    }

    /// Takes a line that belongs to the commands of a breakpoint.
    pub(super) fn enter(&mut self, line: &str) -> anyhow::Result<bool> {
        let Some((number, lines)) = &mut self.pending.entering else {
            return Ok(false);
        };
        if line.trim() != "end" {
            if lines.len() < MOST_LINES {
                lines.push(line.trim().to_owned());
            }
            return Ok(true);
        }
        let (number, lines) = (*number, std::mem::take(lines));
        self.pending.entering = None;
        let has_any = !lines.is_empty();
        self.breakpoints.find(number)?.commands = lines;
        // The breakpoint will be there in the next session, and not what it does.
        if has_any && self.shelf.is_some() {
            self.say(
                "These commands are of this session only; `save breakpoints FILE` writes them, \
                 too.",
            )?;
        }
        Ok(true)
    }
}
