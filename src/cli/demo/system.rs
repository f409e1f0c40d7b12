//! The tour of a system: a service that failed, followed back into its client, where the cause is.
//! Whatever is said about the runs comes out of answers.

use super::page::{Around, Page};
use super::{COMPILED_IN, Printed};
use crate::dap::client::Client;
use crate::dap::protocol::StackFrame;
use anyhow::Context;
use serde_json::json;
use std::cell::RefCell;
use std::io::Write;
use std::path::Path;

/// The recording of the service and its source, and those of the client.
pub(super) const SERVICE: &str = "stock.rrtrace";
const SERVICE_SOURCE: (&str, &str) = ("stock.c", include_str!("../../../fixtures/stock.c"));
const CLIENT: &str = "till.rrtrace";
const CLIENT_SOURCE: (&str, &str) = ("till.c", include_str!("../../../fixtures/till.c"));
/// The names of the files that a session needs, and what is in them.
pub(super) const FILES: [(&str, &[u8]); 5] = [
    (
        SERVICE,
        include_bytes!("../../../fixtures/recordings/stock.rrtrace").as_slice(),
    ),
    (
        CLIENT,
        include_bytes!("../../../fixtures/recordings/till.rrtrace").as_slice(),
    ),
    (SERVICE_SOURCE.0, SERVICE_SOURCE.1.as_bytes()),
    (CLIENT_SOURCE.0, CLIENT_SOURCE.1.as_bytes()),
    (
        "shop.rrsystem",
        include_bytes!("../../../fixtures/shop.rrsystem").as_slice(),
    ),
];

pub(super) struct SystemTour<'a, W> {
    client: &'a mut Client,
    printed: &'a RefCell<Printed>,
    page: Page<W>,
    directory: &'a Path,
}

/// A value of the service's that is wrong, and where it is in the report that came.
struct Wrong {
    pieces: String,
    /// The byte of the report that is looked at, as an expression.
    byte: String,
}

