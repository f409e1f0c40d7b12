//! Commands that move, forward and back.

use super::breakpoints::Lifetime;
use super::places;
use super::prompt::{Done, Next, Prompt};
use crate::dap::protocol::{StoppedEventBody, StoppedEventReason};
use anyhow::{Context, bail};
use serde_json::{Value, json};

/// The arguments of an `rr/step`.
struct StepAsked {
    direction: &'static str,
    unit: &'static str,
    kind: &'static str,
}

const fn step_of(direction: &'static str, unit: &'static str, kind: &'static str) -> StepAsked {
    StepAsked {
        direction,
        unit,
        kind,
    }
}

pub(super) fn run(prompt: &mut Prompt, arguments: &str) -> Done {
    nothing_more(arguments)?;
    prompt.go("rr/seek", json!({ "to": "start" }))?;
    resume(prompt, "")
}

/// To where one's own code begins.
pub(super) fn start(prompt: &mut Prompt, arguments: &str) -> Done {
    nothing_more(arguments)?;
    let stopped = prompt.go("rr/seek", json!({ "to": "entry" }))?;
    prompt.arrive(&stopped)?;
    Ok(Next::Continue)
}

/// To before everything.
pub(super) fn start_of_all(prompt: &mut Prompt, arguments: &str) -> Done {
    nothing_more(arguments)?;
    let stopped = prompt.go("rr/seek", json!({ "to": "start" }))?;
    prompt.arrive(&stopped)?;
    Ok(Next::Continue)
}

pub(super) fn resume(prompt: &mut Prompt, arguments: &str) -> Done {
    let motion = json!({});
    prompt.often(arguments, "continue", is_breakpoint, &motion)
}

pub(super) fn reverse_continue(prompt: &mut Prompt, arguments: &str) -> Done {
    let motion = json!({});
    prompt.often(arguments, "reverseContinue", is_breakpoint, &motion)
}

pub(super) fn next(prompt: &mut Prompt, arguments: &str) -> Done {
    // The server's own words, for a step to another hostcall and to a write.
    let word = arguments.split_whitespace().next().unwrap_or_default();
    if matches!(word, "hostcall" | "write") {
        return prompt.console(&format!("next {arguments}"));
    }
    prompt.step(arguments, &step_of("forward", "line", "over"))
}

pub(super) fn step(prompt: &mut Prompt, arguments: &str) -> Done {
    prompt.step(arguments, &step_of("forward", "line", "into"))
}

pub(super) fn finish(prompt: &mut Prompt, arguments: &str) -> Done {
    nothing_more(arguments)?;
    let next = prompt.step_out("forward")?;
    // Not all functions return something, nor is everything known that they do.
    if let Ok(value) = prompt.evaluate("$return", None) {
        let type_name = value.type_field.as_deref();
        prompt.say_value("Value returned: ", "$return", type_name, &value.result)?;
    }
    Ok(next)
}

pub(super) fn next_instruction(prompt: &mut Prompt, arguments: &str) -> Done {
    prompt.step(arguments, &step_of("forward", "instruction", "over"))
}

pub(super) fn step_instruction(prompt: &mut Prompt, arguments: &str) -> Done {
    prompt.step(arguments, &step_of("forward", "instruction", "into"))
}

pub(super) fn back(prompt: &mut Prompt, arguments: &str) -> Done {
    // `back in`, `back out`, … are the server's.
    if arguments.starts_with(char::is_alphabetic) {
        return prompt.console(&format!("back {arguments}"));
    }
    prompt.step(arguments, &step_of("backward", "line", "over"))
}

pub(super) fn reverse_step(prompt: &mut Prompt, arguments: &str) -> Done {
    prompt.step(arguments, &step_of("backward", "line", "into"))
}

pub(super) fn reverse_finish(prompt: &mut Prompt, arguments: &str) -> Done {
    nothing_more(arguments)?;
    prompt.step_out("backward")
}

pub(super) fn reverse_next_instruction(prompt: &mut Prompt, arguments: &str) -> Done {
    prompt.step(arguments, &step_of("backward", "instruction", "over"))
}

pub(super) fn reverse_step_instruction(prompt: &mut Prompt, arguments: &str) -> Done {
    prompt.step(arguments, &step_of("backward", "instruction", "into"))
}

