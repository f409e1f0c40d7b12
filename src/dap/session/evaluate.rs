//! `evaluate`: expressions, and the console's commands.

use super::aside::aside;
use super::asking::ask;
use super::convert::count;
use super::stack::frame_in;
use super::variables::{format_in, presentation};
use super::{Handled, Reply, Session, Then};
use crate::dap::elsewhere;
use crate::dap::protocol::custom::{AskArguments, AskResponse};
use crate::dap::protocol::{
    EvaluateArguments, EvaluateArgumentsContext, EvaluateResponse, Refusal,
};
use crate::dap::repl::{self, CommandError, Effect};
use crate::debuggee::{DebuggeeError, EvaluateContext, FrameId, VariableView};
use crate::questions;

pub(super) fn evaluate(
    session: &mut Session,
    arguments: EvaluateArguments,
) -> Handled<EvaluateResponse> {
    let context = match arguments.context {
        Some(EvaluateArgumentsContext::Repl) => EvaluateContext::Repl,
        Some(EvaluateArgumentsContext::Hover) => EvaluateContext::Hover,
        Some(EvaluateArgumentsContext::Clipboard) => EvaluateContext::Clipboard,
        Some(EvaluateArgumentsContext::Variables) => EvaluateContext::Variables,
        Some(EvaluateArgumentsContext::Watch | EvaluateArgumentsContext::String(_)) | None => {
            EvaluateContext::Watch
        }
    };
    let frame = arguments.frame_id.map(frame_in).transpose()?;
    if context == EvaluateContext::Repl
        && let Some(command) = repl::CommandLine::parse(&arguments.expression)
    {
        return run(command, frame);
    }
    let format = format_in(arguments.format.as_ref());
    let debuggee = session.debuggee()?;
    let value = debuggee.evaluate(&arguments.expression, frame, context, format);
    let value = match value {
        Err(DebuggeeError::Other(why)) if context == EvaluateContext::Repl => {
            return Err(Refusal::because(unknown(&arguments.expression, why)));
        }
        value => value?,
    };
    Reply::now(session.evaluated(value))
}

/// What is wrong with a line of the console; plain words may be meant as a command.
fn unknown(line: &str, why: String) -> String {
    if let Some(said) = elsewhere::said_of(line) {
        return said;
    }
    let is_word = |c: char| c.is_ascii_lowercase() || c == ' ' || c == '-';
    match line.trim().chars().all(is_word) {
        true => format!("{why}, nor is this a command: `rr help` lists those"),
        false => why,
    }
}

/// Commands may take long: all of them are asked as questions.
fn run(command: repl::CommandLine, frame: Option<FrameId>) -> Handled<EvaluateResponse> {
    ask(
        move |debuggee, output, interrupt| {
            let mut context = repl::Context {
                line: command.text(),
                debuggee,
                frame,
                output,
                interrupt,
            };
            match command.run(&mut context) {
                Err(CommandError::Debuggee(error)) => Err(error),
                Err(wrong) => Ok(Err(wrong.to_string())),
                Ok(effect) => Ok(Ok(effect)),
            }
        },
        move |session, effect| take_effect(session, effect, frame),
    )
}

fn take_effect(
    session: &mut Session,
    effect: Result<Effect, String>,
    frame: Option<FrameId>,
) -> Handled<EvaluateResponse> {
    let said = |result: String| EvaluateResponse {
        result,
        ..EvaluateResponse::default()
    };
    match effect.map_err(Refusal::Because)? {
        Effect::Say(text) => Reply::now(said(text)),
        Effect::Ask(asking) => aside(asking, frame, move |answer| Ok(said(answer.text))),
        Effect::Show(value) => Reply::now(session.evaluated(*value)),
        Effect::Travel { say, motion } => {
            Ok(Reply::Now(said(say), Then::TravelUnasked(vec![motion])))
        }
    }
}

/// `rr/ask`
pub(super) fn ask_question(_: &mut Session, arguments: AskArguments) -> Handled<AskResponse> {
    let frame = arguments.frame_id.map(frame_in).transpose()?;
    let asking = questions::read(&arguments.question);
    let asking = asking.map_err(|error| Refusal::because(error.to_string()))?;
    aside(asking, frame, |answer| {
        Ok(AskResponse {
            question: answer.question,
            answer: answer.answer,
            text: answer.text,
        })
    })
}

impl Session {
    fn evaluated(&mut self, view: VariableView) -> EvaluateResponse {
        let children = view.children.as_ref();
        let presentation_hint = Some(presentation(&view));
        EvaluateResponse {
            presentation_hint,
            variables_reference: children.map_or(0, |inside| self.values.number(&inside.values)),
            named_variables: children.and_then(|inside| inside.named).map(count),
            indexed_variables: children.and_then(|inside| inside.indexed).map(count),
            result: view.value,
            type_field: view
                .type_name
                .filter(|_| self.client.supports_variable_type),
            memory_reference: view
                .memory
                .filter(|_| self.client.supports_memory_references),
            ..EvaluateResponse::default()
        }
    }
}
