//! The steps of the tour: what a person would do in an editor. Narration says what
//! is done and why; whatever is said about the run comes out of answers.

use super::page::{Around, Page};
use super::{COMPILED_IN, PROGRAM, Printed, RECORDING, SOURCE};
use crate::dap::client::{Client, Purpose};
use crate::dap::protocol::{
    Breakpoint, EvaluateResponse, SetBreakpointsResponse, StackFrame, StoppedEventBody,
    StoppedEventReason,
};
use crate::source::source_text;
use anyhow::{Context, bail};
use serde_json::json;
use std::cell::RefCell;
use std::io::Write;
use std::path::Path;

/// More steps than any walk here takes: one that takes more is lost.
const MOST_STEPS: usize = 64;

/// Whether a stop for this reason is where a command was to lead.
fn has_arrived(reason: &StoppedEventReason) -> bool {
    match reason {
        StoppedEventReason::Step | StoppedEventReason::Goto => true,
        StoppedEventReason::String(other) => other == "hostcall",
        _ => false,
    }
}

/// Places in the program, by what is written there.
mod places {
    pub(super) const PAID: &str = "to->balance += transfer->amount;";
    pub(super) const PARSED: &str = "transfer->amount = strtol(";
    pub(super) const DECLARED: &str = "int16_t amount;";
}

/// What was read, and what became of it.
struct Parsed {
    text: String,
    kept: String,
    kept_in: String,
}

pub(super) struct Tour<'a, W> {
    client: &'a mut Client,
    printed: &'a RefCell<Printed>,
    page: Page<W>,
    directory: &'a Path,
}

impl<'a, W: Write> Tour<'a, W> {
    pub(super) fn new(
        client: &'a mut Client,
        printed: &'a RefCell<Printed>,
        page: Page<W>,
        directory: &'a Path,
    ) -> Self {
        Self {
            client,
            printed,
            page,
            directory,
        }
    }

    /// The whole of it.
    pub(super) fn walk(mut self, next_steps: &[(String, &str)]) -> anyhow::Result<()> {
        self.page.title("rr-dap demo: a program that fails")?;
        self.page
            .say("ledger, written in C and built as a WebAssembly component, reads transfers of")?;
        self.page
            .say("money from a file and checks the books at the end. Lines after > are what the")?;
        self.page
            .say("debug adapter is asked for, as an editor would; what follows is its answer.")?;
        self.failure()?;
        self.transfers()?;
        let parsed = self.parse()?;
        self.text(&parsed.text)?;
        self.cause(&parsed)?;
        self.next(next_steps)
    }

    fn failure(&mut self) -> anyhow::Result<()> {
        self.page.step("Record a run, and stop where it ends")?;
        let stopped = self.launch()?;
        let printed = self.printed.borrow();
        let printed = format!("{}{}", printed.stdout, printed.stderr);
        let tail = printed.lines().count().saturating_sub(3);
        for line in printed.lines().skip(tail) {
            self.page.answer(&format!("| {line}"))?;
        }
        self.page.failure(&stopped.told())?;
        self.page.request("stackTrace, scopes, variables")?;
        let frames = self.own_frames()?;
        for (depth, frame) in frames.iter().enumerate() {
            let place = format!("#{depth} {} at {}:{}", frame.name, SOURCE.0, frame.line);
            self.page.answer(&place)?;
        }
        let frame = frames.first().context(
            "no frame of the stack has the program's source: its debug information was not found",
        )?;
        self.source(frame, Around::Some)?;
        self.locals(frame)?;
        self.evaluate("*account", frame)?;
        Ok(())
    }

    fn launch(&mut self) -> anyhow::Result<StoppedEventBody> {
        let directory = self.directory.to_string_lossy();
        self.page
            .request(&format!("launch {}, stopAt: end", PROGRAM.0))?;
        self.client.tell(
            "initialize",
            json!({
                "adapterID": "rr-dap", "clientID": "rr-dap demo", "pathFormat": "path",
                "linesStartAt1": true, "columnsStartAt1": true, "supportsVariableType": true,
            }),
        )?;
        self.client.tell(
            "launch",
            json!({
                "program": self.directory.join(PROGRAM.0),
                "dirs": [format!("{directory}::/work")],
                "sourceMap": { COMPILED_IN: directory },
                "recordTo": self.directory.join(RECORDING),
                "stopAt": "end",
            }),
        )?;
        self.client.event("initialized")?;
        self.client.tell("configurationDone", json!({}))?;
        Ok(self.client.stopped()?)
    }

