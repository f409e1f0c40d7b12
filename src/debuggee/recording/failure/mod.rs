//! Why the run failed: what trapped, in the terms of the source, and where the value comes from
//! that was wrong.

mod told;
mod trap;

use super::Recording;
use super::origin::{Activation, Asking, Moment, Sought};
use super::panics::is_way;
use super::stack::{GuestPlace, ShownFrame};
use crate::component::flow::{Does, Flow, Source};
use crate::debuggee::failure::{Decided, FailedCall, Failure, Fault, WrongValue};
use crate::debuggee::origin::CodeMoment;
use crate::debuggee::{DebuggeeError, Output, Stream};
use crate::replay::boundary::Way;
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::Motion;
use crate::trace::Outcome;
use std::time::Duration;

/// So many functions of the stack are told.
const MOST_FUNCTIONS: usize = 12;
/// So many hostcalls before the end, what was printed is looked for.
const CALLS_BACK: u64 = 64;
/// So many lines of it are told.
const MOST_LINES: usize = 5;
/// How long is waited for what was printed, and for handles.
const PATIENCE: Duration = Duration::from_secs(5);

/// Parts of the names of functions by which programs give up, besides those that they begin with.
const GIVING_UP: [&str; 3] = ["panic", "std::rt", "core::option::expect"];

type Result<T> = std::result::Result<T, DebuggeeError>;

/// What has been found out of a fault: what, and which value was wrong.
struct Found {
    fault: Fault,
    /// Where it is held, with what it is called and what it was.
    wrong: Option<(Sought, String, String)>,
}

impl Found {
    fn plain(fault: Fault) -> Found {
        Found { fault, wrong: None }
    }
}

