//! `stackTrace` and `scopes`.

use super::convert::count;
use super::{Handled, Reply, Session, Then, asking, frame_names};
use crate::dap::protocol::{
    Refusal, Scope as ScopeMessage, ScopePresentationHint, ScopesArguments, ScopesResponse, Source,
    SourcePresentationHint, StackFrame, StackFramePresentationHint, StackTraceArguments,
    StackTraceResponse,
};
use crate::debuggee::{
    Frame, FrameId, Frames, Presentation, Scope, ScopeHint, SourceOrigin, ThreadId, Window,
};
use crate::source::is_library;
use crate::timeline::interrupt::Interrupt;
use serde_json::Value;

pub(super) fn stack_trace(
    session: &mut Session,
    arguments: StackTraceArguments,
) -> Handled<StackTraceResponse> {
    let thread = ThreadId(arguments.thread_id);
    let debuggee = session.debuggee()?;
    let present = debuggee.thread();
    if thread == present {
        return Ok(Reply::Now(stack_here(session, &arguments)?, Then::Nothing));
    }
    if debuggee.threads().is_empty() {
        // What a stack holds that waits has to be found out first.
        return asking::ask(
            move |debuggee, _, interrupt| {
                let none = Window {
                    start: 0,
                    levels: Some(0),
                };
                debuggee.frames_of(thread, none, interrupt)
            },
            move |session, _| Ok(Reply::Now(stack_here(session, &arguments)?, Then::Nothing)),
        );
    }
    // It may have to be opened. What is looked at beside is not what moves next.
    asking::ask(
        move |debuggee, output, interrupt| debuggee.select(thread, false, output, interrupt),
        move |session, ()| {
            let found = stack_here(session, &arguments);
            let output = session.reporter("Opening", "thread", None);
            let calm = Interrupt::new();
            session.debuggee()?.select(present, false, &output, &calm)?;
            Ok(Reply::Now(found?, Then::Nothing))
        },
    )
}

/// The stack of the thread that is looked at.
fn stack_here(
    session: &mut Session,
    arguments: &StackTraceArguments,
) -> Result<StackTraceResponse, Refusal> {
    let window = Window {
        start: arguments.start_frame.map_or(0, whole),
        // The protocol says that zero is all.
        levels: arguments.levels.filter(|levels| *levels > 0).map(whole),
    };
    let thread = ThreadId(arguments.thread_id);
    let mut found = session.frames_of(thread, window)?;
    if let (0, Some(asked)) = (window.start, window.levels)
        && session.client.client_id.as_deref() == Some("vscode")
    {
        let own = session.up_to_own(thread, &found, asked)?;
        found = own.unwrap_or(found);
    }
    if let Some(format) = &arguments.format {
        let names = frame_names::formatted(session, &found.frames, format)?;
        for (frame, name) in found.frames.iter_mut().zip(names) {
            frame.name = name;
        }
    }
    let stack_frames = found.frames.iter().map(|frame| session.frame_out(frame));
    Ok(StackTraceResponse {
        stack_frames: stack_frames.collect(),
        total_frames: Some(count(found.total as u64)),
    })
}

pub(super) fn scopes(session: &mut Session, arguments: ScopesArguments) -> Handled<ScopesResponse> {
    let frame = frame_in(arguments.frame_id)?;
    let found = session.debuggee()?.scopes(frame)?;
    let scopes = found.iter().map(|scope| session.scope_out(scope)).collect();
    Reply::now(ScopesResponse { scopes })
}

fn whole(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

/// Clients take a frame number of zero for none.
pub(super) fn frame_in(number: i64) -> Result<FrameId, Refusal> {
    number
        .checked_sub(1)
        .and_then(|number| u32::try_from(number).ok())
        .map(FrameId)
        .ok_or_else(|| Refusal::because(format!("there is no frame {number}")))
}

fn frame_out(frame: FrameId) -> i64 {
    i64::from(frame.0) + 1
}

/// Frames that are looked through for one of the person's own code.
const LOOKED_THROUGH: usize = 64;

impl Session {
    fn frames_of(&mut self, thread: ThreadId, window: Window) -> Result<Frames, Refusal> {
        Ok(self
            .debuggee()?
            .frames_of(thread, window, &Interrupt::new())?)
    }

    /// VS Code asks for one frame, or for 20, and shows the first one of these that has a
    /// source and is not subdued. In a hostcall that is farther out, below the hostcall itself,
    /// shims and libraries: VS Code takes more frames than it has asked for.
    fn up_to_own(
        &mut self,
        thread: ThreadId,
        found: &Frames,
        asked: usize,
    ) -> Result<Option<Frames>, Refusal> {
        let is_own = |session: &Session, frame: &Frame| {
            frame.place.is_some() && session.presentation(frame) == Presentation::Normal
        };
        let has_own = found.frames.iter().any(|frame| is_own(self, frame));
        if has_own || found.total <= asked {
            return Ok(None);
        }
        let window = Window {
            start: 0,
            levels: Some(LOOKED_THROUGH),
        };
        let mut more = self.frames_of(thread, window)?;
        let own = more.frames.iter().position(|frame| is_own(self, frame));
        Ok(own.map(|own| {
            more.frames.truncate((own + 1).max(asked));
            more
        }))
    }

    fn frame_out(&mut self, frame: &Frame) -> StackFrame {
        let place = frame.place.as_ref();
        let presentation = self.presentation(frame);
        // Editors then show the source of the nearest caller instead.
        let hint = (presentation == Presentation::Subtle && self.view.just_my_code)
            .then_some(SourcePresentationHint::Deemphasize);
        let source = place.map(|place| Source {
            presentation_hint: hint,
            ..self.source_out(&place.source)
        });
        StackFrame {
            id: frame_out(frame.id),
            name: frame.name.clone(),
            source,
            line: place.map_or(0, |place| self.line_out(place.point.line)),
            column: place.map_or(0, |place| {
                // Unknown: the line's first.
                self.column_out(place.point.column.unwrap_or(1))
            }),
            can_restart: Some(false),
            instruction_pointer_reference: frame.instruction.clone(),
            module_id: frame.module.clone().map(Value::from),
            presentation_hint: Some(match presentation {
                Presentation::Normal => StackFramePresentationHint::Normal,
                Presentation::Subtle => StackFramePresentationHint::Subtle,
                Presentation::Label => StackFramePresentationHint::Label,
            }),
            ..StackFrame::default()
        }
    }

    /// Code of a library is not what one debugs.
    fn presentation(&self, frame: &Frame) -> Presentation {
        let origin = frame.place.as_ref().map(|place| &place.source.origin);
        match (frame.presentation, origin) {
            (Presentation::Normal, Some(SourceOrigin::File(path)))
                if self.view.just_my_code && is_library(path) =>
            {
                Presentation::Subtle
            }
            (presentation, _) => presentation,
        }
    }

    fn scope_out(&mut self, scope: &Scope) -> ScopeMessage {
        ScopeMessage {
            name: scope.name.clone(),
            presentation_hint: match scope.hint {
                ScopeHint::Arguments => Some(ScopePresentationHint::Arguments),
                ScopeHint::Locals => Some(ScopePresentationHint::Locals),
                ScopeHint::Registers => Some(ScopePresentationHint::Registers),
                ScopeHint::ReturnValue => Some(ScopePresentationHint::ReturnValue),
                ScopeHint::None => None,
            },
            variables_reference: self.values.number(&scope.children.values),
            named_variables: scope.children.named.map(count),
            indexed_variables: scope.children.indexed.map(count),
            expensive: scope.expensive,
            ..ScopeMessage::default()
        }
    }
}
