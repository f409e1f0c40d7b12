//! Breakpoints: the list of them, and how the server is told.

use super::catching;
use super::places::{self, Spot, Wanted};
use super::prompt::Prompt;
use crate::dap::client::Client;
use crate::dap::protocol::{Source, StoppedEventBody};
use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::{Value, json};

/// How long a breakpoint is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lifetime {
    Kept,
    /// Until it has stopped the program.
    OneStop,
    /// Until the program stops; the prompt's own.
    OneMotion,
}

#[derive(Debug)]
pub(super) struct Breakpoint {
    pub(super) number: usize,
    pub(super) wanted: Wanted,
    pub(super) hits: Option<String>,
    pub(super) log: Option<String>,
    pub(super) is_enabled: bool,
    pub(super) lifetime: Lifetime,
    /// What is run when it has stopped the program.
    pub(super) commands: Vec<String>,
    /// How often it has, in this session.
    pub(super) stops: usize,
    /// How often runs are to pass it before it stops the program again.
    pub(super) passes: usize,
    /// What became of it when the server was last told.
    answer: Answer,
}

/// What stopped the program.
pub(super) struct Hit {
    /// Which breakpoints, if any did.
    pub(super) told: Option<String>,
    /// What is to be run now.
    pub(super) commands: Vec<String>,
}

/// What the server says of a breakpoint.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Answer {
    id: Option<i64>,
    verified: bool,
    message: Option<String>,
    line: Option<usize>,
    source: Option<Source>,
    #[serde(rename = "instructionReference")]
    instruction: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Breakpoints {
    pub(super) list: Vec<Breakpoint>,
    last: usize,
}

impl Breakpoint {
    fn place(&self) -> String {
        match &self.wanted.spot {
            Spot::Line { source, line } => {
                format!(
                    "{}:{}",
                    places::name(source),
                    self.answer.line.unwrap_or(*line)
                )
            }
            Spot::Function(name) => self.answer.message.as_ref().unwrap_or(name).clone(),
            Spot::Instruction(address) => format!("*{address}"),
            Spot::Event { title, .. } => (*title).to_owned(),
            Spot::Data {
                expression, all, ..
            } => match all {
                true => format!("all writes of {expression}"),
                false => expression.clone(),
            },
        }
    }