    /// Back through all payments, to one that cannot be right: its amount.
    fn transfers(&mut self) -> anyhow::Result<()> {
        self.page
            .step("Go back through the payments, the last one first, to one that looks wrong")?;
        let line = self.breakpoint(places::PAID)?;
        self.page.request(&format!(
            "setBreakpoints {}:{line}  {}",
            SOURCE.0,
            places::PAID
        ))?;
        self.page
            .request("reverseContinue, evaluate (again and again)")?;
        for _ in 0..MOST_STEPS {
            let stopped = self
                .client
                .go("reverseContinue", json!({ "threadId": 1 }))?;
            if stopped.reason != StoppedEventReason::Breakpoint {
                bail!(
                    "no payment looks wrong, and there is nothing before: {}",
                    stopped.told()
                );
            }
            let frame = self.top()?;
            let transfer = self.client.evaluate("*transfer", &frame)?.result;
            let amount = self.client.evaluate("transfer->amount", &frame)?.result;
            let balance = self.client.evaluate("to->balance", &frame)?.result;
            let event = self.event()?;
            let row = format!("{event:9} {transfer:45} to->balance {balance}");
            if amount.starts_with('-') {
                self.page.failure(&row)?;
                return Ok(());
            }
            self.page.answer(&row)?;
        }
        bail!("no payment looked wrong in {MOST_STEPS} stops")
    }

    /// Back to where that amount was made of text.
    fn parse(&mut self) -> anyhow::Result<Parsed> {
        self.page.step("Step back to where that amount came from")?;
        let line = line_of(places::PARSED)?;
        self.clear_breakpoints()?;
        self.console_motion("rr back out", "to where this function was called")?;
        let caller = self.top()?;
        self.source(&caller, Around::None)?;
        self.console_motion("rr back in", "into the call that returned last")?;
        let mut steps = 0;
        let frame = loop {
            let frame = self.top()?;
            if frame.line == line && self.is_own(&frame) {
                break frame;
            }
            let stopped = self.client.go("stepBack", json!({ "threadId": 1 }))?;
            steps += 1;
            if stopped.reason != StoppedEventReason::Step || steps == MOST_STEPS {
                bail!(
                    "{steps} steps back did not lead to line {line}: {}",
                    stopped.told()
                );
            }
        };
        if steps > 0 {
            self.page.request(&format!("stepBack ({steps}x)"))?;
        }
        self.source(&frame, Around::None)?;
        let text = self.evaluate("amount", &frame)?.result;
        self.evaluate("transfer->amount", &frame)?;
        self.page.request("next")?;
        self.client.go("next", json!({ "threadId": 1 }))?;
        let after = self.top()?;
        let kept = self.evaluate("transfer->amount", &after)?;
        self.page.request("stepBack")?;
        self.client.go("stepBack", json!({ "threadId": 1 }))?;
        let text = quoted(&text).with_context(|| format!("`amount` shows no text: {text}"))?;
        Ok(Parsed {
            text: text.to_owned(),
            kept: kept.result,
            kept_in: kept.type_field.unwrap_or_default(),
        })
    }

    /// Back to the call that brought the text.
    fn text(&mut self, digits: &str) -> anyhow::Result<()> {
        self.page
            .step("Go back to the hostcall that read that text")?;
        for _ in 0..MOST_STEPS {
            self.console_motion("rr hostcall prev", "to the call out before this moment")?;
            let frame = self.top()?;
            self.page.answer(&frame.name)?;
            if self.hostcall(&frame, digits)? {
                let place = self.client.console("rr where", None)?.result;
                self.page.request("rr where")?;
                self.page.answer(&place)?;
                return self.handles();
            }
        }
        bail!("no hostcall answered {digits:?}")
    }

    /// Shows a hostcall, and tells whether it answered this text.
    fn hostcall(&mut self, frame: &StackFrame, text: &str) -> anyhow::Result<bool> {
        let mut is_found = false;
        for scope in self.client.scopes(frame)? {
            let what = match scope.purpose() {
                Purpose::Arguments => "argument",
                Purpose::Result => "result",
                Purpose::Locals | Purpose::Other => continue,
            };
            for variable in self.client.inside(&scope)? {
                is_found |= scope.purpose() == Purpose::Result && variable.value.contains(text);
                let name = match variable.name == what {
                    true => what.to_owned(),
                    false => format!("{what} {}", variable.name),
                };
                self.page.value(&name, &variable.value)?;
            }
        }
        Ok(is_found)
    }

    fn cause(&mut self, parsed: &Parsed) -> anyhow::Result<()> {
        let Parsed {
            text,
            kept,
            kept_in,
        } = parsed;
        self.page.step("The cause")?;
        let line = usize::try_from(line_of(places::DECLARED)?)?;
        self.page.source(SOURCE.1, line, Around::None)?;
        self.page.answer(&format!(
            "The file says {text}. The {kept_in} it is stored in made {kept} of that."
        ))?;
        Ok(())
    }

    fn next(&mut self, steps: &[(String, &str)]) -> anyhow::Result<()> {
        self.page.step("Your turn")?;
        for (command, about) in steps {
            self.page.answer(&format!("{command:62} {about}"))?;
        }
        self.page.answer(
            "The README tells how Visual Studio Code, Neovim and other editors start rr-dap.",
        )?;
        Ok(())
    }