impl Recording {
    /// Why the run failed. The session is left somewhere.
    pub(super) fn why_failed(
        &mut self,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Failure> {
        let mut asking = Asking::new(output, interrupt);
        self.compile_for_asking(&asking)?;
        let end = self.go(&Motion::End, &asking)?;
        let outcome = self.timeline.trace().outcome().clone();
        let frames = self.timeline.frames()?;
        let innermost = frames.first().copied();
        let own = self.own_place()?;
        let own_moment = own.as_ref().map(|own| self.moment_of(end, own));
        let end_moment = {
            let of = innermost.map(|frame| Activation::new(&frame, frames.len() as u32));
            self.code_moment(end, of.zip(innermost.map(|frame| frame.pc)))
        };
        let stack = self.functions_on_stack(own.as_ref())?;
        let printed = self.last_printed(end)?;
        let found = self.fault_of(&outcome, end, own.as_ref(), &mut asking)?;
        let failed = found.fault != Fault::Nothing;
        let waiting = match outcome {
            Outcome::Returned { .. } => self.left_at_end(asking.interrupt),
            _ => Vec::new(),
        };
        let failed_call = self.last_failed_call(end, &asking)?;
        let decides = matches!(found.fault, Fault::GaveUp { .. } | Fault::Unreachable);
        let mut wrong = found.wrong;
        let mut decided = None;
        if let Some(own) = own.as_ref().filter(|_| decides)
            && let Some((told, sought)) = self.decided_by(end, own, &mut asking)?
        {
            decided = Some(told);
            wrong = wrong.or(sought);
        }
        let value = match wrong {
            Some((sought, name, value)) => {
                let ask = self.question_for(&sought);
                let way = self.follow(sought, 0, &mut asking)?;
                Some(WrongValue {
                    name,
                    value,
                    ask,
                    way,
                })
            }
            None => None,
        };
        let mut failure = Failure {
            outcome: outcome.to_string(),
            failed,
            end: end_moment,
            told: told::in_words(&found.fault, &outcome.to_string()),
            what: found.fault,
            at: own_moment,
            stack,
            decided,
            value,
            failed_call,
            printed: if failed { printed } else { Vec::new() },
            waiting,
            cause: String::new(),
        };
        failure.cause = told::cause(&failure);
        Ok(failure)
    }

    fn fault_of(
        &mut self,
        outcome: &Outcome,
        end: Moment,
        own: Option<&GuestPlace>,
        asking: &mut Asking<'_>,
    ) -> Result<Found> {
        Ok(match outcome {
            Outcome::Returned { success: true, .. }
            | Outcome::Exited(0)
            | Outcome::Interrupted
            | Outcome::CutOff
            | Outcome::GoesOn => Found::plain(Fault::Nothing),
            Outcome::Returned { success: false, .. } => Found::plain(Fault::Exit { status: None }),
            Outcome::Exited(status) => {
                let fault = Fault::Exit {
                    status: Some(*status),
                };
                let wrong = self.exit_status(end, *status, asking)?;
                Found { fault, wrong }
            }
            Outcome::Trapped(message) | Outcome::HostError(message) => {
                self.fault_of_trap(message, end, own, asking)?
            }
        })
    }

    /// The innermost frame of the program's own code; without lines, the innermost one that is
    /// not of how programs give up.
    fn own_place(&mut self) -> Result<Option<GuestPlace>> {
        let stack = self.stack()?.to_vec();
        let guests = stack.iter().filter_map(|frame| match frame {
            ShownFrame::Guest(place) => Some((frame, place)),
            ShownFrame::Crossing(_) => None,
        });
        let own = guests
            .clone()
            .find(|(frame, place)| place.line.is_some() && self.is_own(frame));
        let lined = || guests.clone().any(|(_, place)| place.line.is_some());
        let own = own.or_else(|| {
            let names_way =
                |name: &str| is_way(name) || GIVING_UP.iter().any(|part| name.contains(part));
            let mut guests = guests.clone();
            guests.find(|(_, place)| !lined() && !names_way(place.name()))
        });
        Ok(own.map(|(_, place)| place.clone()))
    }

    /// A frame of the stack where the session stands.
    fn moment_of(&self, at: Moment, place: &GuestPlace) -> CodeMoment {
        let of = Activation::new(&place.core, place.outside);
        let mut told = self.code_moment(at, Some((of, place.core.pc)));
        // Of a call that was inlined, the line is that of the call.
        if let (Some(line), Some(module)) = (place.line, self.timeline.module(place.core.module)) {
            told.line = Some(line.line);
            told.file = Some(module.source.file(line.file).to_owned());
        }
        told.function = place.name().to_owned();
        told
    }

    /// Those of the program's own code, if there is any; else all.
    fn functions_on_stack(&mut self, own: Option<&GuestPlace>) -> Result<Vec<String>> {
        let frames = self.stack()?.to_vec();
        let is_lined = own.is_some_and(|own| own.line.is_some());
        let named = frames.iter().filter_map(|frame| match frame {
            ShownFrame::Guest(place) if !is_lined || self.is_own(frame) => {
                Some(place.name().to_owned())
            }
            _ => None,
        });
        // Each as often as it comes one after the other.
        let mut counted: Vec<(String, usize)> = Vec::new();
        let inside = frames
            .iter()
            .take_while(|frame| is_lined && !self.is_own(frame));
        if let inside @ 1.. = inside.count() {
            counted.push((format!("{inside} of libraries"), 1));
        }
        for name in named {
            match counted.last_mut() {
                Some((last, times)) if *last == name => *times += 1,
                _ => counted.push((name, 1)),
            }
        }
        let told = counted.into_iter().map(|(name, times)| match times {
            1 => name,
            times => format!("{name} ({times} times)"),
        });
        let mut all: Vec<String> = told.collect();
        if let more @ 1.. = all.len().saturating_sub(MOST_FUNCTIONS) {
            all.truncate(MOST_FUNCTIONS);
            all.push(format!("{more} more"));
        }
        Ok(all)
    }

    /// What was printed on standard error last.
    fn last_printed(&mut self, end: Moment) -> Result<Vec<String>> {
        let calls = end.event.saturating_sub(CALLS_BACK)..end.event;
        let printed = match self.printed_by(&calls, PATIENCE) {
            Ok(printed) => printed,
            // It is not worth failing for.
            Err(_) => return Ok(Vec::new()),
        };
        let errors = printed
            .iter()
            .filter(|piece| piece.stream == Stream::Stderr);
        let bytes: Vec<u8> = errors.flat_map(|piece| piece.bytes.clone()).collect();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<String> = text
            .lines()
            .map(|line| line.chars().filter(|c| !c.is_control()).collect())
            .filter(|line: &String| !line.trim().is_empty())
            .collect();
        let from = lines.len().saturating_sub(MOST_LINES);
        Ok(lines.get(from..).unwrap_or_default().to_vec())
    }

    fn last_failed_call(&mut self, end: Moment, asking: &Asking<'_>) -> Result<Option<FailedCall>> {
        // The one that the run ended in has no answer.
        let before = end.event.saturating_add(1);
        let trace = self.timeline.trace().clone();
        let go_on = || !asking.interrupt.is_raised();
        let Ok(Some(event)) = trace.last_failed(before, go_on) else {
            return match asking.interrupt.is_raised() {
                true => Err(DebuggeeError::Interrupted),
                // Where the recording is damaged, nothing is known of it.
                false => Ok(None),
            };
        };
        let at = self.go(&Motion::Event(event), asking)?;
        let mut open = self.timeline.boundary()?;
        let Some(open) = open.pop().filter(|open| open.way == Way::Out) else {
            return Ok(None);
        };
        let event = at.event;
        Ok(self
            .told_call(&open)
            .map(|(name, arguments, answer)| FailedCall {
                event,
                name,
                arguments,
                answer,
            }))
    }

    /// What a frame decided by last, and the first of the values that it compared.
    #[allow(clippy::type_complexity)]
    fn decided_by(
        &mut self,
        end: Moment,
        own: &GuestPlace,
        asking: &mut Asking<'_>,
    ) -> Result<Option<(Decided, Option<(Sought, String, String)>)>> {
        let of = Activation::new(&own.core, own.outside);
        let flow = self.flow_of(of)?;
        let branches = flow.branches();
        if branches.is_empty() {
            return Ok(None);
        }
        let Some(branch) = self.last_of(of, &branches, end, asking)? else {
            return Ok(None);
        };
        let pc = branch.position.pc;
        let Some(condition) = flow.takes(pc).first().copied() else {
            return Ok(None);
        };
        let compared = compared_by(&flow, condition);
        let (pc, at) = match compared {
            Some(by) => match self.when(&flow, of, by, branch, asking)? {
                Some(at) => (by, at),
                None => (pc, branch),
            },
            None => (pc, branch),
        };
        self.stand_at(at.position, asking)?;
        let values = self.inputs_of(&flow, (of, pc, at))?;
        let operation = match flow.does(pc) {
            Some(Does::Computes(name)) if compared.is_some() => (*name).to_owned(),
            _ => "true, or not".to_owned(),
        };
        let taken = flow.takes(pc).to_vec();
        let open = values
            .iter()
            .zip(taken)
            .filter(|(value, _)| value.ask.is_some());
        let mut open: Vec<_> = open.collect();
        // One with a name of the source is better than one without.
        open.sort_by_key(|(value, _)| value.name.starts_with('$'));
        let sought = open.first().map(|(value, source)| {
            let sought = Sought::operand(of, *source, at);
            (sought, value.name.clone(), value.value.clone())
        });
        let told = Decided {
            at: self.code_moment(at, Some((of, pc))),
            text: self.text_of_line(of, pc),
            operation,
            values,
        };
        Ok(Some((told, sought)))
    }
}

/// The comparison that made a condition.
fn compared_by(flow: &Flow, condition: Source) -> Option<u32> {
    // Compilers write few instructions around a comparison.
    const MOST: usize = 8;
    let mut source = condition;
    for _ in 0..MOST {
        let Source::By { pc, .. } = flow.settled(source) else {
            return None;
        };
        let Does::Computes(name) = flow.does(pc)? else {
            return None;
        };
        let takes = flow.takes(pc);
        match (*name, takes) {
            ("== 0", [value]) => {
                // Of a comparison, its opposite; of anything else, a comparison itself.
                match compared_by(flow, *value) {
                    Some(inner) => return Some(inner),
                    None => return Some(pc),
                }
            }
            ("&", [value, by]) if flow.constant(*by).is_some() => source = *value,
            ("<" | ">" | "<=" | ">=" | "==" | "!=", _) => return Some(pc),
            _ => return None,
        }
    }
    None
}
