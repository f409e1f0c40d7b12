//! `info`: what there is.

use super::prompt::{Done, Next, Prompt};
use super::stack::place;
use super::{display, motion, places};
use crate::cli::style::Style;
use crate::cli::trace::Output;
use crate::dap::client::Purpose;
use crate::dap::elsewhere;
use anyhow::bail;
use serde::Deserialize;
use serde_json::json;
use std::io::Write;

/// What `info` tells of.
pub(super) const TOPICS: &[&str] = &[
    "breakpoints",
    "locals",
    "args",
    "frame",
    "registers",
    "display",
    "handles",
    "hostcalls",
    "marks",
    "output",
    "position",
    "modules",
    "source",
    "sources",
    "line",
    "symbol",
    "functions",
    "variables",
    "types",
    "threads",
    "nodes",
];

/// The groups of the core level that `info registers` shows.
const REGISTERS: [&str; 3] = ["Wasm locals", "Operand stack", "Globals"];

pub(super) fn info(prompt: &mut Prompt, arguments: &str) -> Done {
    let (word, rest) = arguments
        .split_once(char::is_whitespace)
        .unwrap_or((arguments, ""));
    // gdb's names for modules and the stack.
    let word = match word {
        "sharedlibrary" | "files" => "modules",
        "watchpoints" | "wat" => return prompt.list_watchpoints(),
        "b" => "breakpoints",
        "f" => "frame",
        "program" => return prompt.console("rr when"),
        "fu" | "fun" => "functions",
        "stack" | "s" => return super::stack::backtrace(prompt, rest.trim()),
        word => word,
    };
    let fitting: Vec<&str> = TOPICS
        .iter()
        .filter(|topic| !word.is_empty() && topic.starts_with(word))
        .copied()
        .collect();
    let topic = match fitting.as_slice() {
        [topic] => *topic,
        _ if TOPICS.contains(&word) => word,
        [] => match elsewhere::of_topic(word) {
            // Not an answer: a script that asks for it fails, as before.
            Some(said) => bail!("{word}: {said}"),
            None => bail!("info about what? {}", TOPICS.join(", ")),
        },
        several => bail!("`{word}` could be {}", several.join(", ")),
    };
    let rest = rest.trim();
    let takes_more = [
        "hostcalls",
        "functions",
        "line",
        "symbol",
        "variables",
        "types",
        "locals",
        "args",
    ];
    if !takes_more.contains(&topic) {
        motion::nothing_more(rest)?;
    }
    match topic {
        "breakpoints" => prompt.list_breakpoints(),
        "locals" => prompt.show_scopes((&[Purpose::Locals], rest), "There are no locals here."),
        "args" => prompt.show_scopes(
            (&[Purpose::Arguments], rest),
            "There are no arguments here.",
        ),
        "frame" => frame(prompt),
        "registers" => registers(prompt),
        "display" => display::list(prompt),
        "output" => output(prompt),
        "position" => position(prompt),
        "modules" => modules(prompt),
        "source" => source(prompt),
        "sources" => sources(prompt),
        "threads" => threads(prompt),
        "line" => line(prompt, rest),
        "symbol" => prompt.console(&format!("rr info symbol {rest}")),
        // Commands of the server's console.
        topic => prompt.console(format!("rr {topic} {rest}").trim_end()),
    }
}

fn frame(prompt: &mut Prompt) -> Done {
    let frame = prompt.looked_at()?;
    let (level, total) = prompt.level();
    prompt.say(&format!("#{level} of {total} frames: {}", place(&frame)))?;
    if let Some(path) = frame.path() {
        prompt.say(&format!("  source       {path}"))?;
    }
    if let Some(instruction) = &frame.instruction_pointer_reference {
        prompt.say(&format!("  instruction  {instruction}"))?;
    }
    Ok(Next::Continue)
}

fn registers(prompt: &mut Prompt) -> Done {
    let frame = prompt.looked_at()?;
    for group in prompt.client.core_groups(&frame)? {
        if REGISTERS.contains(&group.name.as_str()) {
            let title = prompt.painted(Style::Heading, &group.name);
            prompt.say(&title)?;
            prompt.show_inside(&group, 1)?;
        }
    }
    Ok(Next::Continue)
}