    fn kind(&self) -> &'static str {
        match self.wanted.spot {
            Spot::Event { .. } => "Catchpoint",
            Spot::Data { .. } => "Watchpoint",
            _ => "Breakpoint",
        }
    }

    /// `Breakpoint 1 at ledger.c:44 if x == 3`
    pub(super) fn told(&self) -> String {
        let at = match self.wanted.spot {
            Spot::Event { .. } | Spot::Data { .. } => "",
            Spot::Function(_) if self.answer.message.is_some() => "",
            _ => "at ",
        };
        format!(
            "{} {}: {at}{}{}",
            self.kind(),
            self.number,
            self.place(),
            self.narrowed()
        )
    }

    fn narrowed(&self) -> String {
        let mut told = String::new();
        if let Some(condition) = &self.wanted.condition {
            let word = match self.wanted.spot {
                Spot::Event { .. } => "",
                _ => "if ",
            };
            told.push_str(&format!(" {word}{condition}"));
        }
        if let Some(hits) = &self.hits {
            told.push_str(&format!(", at hits {hits}"));
        }
        match self.passes {
            0 => {}
            1 => told.push_str(", ignored at the next hit"),
            more => told.push_str(&format!(", ignored at the next {more} hits")),
        }
        if let Some(log) = &self.log {
            told.push_str(&format!(", logs {log:?}"));
        }
        // That there are several places; a function's message is its place.
        let is_line = matches!(self.wanted.spot, Spot::Line { .. });
        let message = self.answer.message.as_ref();
        if let Some(message) = message.filter(|_| is_line && self.answer.verified) {
            told.push_str(&format!(", {message}"));
        }
        told
    }

    /// The commands that set it again.
    fn as_commands(&self) -> Vec<String> {
        let (wanted, lifetime) = (&self.wanted, self.lifetime);
        let set = match (&wanted.spot, lifetime) {
            (_, Lifetime::OneMotion) => return Vec::new(),
            (Spot::Event { filter, .. }, _) => {
                let event = catching::with_filter(filter);
                event.map_or(String::new(), |event| format!("catch {}", event.word))
            }
            (
                Spot::Data {
                    expression, all, ..
                },
                _,
            ) => match all {
                true => format!("watch --all {expression}"),
                false => format!("watch {expression}"),
            },
            (_, Lifetime::OneStop) => format!("tbreak {}", self.full_place()),
            _ => format!("break {}", self.full_place()),
        };
        let condition = wanted
            .condition
            .as_ref()
            .map(|condition| match wanted.spot {
                Spot::Event { .. } => format!(" {condition}"),
                _ => format!(" if {condition}"),
            });
        let mut lines = vec![set + &condition.unwrap_or_default()];
        lines.extend(self.hits.as_ref().map(|hits| format!("hits $bpnum {hits}")));
        lines.extend(self.log.as_ref().map(|log| format!("log $bpnum \"{log}\"")));
        if self.passes > 0 {
            lines.push(format!("ignore $bpnum {}", self.passes));
        }
        if !self.is_enabled {
            lines.push("disable $bpnum".to_owned());
        }
        if !self.commands.is_empty() {
            lines.push("commands $bpnum".to_owned());
            lines.extend(self.commands.iter().map(|line| format!("  {line}")));
            lines.push("end".to_owned());
        }
        lines
    }

    /// The place, as it means the same in every session.
    fn full_place(&self) -> String {
        match &self.wanted.spot {
            Spot::Line { source, line } => {
                let path = source.path.as_deref();
                format!("{}:{line}", path.unwrap_or(places::name(source)))
            }
            Spot::Function(name) => name.clone(),
            _ => self.place(),
        }
    }

    /// As the server is told it.
    fn request(&self) -> Value {
        let condition = &self.wanted.condition;
        match &self.wanted.spot {
            Spot::Line { line, .. } => json!({
                "line": line, "condition": condition,
                "hitCondition": self.hits, "logMessage": self.log,
            }),
            Spot::Function(name) => json!({
                "name": name, "condition": condition, "hitCondition": self.hits,
            }),
            Spot::Instruction(address) => json!({
                "instructionReference": address, "condition": condition,
                "hitCondition": self.hits,
            }),
            Spot::Event { filter, .. } => json!({ "filterId": filter, "condition": condition }),
            Spot::Data { id, all, .. } => {
                // The server's way to ask for that.
                let condition = match (all, condition) {
                    (false, condition) => condition.clone(),
                    (true, None) => Some("$all".to_owned()),
                    (true, Some(condition)) => Some(format!("$all && ({condition})")),
                };
                json!({
                    "dataId": id, "accessType": "write", "condition": condition,
                    "hitCondition": self.hits,
                })
            }
        }
    }
}

/// Whether one request tells of both.
fn are_told_together(one: &Spot, other: &Spot) -> bool {
    match (one, other) {
        (Spot::Line { source: a, .. }, Spot::Line { source: b, .. }) => a == b,
        _ => std::mem::discriminant(one) == std::mem::discriminant(other),
    }
}