/// A breakpoint for once, and on to it; whatever stops first, it is gone then.
pub(super) fn advance(prompt: &mut Prompt, arguments: &str) -> Done {
    if arguments.is_empty() {
        bail!("where to? `advance LINE`, `advance FUNCTION`; `until` alone leaves a loop");
    }
    let wanted = places::parse(prompt, arguments)?;
    let number = prompt.add_breakpoint(wanted, Lifetime::OneMotion)?;
    let went = prompt.go("continue", json!({}));
    // To forget one renumbers the others, which may have stopped the program.
    let arrived = match &went {
        Ok(stopped) => prompt.arrive(stopped),
        Err(_) => Ok(()),
    };
    prompt.forget_breakpoint(number)?;
    went?;
    arrived.map(|()| Next::Continue)
}

/// To a line after this one in the same function, or out of it: not back to a loop's head.
pub(super) fn until(prompt: &mut Prompt, arguments: &str) -> Done {
    // A loop that goes on for longer has to be left in another way.
    const MOST: usize = 1000;
    if !arguments.is_empty() {
        return advance(prompt, arguments);
    }
    let here = prompt.looked_at()?;
    let motion = json!({ "direction": "forward", "unit": "line", "kind": "over" });
    for _ in 0..MOST {
        let stopped = prompt.go("rr/step", motion.clone())?;
        let is_step = stopped.reason == StoppedEventReason::Step;
        let (frames, _) = prompt.client.frames(0, 1)?;
        let is_in_loop = frames.first().is_some_and(|now| {
            now.name == here.name && now.source == here.source && now.line <= here.line
        });
        if !is_step || !is_in_loop {
            prompt.arrive(&stopped)?;
            return Ok(Next::Continue);
        }
    }
    let stopped = prompt.go("rr/step", motion)?;
    prompt.arrive(&stopped)?;
    bail!("the loop goes on after {MOST} lines; `advance LINE` runs to a line behind it")
}

/// Whether a run that stopped so is one of several that were asked for: at a trap there may
/// be a breakpoint, too.
fn is_breakpoint(stopped: &StoppedEventBody) -> bool {
    stopped.hit_breakpoint_ids.is_some() && stopped.reason != StoppedEventReason::Exception
}

pub(super) fn nothing_more(arguments: &str) -> anyhow::Result<()> {
    match arguments {
        "" => Ok(()),
        more => anyhow::bail!("`{more}` is too much: nothing follows this command"),
    }
}

/// How often to do something; once, if nothing is said.
pub(super) fn count(arguments: &str) -> anyhow::Result<usize> {
    match arguments {
        "" => Ok(1),
        text => text.parse().ok().with_context(|| {
            format!(
                "`{text}` is not a count; if it is part of an expression, `print` shows its value"
            )
        }),
    }
}

impl Prompt {
    pub(super) fn go(
        &mut self,
        command: &str,
        arguments: Value,
    ) -> anyhow::Result<StoppedEventBody> {
        let is_run = ["continue", "reverseContinue"].contains(&command);
        loop {
            let stopped = self.client.go(command, arguments.clone())?;
            if !(is_run && is_breakpoint(&stopped) && self.passes(&stopped)) {
                return Ok(stopped);
            }
        }
    }

    fn step(&mut self, times: &str, step: &StepAsked) -> Done {
        let mut motion =
            json!({ "direction": step.direction, "unit": step.unit, "kind": step.kind });
        if let Some(thread) = self.client.turned_to() {
            motion["threadId"] = json!(thread);
        }
        let is_step = |here: &StoppedEventBody| here.reason == StoppedEventReason::Step;
        self.often(times, "rr/step", is_step, &motion)?;
        if step.unit == "instruction" {
            // Several are on one line.
            self.show_instructions(1, 0)?;
        }
        Ok(Next::Continue)
    }

    /// Out of the frame that is looked at.
    fn step_out(&mut self, direction: &str) -> Done {
        let mut motion = json!({ "direction": direction, "unit": "line", "kind": "out" });
        if let Some(thread) = self.client.turned_to() {
            motion["threadId"] = json!(thread);
        }
        if let (1.., Some(frame)) = (self.level().0, self.selected()?) {
            motion["frameId"] = json!(frame.id);
        }
        let stopped = self.go("rr/step", motion)?;
        self.arrive(&stopped)?;
        Ok(Next::Continue)
    }

    /// Repeats a motion as long as it ends as it should.
    fn often(
        &mut self,
        times: &str,
        command: &str,
        goes_on: impl Fn(&StoppedEventBody) -> bool,
        motion: &Value,
    ) -> Done {
        let times = count(times)?;
        let mut stopped = None;
        for _ in 0..times {
            let here = self.go(command, motion.clone())?;
            let is_last = !goes_on(&here);
            stopped = Some(here);
            if is_last {
                break;
            }
        }
        if let Some(stopped) = stopped {
            self.arrive(&stopped)?;
        }
        Ok(Next::Continue)
    }
}
