//! `info`: what there is.

use super::prompt::{Done, Next, Prompt};
use super::stack::place;
use super::{display, motion};
use crate::cli::style::Style;
use crate::cli::trace::Output;
use crate::dap::client::Purpose;
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
    "sources",
    "functions",
];

/// The groups of the core level that `info registers` shows.
const REGISTERS: [&str; 3] = ["Wasm locals", "Operand stack", "Globals"];

pub(super) fn info(prompt: &mut Prompt, arguments: &str) -> Done {
    let (word, rest) = arguments
        .split_once(char::is_whitespace)
        .unwrap_or((arguments, ""));
    // gdb's names for modules, the stack, and watchpoints.
    let word = match word {
        "sharedlibrary" | "files" => "modules",
        "watchpoints" | "b" => "breakpoints",
        "stack" => return super::stack::backtrace(prompt, rest.trim()),
        word => word,
    };
    let fitting: Vec<&str> = TOPICS
        .iter()
        .filter(|topic| !word.is_empty() && topic.starts_with(word))
        .copied()
        .collect();
    let topic = match fitting.as_slice() {
        [topic] => *topic,
        [] => bail!("info about what? {}", TOPICS.join(", ")),
        several => bail!("`{word}` could be {}", several.join(", ")),
    };
    let rest = rest.trim();
    if !matches!(topic, "hostcalls" | "functions") {
        motion::nothing_more(rest)?;
    }
    match topic {
        "breakpoints" => prompt.list_breakpoints(),
        "locals" => prompt.show_scopes(&[Purpose::Locals], "There are no locals here."),
        "args" => prompt.show_scopes(&[Purpose::Arguments], "There are no arguments here."),
        "frame" => frame(prompt),
        "registers" => registers(prompt),
        "display" => display::display(prompt, ""),
        "output" => output(prompt),
        "position" => position(prompt),
        "modules" => modules(prompt),
        "sources" => sources(prompt),
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

/// What the guest has printed up to now.
fn output(prompt: &mut Prompt) -> Done {
    #[derive(Deserialize)]
    struct When {
        moment: NextHostcall,
    }
    #[derive(Deserialize)]
    struct NextHostcall {
        event: u64,
    }
    let when: When = prompt.client.ask("rr/when", json!({}))?;
    crate::cli::terminal::stdout().flush()?;
    Output::before(when.moment.event, prompt.recording()).run()?;
    Ok(Next::Continue)
}

/// Where in time this is, as what `rr-dap debug` opens again, from wherever it is called.
fn position(prompt: &mut Prompt) -> Done {
    #[derive(Deserialize)]
    struct When {
        moment: Moment,
    }
    #[derive(Deserialize)]
    struct Moment {
        position: String,
    }
    let when: When = prompt.client.ask("rr/when", json!({}))?;
    let position = when.moment.position;
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

fn sources(prompt: &mut Prompt) -> Done {
    let sources = prompt.sources()?;
    if sources.is_empty() {
        prompt.say(
            "No sources are known: the program has no debug information; build it with -g, or \
             start with --debug-file.",
        )?;
    }
    for source in sources {
        let path = source.path.or(source.name).unwrap_or_default();
        prompt.say(&path)?;
    }
    Ok(Next::Continue)
}
