//! `diff OTHER`: where two recordings of the same program part, and why.

use super::rows::{cut, told_frame};
use super::{Asked, Moment, Question, QuestionError};
use crate::debuggee::{Debuggee, Output, Window, grouped};
use crate::inspect::hostcall::listing::RowAnswer;
use crate::inspect::past::difference::{Did, Next};
use crate::replay::{Position, Tick};
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::{Direction, Motion, Step};
use serde::Serialize;
use std::path::PathBuf;

/// Frames of a stack that are told.
const FRAMES: usize = 16;
/// Within a tick no loop repeats and no call is entered: more instructions are seldom in one.
const STEPS: usize = 400;

/// Where do this recording and another one part?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff {
    /// The other recording.
    pub other: PathBuf,
}

/// Where they do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiffAnswer {
    /// The other recording.
    pub other: String,
    /// The program was told the same, and did the same.
    pub same: bool,
    /// Hostcalls that were made alike in both and answered otherwise, before the programs part.
    pub told_otherwise: u64,
    /// The first of them.
    pub hostcalls: Vec<ToldOtherwise>,
    /// The program was called with other arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub called_otherwise: Option<u64>,
    /// The first branch that was taken otherwise, if the programs part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<Parting>,
    /// The first thing that the programs did otherwise: hostcalls, returns, ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub did: Option<Parting>,
}

/// A hostcall that was answered otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToldOtherwise {
    /// Its number in both.
    pub event: u64,
    /// With its arguments.
    pub call: String,
    /// What this one answered.
    pub here: String,
    /// What the other one did.
    pub there: String,
}

/// Where both are when they part.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Parting {
    /// In this recording.
    pub here: Standing,
    /// In the other one.
    pub there: Standing,
}

/// A moment with its stack.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// When.
    pub moment: Moment,
    /// What happens there, if it is not a place in code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// Frames, innermost first.
    pub stack: Vec<String>,
}

impl Diff {
    /// Reads what follows the word.
    ///
    /// # Errors
    ///
    /// If nothing does.
    pub fn read(text: &str) -> Result<Diff, QuestionError> {
        match text {
            "" => Err(QuestionError::wrong("name another recording")),
            path => Ok(Diff { other: path.into() }),
        }
    }
}

impl Question for Diff {
    type Answer = DiffAnswer;

    fn answer(&self, asked: &mut Asked<'_>) -> Result<DiffAnswer, QuestionError> {
        let (found, mut other) =
            asked
                .debuggee
                .compared(&self.other, asked.output, asked.interrupt)?;
        let mut both = Both {
            here: asked.debuggee,
            there: other.as_mut(),
            output: asked.output,
            interrupt: asked.interrupt,
        };
        let hostcalls = both.told_otherwise(&found.first_told)?;
        let did = found.did.map(|did| both.parting(did)).transpose()?;
        let branch = match &did {
            Some(did) => {
                let since = found.first_told.first().copied();
                let since = since.or(found.called_otherwise);
                let ticks = [&did.here, &did.there].map(|at| at.moment.position.tick);
                both.branch(since, ticks[0].min(ticks[1]))?
            }
            None => None,
        };
        Ok(DiffAnswer {
            other: self.other.display().to_string(),
            same: found.told_otherwise == 0
                && found.called_otherwise.is_none()
                && found.did.is_none(),
            told_otherwise: found.told_otherwise,
            hostcalls,
            called_otherwise: found.called_otherwise,
            branch,
            did,
        })
    }
}

/// Both recordings, to be moved about.
struct Both<'a> {
    here: &'a mut dyn Debuggee,
    there: &'a mut dyn Debuggee,
    output: &'a dyn Output,
    interrupt: &'a Interrupt,
}