impl Breakpoints {
    /// Tells the server of all breakpoints that one request with this one is for.
    fn tell(&mut self, client: &mut Client, like: &Spot) -> anyhow::Result<()> {
        #[derive(Deserialize)]
        struct Body {
            #[serde(default)]
            breakpoints: Vec<Answer>,
        }
        let mut together: Vec<&mut Breakpoint> = self
            .list
            .iter_mut()
            .filter(|breakpoint| are_told_together(&breakpoint.wanted.spot, like))
            .collect();
        for breakpoint in &mut together {
            breakpoint.answer.id = None;
        }
        together.retain(|breakpoint| breakpoint.is_enabled);
        let requests: Vec<Value> = together.iter().map(|b| b.request()).collect();
        let (command, arguments) = match like {
            Spot::Line { source, .. } => (
                "setBreakpoints",
                json!({ "source": source, "breakpoints": requests }),
            ),
            Spot::Function(_) => ("setFunctionBreakpoints", json!({ "breakpoints": requests })),
            Spot::Instruction(_) => (
                "setInstructionBreakpoints",
                json!({ "breakpoints": requests }),
            ),
            Spot::Event { .. } => (
                "setExceptionBreakpoints",
                json!({ "filters": [], "filterOptions": requests }),
            ),
            Spot::Data { .. } => ("setDataBreakpoints", json!({ "breakpoints": requests })),
        };
        let body: Body = client.ask(command, arguments)?;
        for (breakpoint, answer) in together.into_iter().zip(body.breakpoints) {
            breakpoint.answer = answer;
        }
        Ok(())
    }

    /// The number of the breakpoint that was set last, if one was.
    pub(super) fn last_number(&self) -> Option<usize> {
        (self.last > 0).then_some(self.last)
    }

    /// A line with that number where it says `$bpnum`.
    pub(super) fn with_last_number(&self, line: &str) -> String {
        line.replace("$bpnum", &self.last.to_string())
    }

    /// The commands that set all of them again.
    pub(super) fn as_commands(&self) -> Vec<String> {
        self.list.iter().flat_map(Breakpoint::as_commands).collect()
    }

    pub(super) fn find(&mut self, number: usize) -> anyhow::Result<&mut Breakpoint> {
        let found = self.list.iter_mut().find(|b| b.number == number);
        found.with_context(|| {
            format!("there is no breakpoint {number}; `info breakpoints` lists them")
        })
    }

    /// Those that stay until they are deleted.
    pub(super) fn lasting(&self) -> impl Iterator<Item = &Breakpoint> {
        let all = self.list.iter();
        all.filter(|breakpoint| breakpoint.lifetime == Lifetime::Kept)
    }

    pub(super) fn numbers(&self) -> Vec<usize> {
        self.list
            .iter()
            .map(|breakpoint| breakpoint.number)
            .collect()
    }
}

impl Prompt {
    /// A new breakpoint; one that the server does not take is not kept.
    pub(super) fn add_breakpoint(
        &mut self,
        wanted: Wanted,
        lifetime: Lifetime,
    ) -> anyhow::Result<usize> {
        let number = match lifetime {
            Lifetime::OneMotion => 0,
            Lifetime::Kept | Lifetime::OneStop => self.breakpoints.last + 1,
        };
        self.breakpoints.list.push(Breakpoint {
            number,
            wanted,
            hits: None,
            log: None,
            is_enabled: true,
            lifetime,
            commands: Vec::new(),
            stops: 0,
            passes: 0,
            answer: Answer::default(),
        });
        match self.tell_of(number) {
            Ok(()) => {
                self.breakpoints.last = self.breakpoints.last.max(number);
                Ok(number)
            }
            Err(error) => {
                self.forget_breakpoint(number)?;
                Err(error)
            }
        }
    }

    /// The first instruction that a breakpoint on a function would be at, if there is one.
    pub(super) fn instruction_of(&mut self, function: &str) -> anyhow::Result<Option<String>> {
        let wanted = Wanted {
            spot: Spot::Function(function.to_owned()),
            condition: None,
        };
        let number = self.add_breakpoint(wanted, Lifetime::OneMotion)?;
        let instruction = self.breakpoints.find(number)?.answer.instruction.clone();
        self.forget_breakpoint(number)?;
        Ok(instruction)
    }