    /// Sets a breakpoint where this is written, and tells the line.
    fn breakpoint(&mut self, written: &str) -> anyhow::Result<i64> {
        let line = line_of(written)?;
        let set: SetBreakpointsResponse = self.client.ask(
            "setBreakpoints",
            json!({
                "source": { "path": self.directory.join(SOURCE.0) },
                "breakpoints": [{ "line": line }],
            }),
        )?;
        match set.breakpoints.as_slice() {
            [Breakpoint { verified: true, .. }] => Ok(line),
            [Breakpoint { message, .. }] => bail!(
                "the breakpoint at line {line} was not set: {}",
                message.as_deref().unwrap_or("no reason was given")
            ),
            _ => bail!("the breakpoint at line {line} was not answered"),
        }
    }

    fn clear_breakpoints(&mut self) -> anyhow::Result<()> {
        self.client.tell(
            "setBreakpoints",
            json!({ "source": { "path": self.directory.join(SOURCE.0) }, "breakpoints": [] }),
        )?;
        Ok(())
    }

    /// Types a command that moves.
    fn console_motion(&mut self, line: &str, about: &str) -> anyhow::Result<()> {
        self.page.request(&format!("{line:18} # {about}"))?;
        self.client.console(line, None)?;
        let stopped = self.client.stopped()?;
        if !has_arrived(&stopped.reason) {
            bail!("`{line}` led elsewhere: {}", stopped.told());
        }
        Ok(())
    }

    /// What `rr where` says first: the event.
    fn event(&mut self) -> anyhow::Result<String> {
        let place = self.client.console("rr where", None)?.result;
        let event = place.split(" of ").next().unwrap_or(&place);
        Ok(event.to_owned())
    }

    /// What the guest's handles stand for at this moment.
    fn handles(&mut self) -> anyhow::Result<()> {
        self.page.request("rr handles")?;
        let tables = self.client.console("rr handles", None)?;
        for table in self.client.inside(&tables)? {
            self.page.value(&table.name, &table.value)?;
            for entry in self.client.inside(&table)? {
                let name = format!("  {}", entry.name);
                self.page.value(&name, &entry.value)?;
            }
        }
        Ok(())
    }

    fn evaluate(
        &mut self,
        expression: &str,
        frame: &StackFrame,
    ) -> anyhow::Result<EvaluateResponse> {
        self.page.request(&format!("evaluate {expression}"))?;
        let answer = self.client.evaluate(expression, frame)?;
        let name = match &answer.type_field {
            Some(name) => format!("({name}) {expression}"),
            None => expression.to_owned(),
        };
        self.page.value(&name, &answer.result)?;
        Ok(answer)
    }

    fn locals(&mut self, frame: &StackFrame) -> anyhow::Result<()> {
        for scope in self.client.scopes(frame)? {
            if !matches!(scope.purpose(), Purpose::Arguments | Purpose::Locals) {
                continue;
            }
            for variable in self.client.inside(&scope)? {
                self.page.value(&variable.name, &variable.value)?;
            }
        }
        Ok(())
    }

    fn top(&mut self) -> anyhow::Result<StackFrame> {
        let frames = self.client.stack()?;
        frames.into_iter().next().context("the stack is empty")
    }

    /// The frames in the program's own source, innermost first.
    fn own_frames(&mut self) -> anyhow::Result<Vec<StackFrame>> {
        let mut frames = self.client.stack()?;
        frames.retain(|frame| self.is_own(frame));
        Ok(frames)
    }

    fn is_own(&self, frame: &StackFrame) -> bool {
        frame.path().map(Path::new) == Some(&self.directory.join(SOURCE.0))
    }

    /// Shows where a frame is, from the file that the server names.
    fn source(&mut self, frame: &StackFrame, around: Around) -> anyhow::Result<()> {
        let path = frame
            .path()
            .with_context(|| format!("{} has no source", frame.name))?;
        let text = source_text(Path::new(path))
            .with_context(|| format!("the source {path} cannot be read"))?;
        let line = usize::try_from(frame.line)?;
        self.page.source(&text, line, around)?;
        Ok(())
    }
}

/// The line of the source in which this is written, the first being 1.
fn line_of(written: &str) -> anyhow::Result<i64> {
    let index = SOURCE.1.lines().position(|line| line.contains(written));
    let index = index.with_context(|| format!("`{written}` is not written in {}", SOURCE.0))?;
    Ok(i64::try_from(index)? + 1)
}

/// What stands between quotation marks.
fn quoted(shown: &str) -> Option<&str> {
    let (_, rest) = shown.split_once('"')?;
    let (text, _) = rest.rsplit_once('"')?;
    Some(text)
}