impl<'a, W: Write> SystemTour<'a, W> {
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
        self.page
            .title("rr-dap demo system: a service that fails, and its client")?;
        for line in [
            "stock knows how many pieces of everything there are; till has told it over HTTP what was",
            "sold, rice=120 salt=3 corn=15, and each was recorded on its own. Lines after > are typed",
            "into the debug console, or asked for by an editor.",
        ] {
            self.page.say(line)?;
        }
        let wrong = self.failure()?;
        let hostcall = self.came_from(&wrong)?;
        self.follow(&hostcall)?;
        let position = self.origin_in_client(&wrong)?;
        self.cause(&position)?;
        self.page.step("Your turn")?;
        for (command, about) in next_steps {
            self.page.answer(&format!("{command:58} {about}"))?;
        }
        Ok(())
    }

    fn failure(&mut self) -> anyhow::Result<Wrong> {
        self.page.step("Open both, where the service ended")?;
        self.page
            .request(&format!("launch {SERVICE} {CLIENT}, stopAt: end"))?;
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
                "traces": [self.directory.join(SERVICE), self.directory.join(CLIENT)],
                "sourceMap": { COMPILED_IN: self.directory },
                "stopAt": "end",
            }),
        )?;
        self.client.event("initialized")?;
        self.client.tell("configurationDone", json!({}))?;
        let stopped = self.client.stopped()?;
        self.page.failure(&stopped.told())?;
        let frames = self.own_frames(&SERVICE_SOURCE)?;
        let (check, book) = match frames.as_slice() {
            [check, book, ..] => (check.clone(), book.clone()),
            _ => anyhow::bail!("the service's stack has no frames of its source"),
        };
        self.source(&check, &SERVICE_SOURCE, Around::Some)?;
        self.evaluate("*shelf", &check)?;
        // What was printed may be heard a little later than the stop.
        let printed = self.printed.borrow().stderr.clone();
        for line in printed.lines() {
            self.page.answer(&format!("| {line}"))?;
        }
        self.page.request("up")?;
        self.source(&book, &SERVICE_SOURCE, Around::None)?;
        self.evaluate("sale", &book)?;
        let report = self.evaluate("report", &book)?;
        let pieces = self.client.evaluate("sale.pieces", &book)?.result;
        let item = self.client.evaluate("sale.item", &book)?.result;
        let byte = second_digit(&report, &item, &pieces)
            .with_context(|| format!("{pieces} pieces of {item} are not in {report}"))?;
        Ok(Wrong {
            pieces,
            byte: format!("report[{byte}]"),
        })
    }

    /// Asks where the byte came from; answers the hostcall that brought it.
    fn came_from(&mut self, wrong: &Wrong) -> anyhow::Result<String> {
        let Wrong { pieces, byte } = wrong;
        self.page.step(&format!(
            "Three were sold, and the report says {pieces}: where is its second digit from?"
        ))?;
        let frames = self.own_frames(&SERVICE_SOURCE)?;
        let book = frames.get(1).context("there is no caller")?.clone();
        let told = self.ask(&format!("origin {byte}"), &book)?;
        let (_, rest) = told
            .split_once("of hostcall ")
            .with_context(|| format!("no hostcall has brought it: {told}"))?;
        let digits = rest.find(|c: char| !c.is_ascii_digit());
        Ok(rest
            .get(..digits.unwrap_or(rest.len()))
            .unwrap_or(rest)
            .to_owned())
    }

    /// Goes to who sent that.
    fn follow(&mut self, hostcall: &str) -> anyhow::Result<()> {
        self.page
            .step("Follow what it read, back to where it was sent")?;
        self.travel(&format!("seek {hostcall}"))?;
        self.travel("follow back")?;
        let frame = self.own_frame(&CLIENT_SOURCE)?;
        self.source(&frame, &CLIENT_SOURCE, Around::None)?;
        Ok(())
    }

    /// Asks the same in the client; answers the moment at which the byte was made.
    fn origin_in_client(&mut self, wrong: &Wrong) -> anyhow::Result<String> {
        self.page.step("Ask the same there")?;
        let frame = self.own_frame(&CLIENT_SOURCE)?;
        let told = self.ask(&format!("origin {}", wrong.byte), &frame)?;
        // Where it was stored first, and so the last of the chain.
        let stored = told.lines().rfind(|line| line.contains("stored to"));
        let position = stored.and_then(|line| {
            let (_, rest) = line.rsplit_once('(')?;
            rest.split_whitespace().next()
        });
        let position = position.with_context(|| format!("nothing has stored it: {told}"))?;
        Ok(position.to_owned())
    }

    fn cause(&mut self, position: &str) -> anyhow::Result<()> {
        self.page.step("Go there: the cause")?;
        self.travel(&format!("seek {position}"))?;
        let frames = self.own_frames(&CLIENT_SOURCE)?;
        let (writes, calls) = match frames.as_slice() {
            [writes, calls, ..] => (writes.clone(), calls.clone()),
            _ => anyhow::bail!("the client's stack has no frames of its source"),
        };
        self.source(&writes, &CLIENT_SOURCE, Around::Some)?;
        let pieces = self.evaluate("pieces", &writes)?;
        self.page.request("up")?;
        let sale = self.evaluate("sales[i]", &calls)?;
        let sale = sale.split('"').nth(1).unwrap_or(&sale);
        self.page.answer(&format!(
            "The digit is one of {pieces}: of {sale}, which was written into the same line before."
        ))?;
        self.page.answer(
            "Nothing clears the field, so a shorter number keeps the end of a longer one.",
        )?;
        Ok(())
    }

    /// Types a command that answers.
    fn ask(&mut self, line: &str, frame: &StackFrame) -> anyhow::Result<String> {
        self.page.request(line)?;
        let told = self
            .client
            .console(&format!("rr {line}"), Some(frame))?
            .result;
        self.page.answer(&told)?;
        Ok(told)
    }

    /// Types a command that moves.
    fn travel(&mut self, line: &str) -> anyhow::Result<()> {
        self.page.request(line)?;
        self.client.console(&format!("rr {line}"), None)?;
        let stopped = self.client.stopped()?;
        match stopped.has_failed() {
            true => anyhow::bail!("`{line}` led nowhere: {}", stopped.told()),
            false => Ok(()),
        }
    }

    fn evaluate(&mut self, expression: &str, frame: &StackFrame) -> anyhow::Result<String> {
        self.page.request(&format!("evaluate {expression}"))?;
        let answer = self.client.evaluate(expression, frame)?;
        self.page.value(expression, &answer.result)?;
        Ok(answer.result)
    }

    /// The frames in a source, innermost first.
    fn own_frames(&mut self, source: &(&str, &str)) -> anyhow::Result<Vec<StackFrame>> {
        let path = self.directory.join(source.0);
        let mut frames = self.client.stack()?;
        frames.retain(|frame| frame.path().map(Path::new) == Some(&path));
        Ok(frames)
    }

    fn own_frame(&mut self, source: &(&str, &str)) -> anyhow::Result<StackFrame> {
        let frames = self.own_frames(source)?;
        let frame = frames.into_iter().next();
        frame.with_context(|| format!("no frame of the stack is in {}", source.0))
    }

    fn source(
        &mut self,
        frame: &StackFrame,
        source: &(&str, &str),
        around: Around,
    ) -> anyhow::Result<()> {
        let line = usize::try_from(frame.line)?;
        self.page
            .answer(&format!("{} at {}:{line}", frame.name, source.0))?;
        self.page.source(source.1, line, around)?;
        Ok(())
    }
}

/// Where in a report, as it is shown, the second digit of these pieces of an item is.
fn second_digit(report: &str, item: &str, pieces: &str) -> Option<usize> {
    let quoted = |shown: &str| Some(shown.split_once('"')?.1.rsplit_once('"')?.0.to_owned());
    let text = quoted(report)?.replace("\\n", "\n");
    let item = quoted(item).unwrap_or_else(|| item.to_owned());
    let line = text.find(&item)?;
    let digits = text.get(line..)?.find(pieces)?;
    Some(line + digits + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digit_is_found_in_what_is_shown() {
        let report = "0xe20 \"rice    120 \\nsalt    320 \\n\"";
        let at = second_digit(report, "\"salt\"", "320");
        assert_eq!(at, Some(22));
        assert_eq!(second_digit(report, "\"corn\"", "320"), None);
    }
}
