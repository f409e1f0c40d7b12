//! Breakpoints: the list of them, and how the server is told.

use super::catching;
use super::places::{self, Spot, Wanted};
use super::prompt::{Done, Next, Prompt};
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
    number: usize,
    pub(super) wanted: Wanted,
    pub(super) hits: Option<String>,
    pub(super) log: Option<String>,
    pub(super) is_enabled: bool,
    lifetime: Lifetime,
    /// What is run when it has stopped the program.
    pub(super) commands: Vec<String>,
    /// How often it has, in this session.
    stops: usize,
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
    list: Vec<Breakpoint>,
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
            Spot::Data { expression, .. } => expression.clone(),
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
    fn told(&self) -> String {
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
            (Spot::Data { expression, .. }, _) => format!("watch {expression}"),
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
            Spot::Data { id, .. } => json!({
                "dataId": id, "accessType": "write", "condition": condition,
                "hitCondition": self.hits,
            }),
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

    fn numbers(&self) -> Vec<usize> {
        self.list
            .iter()
            .map(|breakpoint| breakpoint.number)
            .collect()
    }
}

pub(super) fn set(prompt: &mut Prompt, arguments: &str) -> Done {
    let wanted = places::parse(prompt, arguments)?;
    prompt.add_and_tell(wanted, Lifetime::Kept)
}

pub(super) fn set_once(prompt: &mut Prompt, arguments: &str) -> Done {
    let wanted = places::parse(prompt, arguments)?;
    prompt.add_and_tell(wanted, Lifetime::OneStop)
}

pub(super) fn watch(prompt: &mut Prompt, arguments: &str) -> Done {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Info {
        data_id: Option<String>,
        description: String,
    }
    if arguments.is_empty() {
        bail!("watch what? `watch EXPRESSION`, such as a variable or a field");
    }
    if !prompt.watches() {
        bail!(
            "this server cannot stop at writes; `break LINE if CONDITION` and \
             `reverse-continue` find where a value changed"
        );
    }
    let (expression, condition) = places::condition(arguments);
    let frame = prompt.looked_at()?;
    let asked = json!({ "name": expression, "frameId": frame.id });
    let info: Info = prompt.client.ask("dataBreakpointInfo", asked)?;
    let Some(id) = info.data_id else {
        bail!("{expression} cannot be watched: {}", info.description);
    };
    let spot = Spot::Data {
        id,
        expression: expression.to_owned(),
    };
    prompt.add_and_tell(Wanted { spot, condition }, Lifetime::Kept)
}

pub(super) fn condition(prompt: &mut Prompt, arguments: &str) -> Done {
    prompt.change(arguments, |breakpoint, condition| {
        breakpoint.wanted.condition = condition;
        Ok(())
    })
}

pub(super) fn hits(prompt: &mut Prompt, arguments: &str) -> Done {
    prompt.change(arguments, |breakpoint, hits| {
        if matches!(breakpoint.wanted.spot, Spot::Event { .. }) {
            bail!("hits are counted at breakpoints, not at what `catch` and hostcalls stop at");
        }
        breakpoint.hits = hits;
        Ok(())
    })
}

pub(super) fn ignore(prompt: &mut Prompt, arguments: &str) -> Done {
    let (number, count) = numbered(arguments)?;
    let count = count.and_then(|count| count.parse::<u64>().ok());
    let count = count.context("how many times? `ignore N COUNT`")?;
    hits(prompt, &format!("{number} > {count}"))
}

pub(super) fn log(prompt: &mut Prompt, arguments: &str) -> Done {
    prompt.change(arguments, |breakpoint, text| {
        if !matches!(breakpoint.wanted.spot, Spot::Line { .. }) {
            bail!("only breakpoints at lines can log: `break FILE:LINE` sets one");
        }
        let unquoted = |text: String| {
            let inner = text
                .strip_prefix('"')
                .and_then(|text| text.strip_suffix('"'));
            inner.map(str::to_owned).unwrap_or(text)
        };
        breakpoint.log = text.map(unquoted);
        Ok(())
    })
}