    /// Tells the server of a breakpoint; fails if it does not take it.
    pub(super) fn tell_of(&mut self, number: usize) -> anyhow::Result<()> {
        let spot = self.breakpoints.find(number)?.wanted.spot.clone();
        self.breakpoints.tell(&mut self.client, &spot)?;
        let is_placed =
            |breakpoint: &Breakpoint| breakpoint.answer.verified || !breakpoint.is_enabled;
        if !is_placed(self.breakpoints.find(number)?) && self.look_at_all()? {
            self.breakpoints.tell(&mut self.client, &spot)?;
        }
        let breakpoint = self.breakpoints.find(number)?;
        let answer = &breakpoint.answer;
        if breakpoint.is_enabled && !answer.verified {
            let message = answer.message.as_deref();
            bail!(
                "{}",
                message.unwrap_or("the server does not take this breakpoint")
            );
        }
        Ok(())
    }

    /// Changes a breakpoint that has just been set.
    pub(super) fn refine(
        &mut self,
        number: usize,
        change: impl FnOnce(&mut Breakpoint),
    ) -> anyhow::Result<()> {
        change(self.breakpoints.find(number)?);
        self.tell_of(number)
    }

    pub(super) fn forget_breakpoint(&mut self, number: usize) -> anyhow::Result<()> {
        let spot = self.breakpoints.find(number)?.wanted.spot.clone();
        self.breakpoints
            .list
            .retain(|breakpoint| breakpoint.number != number);
        self.breakpoints.tell(&mut self.client, &spot)
    }

    /// Whether a run has only come to breakpoints that are to be passed: then they have been.
    pub(super) fn passes(&mut self, stopped: &StoppedEventBody) -> bool {
        let ids = stopped.hit_breakpoint_ids.as_deref().unwrap_or_default();
        let is_hit = |breakpoint: &Breakpoint| {
            let id = breakpoint.answer.id;
            id.is_some_and(|id| ids.contains(&id))
        };
        let known = self.breakpoints.list.iter().filter(|b| is_hit(b)).count();
        let all = self.breakpoints.list.iter_mut();
        let mut passed: Vec<&mut Breakpoint> = all.filter(|b| is_hit(b) && b.passes > 0).collect();
        if passed.is_empty() || passed.len() < known {
            return false;
        }
        for breakpoint in &mut passed {
            breakpoint.passes -= 1;
            breakpoint.stops += 1;
        }
        true
    }

    /// Which breakpoints stopped the program; those for one stop go.
    pub(super) fn hit(&mut self, stopped: &StoppedEventBody) -> anyhow::Result<Hit> {
        let ids = stopped.hit_breakpoint_ids.as_deref().unwrap_or_default();
        let is_hit = |breakpoint: &&Breakpoint| {
            let id = breakpoint.answer.id;
            id.is_some_and(|id| ids.contains(&id))
        };
        let all = self.breakpoints.list.iter_mut();
        for breakpoint in all.filter(|breakpoint| is_hit(&&**breakpoint)) {
            breakpoint.stops += 1;
        }
        let hit: Vec<&Breakpoint> = self.breakpoints.list.iter().filter(is_hit).collect();
        let commands = hit
            .iter()
            .flat_map(|breakpoint| breakpoint.commands.clone());
        let commands = commands.collect();
        let told: Vec<String> = hit
            .iter()
            .filter(|breakpoint| breakpoint.lifetime != Lifetime::OneMotion)
            .map(|breakpoint| match &breakpoint.wanted.spot {
                Spot::Data { expression, .. } => {
                    format!("Watchpoint {} ({expression})", breakpoint.number)
                }
                _ => format!("{} {}", breakpoint.kind(), breakpoint.number),
            })
            .collect();
        let once = hit.iter().filter(|b| b.lifetime == Lifetime::OneStop);
        let once: Vec<usize> = once.map(|breakpoint| breakpoint.number).collect();
        for number in once {
            self.forget_breakpoint(number)?;
        }
        Ok(Hit {
            told: Some(told.join(", ")).filter(|told| !told.is_empty()),
            commands,
        })
    }
}