impl Both<'_> {
    fn told_otherwise(&mut self, events: &[u64]) -> Result<Vec<ToldOtherwise>, QuestionError> {
        let ours = self
            .here
            .hostcall_rows(events, self.output, self.interrupt)?;
        let theirs = self
            .there
            .hostcall_rows(events, self.output, self.interrupt)?;
        let pairs = ours.into_iter().zip(theirs);
        let told = pairs.map(|(ours, theirs)| ToldOtherwise {
            event: ours.event,
            call: format!("{}({})", ours.name, cut(&ours.arguments)),
            here: answer_text(&ours.answer),
            there: answer_text(&theirs.answer),
        });
        Ok(told.collect())
    }

    /// Goes to what each does, where that is not the same.
    fn parting(&mut self, did: Did) -> Result<Parting, QuestionError> {
        let (output, interrupt) = (self.output, self.interrupt);
        let go = |debuggee: &mut dyn Debuggee, next: Next| {
            let events = debuggee.history().events;
            let motion = match next {
                Next::Calls(event) => Motion::Event(event),
                Next::Returns(event) | Next::Ends(event) if event >= events => Motion::End,
                // The hostcall before is as near as can be told.
                Next::Returns(event) | Next::Ends(event) => Motion::Event(event.saturating_sub(1)),
            };
            debuggee.travel(&motion, output, interrupt)?;
            let what = match next {
                Next::Calls(_) => debuggee.calling().map(|name| format!("calls {name}")),
                Next::Returns(_) => Some("returns to whoever called it".to_owned()),
                Next::Ends(_) => Some(debuggee.history().ending),
            };
            standing(debuggee, what)
        };
        Ok(Parting {
            here: go(self.here, did.one)?,
            there: go(self.there, did.other)?,
        })
    }

    /// The first branch that is taken otherwise, after a hostcall and up to a tick: in which tick it
    /// is, is found by halves, and then instruction by instruction.
    fn branch(
        &mut self,
        since: Option<u64>,
        until: Tick,
    ) -> Result<Option<Parting>, QuestionError> {
        let begin = match since {
            Some(event) => Motion::Event(event),
            None => Motion::Start,
        };
        if self.go(&begin)?.is_none() {
            return Ok(None);
        }
        let mut same = self.here.here().position.tick;
        let mut other = until;
        while other.0.saturating_sub(same.0) > 1 {
            let middle = Tick(same.0.midpoint(other.0));
            match self.go(&Motion::Tick(middle))? {
                Some(_) => same = middle,
                None => other = middle,
            }
        }
        let last = match self.go(&Motion::Tick(same))? {
            Some(at) if since.is_none() || same > self.tick_of(&begin)? => at,
            _ => match self.go(&begin)? {
                Some(at) => at,
                None => return Ok(None),
            },
        };
        self.go(&Motion::Position(last))?;
        let step = Motion::Instruction(Direction::Forward, Step::Into);
        let mut before = last;
        for _ in 0..STEPS {
            match self.go(&step)? {
                Some(at) if at == before => return Ok(None),
                Some(at) => before = at,
                None => {
                    return Ok(Some(Parting {
                        here: standing(self.here, None)?,
                        there: standing(self.there, None)?,
                    }));
                }
            }
        }
        Ok(None)
    }

    fn tick_of(&mut self, motion: &Motion) -> Result<Tick, QuestionError> {
        let stands = self.here.here().position;
        let there = self.here.travel(motion, self.output, self.interrupt)?;
        self.here
            .travel(&Motion::Position(stands), self.output, self.interrupt)?;
        Ok(there.position.tick)
    }

    /// Both go; where they are, if that is the same moment.
    fn go(&mut self, motion: &Motion) -> Result<Option<Position>, QuestionError> {
        let here = self.here.travel(motion, self.output, self.interrupt)?;
        let there = self.there.travel(motion, self.output, self.interrupt)?;
        Ok((here.position == there.position).then_some(here.position))
    }
}

fn answer_text(answer: &RowAnswer) -> String {
    match answer {
        RowAnswer::Returned {
            result: Some(result),
            ..
        } => cut(result),
        RowAnswer::Returned { result: None, .. } => "nothing".to_owned(),
        RowAnswer::Missing(_) | RowAnswer::Late => "no answer by then".to_owned(),
    }
}

fn standing(debuggee: &mut dyn Debuggee, what: Option<String>) -> Result<Standing, QuestionError> {
    let window = Window {
        start: 0,
        levels: Some(FRAMES),
    };
    let frames = debuggee.frames(window)?.frames;
    let here = debuggee.here();
    let (position, event) = (here.position, here.event);
    Ok(Standing {
        moment: Moment::new(position, event, debuggee.time()),
        what,
        stack: frames.iter().map(told_frame).collect(),
    })
}

impl Standing {
    fn tell(&self, name: &str, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\n  {name}  {}", self.moment)?;
        if let Some(what) = &self.what {
            write!(f, "  {what}")?;
        }
        if !self.stack.is_empty() {
            write!(f, "\n    {}", self.stack.join(" ← "))?;
        }
        Ok(())
    }
}

impl std::fmt::Display for DiffAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.same {
            return write!(f, "{} is the same run", self.other);
        }
        if let Some(event) = self.called_otherwise {
            writeln!(
                f,
                "the program was called with other arguments before event {event}"
            )?;
        }
        match self.told_otherwise {
            0 => f.write_str("every hostcall was answered alike")?,
            1 => f.write_str("one hostcall was answered otherwise")?,
            more => write!(f, "{} hostcalls were answered otherwise", grouped(more))?,
        }
        for told in &self.hostcalls {
            write!(
                f,
                "\n  event {}  {}\n    here   {}\n    there  {}",
                told.event, told.call, told.here, told.there
            )?;
        }
        match &self.branch {
            Some(branch) => {
                f.write_str("\nthe first branch that is taken otherwise leads to")?;
                branch.here.tell("here ", f)?;
                branch.there.tell("there", f)?;
            }
            None if self.did.is_some() => {
                f.write_str("\nno branch in code is taken otherwise before")?;
            }
            None => f.write_str("\nthe programs do the same all the same")?,
        }
        if let Some(did) = &self.did {
            f.write_str("\nthe first thing that is done otherwise")?;
            did.here.tell("here ", f)?;
            did.there.tell("there", f)?;
        }
        Ok(())
    }
}
