//! `rr-dap trace messages`: what recordings said to each other.

use super::listened::{Listened, Recordings};
use crate::cli::terminal::{self, on_one_line};
use crate::debuggee::system::Found;
use crate::system::message::{EndId, Message, OtherEnd, Site};
use crate::system::words;
use clap::Args;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::process::ExitCode;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  rr-dap trace messages client.rrtrace server.rrtrace\n  rr-dap trace messages shop.recordings\n  rr-dap trace messages shop.rrsystem --json | jq 'select(.evidence == \"order\")'"
)]
pub(in crate::cli) struct Messages {
    /// Only what has this in its line.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Print one JSON object to a line: a `message`, or a `conversation` whose other end is not
    /// in these recordings or not told apart, or a `contradiction`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    recordings: Recordings,
}

impl Messages {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let Listened { names, heard, .. } = self.recordings.listen()?;
        let found = Found::of(names, heard);
        if found.says_nothing() && found.alone().next().is_none() && !self.json {
            terminal::tell("rr-dap: these recordings said nothing to each other");
        }
        let mut out = io::BufWriter::new(terminal::listing(self.json));
        let told = self.tell(&found, &mut out);
        told.and_then(|()| out.flush())?;
        Ok(ExitCode::SUCCESS)
    }

    fn tell(&self, found: &Found, out: &mut impl Write) -> io::Result<()> {
        let is_meant = |line: &str| {
            let filter = self.filter.as_deref();
            filter.is_none_or(|filter| line.contains(filter))
        };
        for message in found.in_order() {
            let line = found.line(message);
            if is_meant(&line) {
                match self.json {
                    true => writeln!(out, "{}", message_json(found, message))?,
                    false => writeln!(out, "{}", on_one_line(&line))?,
                }
            }
        }
        for (id, end, other) in found.alone() {
            let line = found.line_alone(id, end, other);
            if is_meant(&line) {
                match self.json {
                    true => writeln!(out, "{}", conversation_json(found, id, other))?,
                    false => writeln!(out, "{}", on_one_line(&line))?,
                }
            }
        }
        for (message, cycle) in found.contradictions() {
            let line = found.line_against(message, &cycle);
            match self.json {
                true => {
                    let cycle: Vec<Value> =
                        cycle.iter().map(|of| message_json(found, of)).collect();
                    let object = json!({
                        "kind": "contradiction",
                        "message": message_json(found, message),
                        "cycle": cycle,
                    });
                    writeln!(out, "{object}")?;
                }
                false => writeln!(out, "{}", on_one_line(&line))?,
            }
        }
        Ok(())
    }
}

fn site_json(found: &Found, site: &Site) -> Value {
    json!({
        "node": found.name(site.end.node),
        "event": site.event,
        "events": site.place.events,
        "inCall": site.place.in_call,
        "conversation": site.end.end,
    })
}

fn message_json(found: &Found, message: &Message) -> Value {
    json!({
        "kind": "message",
        "from": site_json(found, &message.from),
        "to": site_json(found, &message.to),
        "what": message.what,
        "said": found.said(message),
        "offset": message.offset,
        "bytes": message.length,
        "evidence": message.evidence,
        "tookNs": message.took.map(|took| took.nanos),
    })
}

fn conversation_json(found: &Found, id: EndId, other: &OtherEnd) -> Value {
    let end = found.end(id);
    let candidates: &[EndId] = match other {
        OtherEnd::Ambiguous(candidates) => candidates,
        _ => &[],
    };
    let candidate = |of: &EndId| json!({"node": found.name(of.node), "conversation": of.end});
    json!({
        "kind": "conversation",
        "node": found.name(id.node),
        "conversation": id.end,
        "how": end.map(|end| end.kind),
        "about": end.map(words::end),
        "event": end.map(|end| end.began.events),
        "other": match other {
            OtherEnd::Ambiguous(_) => "ambiguous",
            _ => "outside",
        },
        "candidates": candidates.iter().map(candidate).collect::<Vec<_>>(),
    })
}
