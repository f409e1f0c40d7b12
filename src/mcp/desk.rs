//! The recording that is looked at, and where.

use super::McpServer;
use super::parameters::Given;
use super::secrets::Secrets;
use crate::debuggee::launch::{LaunchArguments, Subject, ViewArguments};
use crate::debuggee::{
    Debuggee, DebuggeeError, FrameId, Halt, LaunchError, Launcher, Output, Window, motion_to,
};
use crate::questions::{self, Asked, QuestionError};
use crate::replay::Position;
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::{Motion, Reason};
use crate::trace::Trace;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a tool has no answer: in words for whoever called it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("{0}")]
    Because(String),
    #[error(transparent)]
    Debuggee(#[from] DebuggeeError),
    #[error(transparent)]
    Question(#[from] QuestionError),
}

impl Refusal {
    pub(super) fn because(why: impl Into<String>) -> Refusal {
        Refusal::Because(why.into())
    }
}

/// A call of a tool: where it tells how it goes on, and what ends it.
pub(super) struct Call<'a> {
    pub output: &'a dyn Output,
    pub interrupt: &'a Interrupt,
}

/// The recording that is looked at.
pub(super) struct Desk {
    launcher: Arc<dyn Launcher>,
    /// To be opened when the first tool is called.
    named: Option<PathBuf>,
    programs: Vec<PathBuf>,
    open: Option<Open>,
}

/// An open recording.
pub(super) struct Open {
    pub debuggee: Box<dyn Debuggee>,
    pub secrets: Secrets,
}

impl Desk {
    pub(super) fn new(server: McpServer) -> Desk {
        Desk {
            launcher: server.launcher,
            named: server.recording,
            programs: server.programs,
            open: None,
        }
    }

    /// Opens a recording in place of the one before, and goes to its end.
    pub(super) fn open(&mut self, path: &Path, call: &Call<'_>) -> Result<&mut Open, Refusal> {
        let trace = Trace::open_with(path, &self.programs)
            .map_err(|error| Refusal::because(error.to_string()))?;
        let secrets = Secrets::of(&trace);
        let arguments = LaunchArguments {
            subject: Subject::Trace(path.to_owned()),
            view: ViewArguments {
                just_my_code: true,
                ..ViewArguments::default()
            },
        };
        let halt = Halt {
            given_up: call.interrupt.clone(),
            ..Halt::default()
        };
        let opened = self.launcher.launch(&arguments, call.output, &halt);
        let mut debuggee = opened.map_err(|error| match error {
            LaunchError::Interrupted => Refusal::Debuggee(DebuggeeError::Interrupted),
            LaunchError::Failed(why) => Refusal::Because(why),
        })?;
        debuggee.travel(&Motion::End, call.output, call.interrupt)?;
        Ok(self.open.insert(Open { debuggee, secrets }))
    }

    /// The open recording; the one that was named is opened now.
    pub(super) fn opened(&mut self, call: &Call<'_>) -> Result<&mut Open, Refusal> {
        if self.open.is_none() {
            let Some(path) = self.named.clone() else {
                return Err(Refusal::because(
                    "no recording is open: call `open` with the path of one",
                ));
            };
            self.open(&path, call)?;
        }
        self.open
            .as_mut()
            .ok_or_else(|| Refusal::because("no recording is open"))
    }
}

impl Open {
    /// Goes to a moment.
    pub(super) fn go(&mut self, to: &str, call: &Call<'_>) -> Result<(), Refusal> {
        let (motion, _) = motion_to(self.debuggee.as_mut(), to)?;
        self.debuggee.travel(&motion, call.output, call.interrupt)?;
        Ok(())
    }

    /// Goes to where a tool is to look, if it was told.
    pub(super) fn go_to_look(&mut self, given: &Given, call: &Call<'_>) -> Result<(), Refusal> {
        match &given.at {
            Some(at) => self.go(at, call),
            None => Ok(()),
        }
    }

    /// A frame by its number, from the innermost one, which is 0.
    pub(super) fn frame(&mut self, number: Option<usize>) -> Result<Option<FrameId>, Refusal> {
        let Some(start) = number else {
            return Ok(None);
        };
        let levels = Some(1);
        let frames = self.debuggee.frames(Window { start, levels })?;
        match frames.frames.first() {
            Some(frame) => Ok(Some(frame.id)),
            None => Err(Refusal::because(format!(
                "there is no frame {start}: the stack has {} here",
                frames.total
            ))),
        }
    }

    /// Asks a question; what is looked at stays where it is.
    pub(super) fn ask(
        &mut self,
        question: &str,
        given: &Given,
        call: &Call<'_>,
    ) -> Result<String, Refusal> {
        let asking = questions::read(question)?;
        self.go_to_look(given, call)?;
        let frame = self.frame(given.frame)?;
        let back = way_back(self.debuggee.here().position, &self.debuggee.here().reason);
        let answer = asking.ask(&mut Asked {
            debuggee: self.debuggee.as_mut(),
            frame,
            output: call.output,
            interrupt: call.interrupt,
        });
        // Whoever gave the question up is to stand there, too.
        self.debuggee
            .travel(&back, call.output, &Interrupt::new())?;
        Ok(answer?.text)
    }
}

/// The motion to where one stands. Before and after everything there is no instruction.
fn way_back(position: Position, reason: &Reason) -> Motion {
    match reason {
        Reason::Start => Motion::Start,
        Reason::End(_) => Motion::End,
        _ => Motion::Position(position),
    }
}
