//! Breakpoints that outlive the session: they lie beside the recording.

use super::breakpoints::{Breakpoint, Lifetime};
use super::catching;
use super::places::{Spot, Wanted};
use super::prompt::Prompt;
use crate::dap::protocol::Source;
use crate::debuggee::kept;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::PathBuf;

/// Where breakpoints are kept, and those that are there.
#[derive(Debug)]
pub(super) struct Shelf {
    /// Of the recording beside which they lie.
    recording: PathBuf,
    there: Vec<Value>,
}

/// A breakpoint as it is written.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    at: At,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    condition: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hits: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    log: Option<String>,
    #[serde(default)]
    disabled: bool,
    /// How many hits are still to be passed. The commands of a breakpoint are not kept: what
    /// lies beside a recording may come from anywhere, and they are run.
    #[serde(default, skip_serializing_if = "is_none")]
    ignored: usize,
}

// What serde asks takes a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_none(count: &usize) -> bool {
    *count == 0
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum At {
    Line {
        source: Source,
        line: usize,
    },
    Function(String),
    Instruction(String),
    Event(String),
    Data {
        id: String,
        expression: String,
        #[serde(default)]
        all: bool,
    },
}

impl Kept {
    fn of(breakpoint: &Breakpoint) -> Kept {
        let at = match breakpoint.wanted.spot.clone() {
            Spot::Line { source, line } => At::Line {
                source: Source {
                    // A number of this session's.
                    source_reference: None,
                    ..source
                },
                line,
            },
            Spot::Function(name) => At::Function(name),
            Spot::Instruction(address) => At::Instruction(address),
            Spot::Event { filter, .. } => At::Event(filter.to_owned()),
            Spot::Data {
                id,
                expression,
                all,
            } => At::Data {
                id,
                expression,
                all,
            },
        };
        Kept {
            at,
            condition: breakpoint.wanted.condition.clone(),
            hits: breakpoint.hits.clone(),
            log: breakpoint.log.clone(),
            disabled: !breakpoint.is_enabled,
            ignored: breakpoint.passes,
        }
    }

    fn spot(&self) -> Option<Spot> {
        Some(match &self.at {
            At::Line { source, line } => Spot::Line {
                source: source.clone(),
                line: *line,
            },
            At::Function(name) => Spot::Function(name.clone()),
            At::Instruction(address) => Spot::Instruction(address.clone()),
            At::Event(filter) => catching::with_filter(filter)?.spot(),
            At::Data {
                id,
                expression,
                all,
            } => Spot::Data {
                id: id.clone(),
                expression: expression.clone(),
                all: *all,
            },
        })
    }
}

impl Prompt {
    /// Sets the breakpoints of earlier sessions with a recording, and keeps those of this one.
    pub(super) fn take_kept(&mut self, recording: PathBuf) -> anyhow::Result<()> {
        let there = kept::breakpoints(&recording);
        let mut taken = 0;
        for value in &there {
            let Ok(kept) = Kept::deserialize(value) else {
                continue;
            };
            let Some(spot) = kept.spot() else { continue };
            let wanted = Wanted {
                spot,
                condition: kept.condition.clone(),
            };
            // What does not fit a recording made anew is not set.
            let Ok(number) = self.add_breakpoint(wanted, Lifetime::Kept) else {
                continue;
            };
            self.refine(number, |breakpoint| {
                breakpoint.hits = kept.hits;
                breakpoint.log = kept.log;
                breakpoint.is_enabled = !kept.disabled;
                breakpoint.passes = kept.ignored;
            })?;
            taken += 1;
        }
        self.shelf = Some(Shelf { recording, there });
        match taken {
            0 => Ok(()),
            1 => Ok(self.say("1 breakpoint of an earlier session: `info breakpoints`")?),
            _ => Ok(self.say(&format!(
                "{taken} breakpoints of an earlier session: `info breakpoints`"
            ))?),
        }
    }

    /// Has the next session know the breakpoints, if they have changed. A directory that
    /// cannot be written is no reason for a message.
    pub(super) fn keep_breakpoints(&mut self) {
        let lasting = self.breakpoints.lasting();
        let kept: Vec<Value> = lasting
            .filter_map(|breakpoint| serde_json::to_value(Kept::of(breakpoint)).ok())
            .collect();
        if let Some(shelf) = &mut self.shelf
            && shelf.there != kept
        {
            if let Err(error) = kept::keep_breakpoints(&shelf.recording, kept.clone()) {
                tracing::debug!("breakpoints are not kept: {error}");
            }
            shelf.there = kept;
        }
    }
}
