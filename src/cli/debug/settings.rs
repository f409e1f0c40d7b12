//! `set` and `show`: how much is listed, and where sources are looked for.

use super::interrupt;
use super::prompt::{Done, Next, Prompt};
use super::script::path;
use anyhow::{Context, bail};
use std::path::PathBuf;

/// What can be set here.
#[derive(Debug)]
pub(super) struct Settings {
    /// Lines that `list` shows.
    pub(super) list_size: usize,
    /// Where sources are looked for that are not where the debug information has them.
    pub(super) directories: Vec<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            list_size: 10,
            directories: Vec::new(),
        }
    }
}

/// Words that `set` and `show` take.
pub(super) const SETTINGS: &[&str] = &["listsize", "directories", "interrupt-stays"];
pub(super) const SHOWN: &[&str] = &["listsize", "directories", "values", "version"];

/// Settings of gdb that begin scripts: here everything is as if they were set.
const MEANINGLESS: &[&str] = &[
    "auto-load",
    "backtrace",
    "breakpoint",
    "can-use-hw-watchpoints",
    "charset",
    "color",
    "confirm",
    "cwd",
    "debuginfod",
    "disassembly-flavor",
    "editing",
    "exec-direction",
    "follow-fork-mode",
    "height",
    "history",
    "language",
    "logging",
    "max-value-size",
    "non-stop",
    "output-radix",
    "pagination",
    "print",
    "prompt",
    "scheduler-locking",
    "step-mode",
    "style",
    "substitute-path",
    "trace-commands",
    "tui",
    "verbose",
    "width",
];

pub(super) fn set(prompt: &mut Prompt, arguments: &str) -> Done {
    let (word, rest) = arguments
        .split_once(char::is_whitespace)
        .unwrap_or((arguments, ""));
    match word {
        "" => bail!("set what? {}", SETTINGS.join(", ")),
        "listsize" => {
            let size = rest.trim().parse().ok().filter(|size| *size > 0);
            prompt.settings.list_size = size.context("how many lines? `set listsize N`")?;
        }
        "directories" => return directory(prompt, rest.trim()),
        "interrupt-stays" => return interrupt::set_stays(prompt, rest.trim()),
        "args" | "environment" | "env" => bail!(
            "the run is over: what it was given is in the recording; record it anew with other \
             arguments (`rr-dap record … -- ARGS`, `--env NAME=VALUE`)"
        ),
        word if MEANINGLESS.contains(&word) => {
            prompt.say(&format!("`set {word}` has no meaning here."))?;
        }
        // What is left is a variable to gdb; the server says why not.
        _ => return prompt.console(&format!("set {arguments}")),
    }
    Ok(Next::Continue)
}

pub(super) fn show(prompt: &mut Prompt, arguments: &str) -> Done {
    let all = arguments.is_empty();
    let is_meant = |name: &str| all || name.starts_with(arguments);
    if is_meant("listsize") {
        let size = prompt.settings.list_size;
        prompt.say(&format!("listsize: {size} lines"))?;
    }
    if is_meant("directories") {
        let directories = prompt.settings.directories.iter();
        let told: Vec<String> = directories.map(|at| at.display().to_string()).collect();
        let told = match told.as_slice() {
            [] => "none".to_owned(),
            some => some.join(", "),
        };
        prompt.say(&format!("directories: {told}"))?;
    }
    if is_meant("version") {
        prompt.say(concat!("rr-dap ", env!("CARGO_PKG_VERSION")))?;
    }
    if is_meant("values") && !all {
        if prompt.history.is_empty() {
            prompt.say("Nothing has been printed yet; `print EXPRESSION` does.")?;
        }
        for line in prompt.history.lines() {
            prompt.say(&line)?;
        }
    }
    if !SHOWN.iter().any(|name| is_meant(name)) {
        bail!("show what? {}", SHOWN.join(", "));
    }
    Ok(Next::Continue)
}

/// `directory DIR…`: where to look for sources; without any, nowhere else.
pub(super) fn directory(prompt: &mut Prompt, arguments: &str) -> Done {
    if arguments.is_empty() {
        prompt.settings.directories.clear();
    }
    let given = arguments.split([':', ' ']).filter(|text| !text.is_empty());
    for text in given {
        let directory = path(text);
        if !directory.is_dir() {
            bail!("{} is not a directory", directory.display());
        }
        let directory = std::path::absolute(directory)?;
        prompt
            .settings
            .directories
            .retain(|known| *known != directory);
        prompt.settings.directories.insert(0, directory);
    }
    prompt.texts.look_again(&prompt.settings.directories);
    show(prompt, "directories")
}