/// Where in time the session stands, as the server tells it.
#[derive(Deserialize)]
struct Moment {
    event: u64,
    position: String,
}

fn moment(prompt: &mut Prompt) -> anyhow::Result<Moment> {
    #[derive(Deserialize)]
    struct When {
        moment: Moment,
    }
    let when: When = prompt.client.ask("rr/when", json!({}))?;
    Ok(when.moment)
}

/// What the guest has printed up to now.
fn output(prompt: &mut Prompt) -> Done {
    let event = moment(prompt)?.event;
    crate::cli::terminal::stdout().flush()?;
    Output::before(event, prompt.recording()).run()?;
    Ok(Next::Continue)
}

/// Where in time this is, as what `rr-dap debug` opens again, from wherever it is called.
fn position(prompt: &mut Prompt) -> Done {
    let position = moment(prompt)?.position;
    match prompt.lasting() {
        Some(recording) => prompt.say(&format!("{}@{position}", recording.display()))?,
        None => prompt.say(&format!(
            "{position} (the recording goes with this session: `--output FILE` keeps it)"
        ))?,
    }
    Ok(Next::Continue)
}

fn modules(prompt: &mut Prompt) -> Done {
    #[derive(Deserialize)]
    struct Body {
        modules: Vec<Module>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Module {
        name: String,
        symbol_status: Option<String>,
    }
    let body: Body = prompt.client.ask("modules", json!({}))?;
    for module in body.modules {
        let symbols = module.symbol_status.unwrap_or_default();
        prompt.say(&format!("{}: {symbols}", module.name))?;
    }
    Ok(Next::Continue)
}

/// The source of the frame that is looked at.
fn source(prompt: &mut Prompt) -> Done {
    let (source, line) = prompt.here()?;
    prompt.say(&format!("Source: {}", super::places::name(&source)))?;
    let missing = places::missing_path(&source);
    if let Some(path) = source.path.as_deref().or(missing) {
        let is_here = prompt.texts.is_here(std::path::Path::new(path));
        let found = match is_here {
            true => "",
            false => " (not here; `directory DIR` or --source-map FROM=TO says where it is)",
        };
        prompt.say(&format!("  path  {path}{found}"))?;
    }
    prompt.say(&format!("  line  {line}"))?;
    Ok(Next::Continue)
}

/// There is one, and it knows the time; of a system, one for each recording; and one for each stack.
fn threads(prompt: &mut Prompt) -> Done {
    if prompt.threads()?.len() > 1 {
        return prompt.console("rr threads");
    }
    let moment = prompt.client.moment()?;
    let frame = prompt.selected()?;
    let place = frame
        .as_ref()
        .map_or(String::new(), |frame| format!(": {}", place(frame)));
    prompt.say(&format!("* 1  {moment}{place}"))?;
    Ok(Next::Continue)
}

/// Where the code of a line is.
fn line(prompt: &mut Prompt, place: &str) -> Done {
    if place.is_empty() || place.starts_with('*') {
        let place = if place.is_empty() { "*$pc" } else { place };
        return prompt.console(&format!("rr info symbol {}", place.trim_start_matches('*')));
    }
    let (source, line) = match super::places::spot(prompt, place)? {
        super::places::Spot::Line { source, line } => (source, line),
        super::places::Spot::Function(name) => prompt.declared(&name)?,
        _ => bail!("`info line` takes LINE, FILE:LINE or FUNCTION; `info symbol` an address"),
    };
    let path = source
        .path
        .clone()
        .or(source.name.clone())
        .unwrap_or_default();
    prompt.console(&format!("rr info line {path}:{line}"))
}

fn sources(prompt: &mut Prompt) -> Done {
    let sources = prompt.sources()?;
    if sources.is_empty() {
        prompt.say(
            "No sources are known: the program has no debug information; build it with -g, or \
             start with --debug-file.",
        )?;
    }
    for source in sources {
        let path = match places::whole_path(&source) {
            "" => places::name(&source),
            path => path,
        };
        prompt.say(path)?;
    }
    Ok(Next::Continue)
}