pub(super) fn delete(prompt: &mut Prompt, arguments: &str) -> Done {
    for number in prompt.meant(arguments)? {
        prompt.forget_breakpoint(number)?;
    }
    Ok(Next::Continue)
}

pub(super) fn disable(prompt: &mut Prompt, arguments: &str) -> Done {
    prompt.enable(arguments, false)
}

pub(super) fn enable(prompt: &mut Prompt, arguments: &str) -> Done {
    prompt.enable(arguments, true)
}

/// The number that comes first, and the rest.
fn numbered(arguments: &str) -> anyhow::Result<(usize, Option<String>)> {
    let (number, rest) = arguments
        .split_once(char::is_whitespace)
        .unwrap_or((arguments, ""));
    let number = number.parse().with_context(|| {
        format!("`{number}` is not a breakpoint; `info breakpoints` lists them")
    })?;
    Ok((
        number,
        Some(rest.trim().to_owned()).filter(|rest| !rest.is_empty()),
    ))
}

impl Prompt {
    pub(super) fn add_and_tell(&mut self, wanted: Wanted, lifetime: Lifetime) -> Done {
        let number = self.add_breakpoint(wanted, lifetime)?;
        let told = self.breakpoints.find(number)?.told();
        self.say(&told)?;
        Ok(Next::Continue)
    }

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
    fn tell_of(&mut self, number: usize) -> anyhow::Result<()> {
        let spot = self.breakpoints.find(number)?.wanted.spot.clone();
        self.breakpoints.tell(&mut self.client, &spot)?;
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

    /// Changes a breakpoint, or leaves it as it was if the server does not take the change.
    fn change(
        &mut self,
        arguments: &str,
        change: impl FnOnce(&mut Breakpoint, Option<String>) -> anyhow::Result<()>,
    ) -> Done {
        let (number, rest) = numbered(arguments)?;
        let breakpoint = self.breakpoints.find(number)?;
        let before = (
            breakpoint.wanted.clone(),
            breakpoint.hits.clone(),
            breakpoint.log.clone(),
        );
        change(breakpoint, rest)?;
        if let Err(error) = self.tell_of(number) {
            let breakpoint = self.breakpoints.find(number)?;
            (breakpoint.wanted, breakpoint.hits, breakpoint.log) = before;
            self.tell_of(number)?;
            return Err(error);
        }
        let told = self.breakpoints.find(number)?.told();
        self.say(&told)?;
        Ok(Next::Continue)
    }

    fn enable(&mut self, arguments: &str, is_enabled: bool) -> Done {
        for number in self.meant(arguments)? {
            self.breakpoints.find(number)?.is_enabled = is_enabled;
            self.tell_of(number)?;
        }
        Ok(Next::Continue)
    }

    /// The breakpoints that numbers name; all, without numbers.
    fn meant(&mut self, arguments: &str) -> anyhow::Result<Vec<usize>> {
        let mut meant = Vec::new();
        for word in arguments.split_whitespace() {
            let (number, _) = numbered(word)?;
            meant.push(self.breakpoints.find(number)?.number);
        }
        match arguments {
            "" => Ok(self.breakpoints.numbers()),
            _ => Ok(meant),
        }
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

    pub(super) fn list_breakpoints(&self) -> Done {
        if self.breakpoints.list.is_empty() {
            self.say("There are no breakpoints; `break`, `watch` and `catch` set them.")?;
        }
        for breakpoint in &self.breakpoints.list {
            let state = match (breakpoint.is_enabled, breakpoint.lifetime) {
                (false, _) => " (disabled)",
                (true, Lifetime::OneStop) => " (once)",
                (true, _) => "",
            };
            let stops = match breakpoint.stops {
                0 => String::new(),
                1 => ", hit once".to_owned(),
                often => format!(", hit {often} times"),
            };
            self.say(&format!("{}{stops}{state}", breakpoint.told()))?;
            for command in &breakpoint.commands {
                self.say(&format!("    {command}"))?;
            }
        }
        Ok(Next::Continue)
    }
}
