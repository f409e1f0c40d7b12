//! Commands that move, forward and back.

use super::breakpoints::Lifetime;
use super::places;
use super::prompt::{Done, Next, Prompt};
use crate::dap::protocol::{StoppedEventBody, StoppedEventReason};
use anyhow::Context;
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

pub(super) fn resume(prompt: &mut Prompt, arguments: &str) -> Done {
    let motion = json!({ "threadId": 1 });
    prompt.often(arguments, "continue", is_breakpoint, &motion)
}

pub(super) fn reverse_continue(prompt: &mut Prompt, arguments: &str) -> Done {
    let motion = json!({ "threadId": 1 });
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
    prompt.step_out("forward")
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
        return next(prompt, "");
    }
    let wanted = places::parse(prompt, arguments)?;
    let number = prompt.add_breakpoint(wanted, Lifetime::OneMotion)?;
    let went = prompt.go("continue", json!({ "threadId": 1 }));
    prompt.forget_breakpoint(number)?;
    prompt.arrive(&went?)?;
    Ok(Next::Continue)
}

/// Whether a run that stopped for this reason is one of several that were asked for.
fn is_breakpoint(reason: &StoppedEventReason) -> bool {
    matches!(
        reason,
        StoppedEventReason::Breakpoint
            | StoppedEventReason::FunctionBreakpoint
            | StoppedEventReason::InstructionBreakpoint
            | StoppedEventReason::DataBreakpoint
    )
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
        text => text.parse().with_context(|| {
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
        Ok(self.client.go(command, arguments)?)
    }

    fn step(&mut self, times: &str, step: &StepAsked) -> Done {
        let motion = json!({ "direction": step.direction, "unit": step.unit, "kind": step.kind });
        let is_step = |reason: &_| matches!(reason, StoppedEventReason::Step);
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
        goes_on: impl Fn(&StoppedEventReason) -> bool,
        motion: &Value,
    ) -> Done {
        let times = count(times)?;
        let mut stopped = None;
        for _ in 0..times {
            let here = self.go(command, motion.clone())?;
            let is_last = !goes_on(&here.reason);
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
