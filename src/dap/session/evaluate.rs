//! `evaluate` and `completions`: expressions, and the console's commands.

use super::asking::ask;
use super::convert::count;
use super::stack::frame_in;
use super::variables::{format_in, presentation};
use super::{Handled, Reply, Session, Then};
use crate::dap::debuggee::{EvaluateContext, VariableView};
use crate::dap::protocol::{
    CompletionItem, CompletionItemType, CompletionsArguments, CompletionsResponse,
    EvaluateArguments, EvaluateArgumentsContext, EvaluateResponse, Refusal, Request,
};
use crate::dap::repl::{self, CommandError, Effect};

pub(super) fn evaluate(session: &mut Session, request: &Request) -> Handled {
    let arguments: EvaluateArguments = request.arguments()?;
    let context = match arguments.context {
        Some(EvaluateArgumentsContext::Repl) => EvaluateContext::Repl,
        Some(EvaluateArgumentsContext::Hover) => EvaluateContext::Hover,
        Some(EvaluateArgumentsContext::Clipboard) => EvaluateContext::Clipboard,
        Some(EvaluateArgumentsContext::Variables) => EvaluateContext::Variables,
        Some(EvaluateArgumentsContext::Watch | EvaluateArgumentsContext::String(_)) | None => {
            EvaluateContext::Watch
        }
    };
    if context == EvaluateContext::Repl
        && let Some(command) = repl::Command::parse(&arguments.expression)
    {
        return run(command);
    }
    let frame = arguments.frame_id.map(frame_in).transpose()?;
    let format = format_in(arguments.format.as_ref());
    let debuggee = session.debuggee()?;
    let value = debuggee.evaluate(&arguments.expression, frame, context, format)?;
    let response = session.evaluated(value);
    Reply::body(request, &response)
}

/// Commands may take long: all of them are asked as questions.
fn run(command: repl::Command) -> Handled {
    ask(
        move |debuggee, output, interrupt| {
            let mut context = repl::Context {
                debuggee,
                output,
                interrupt,
            };
            match command.run(&mut context) {
                Err(CommandError::Debuggee(error)) => Err(error),
                Err(wrong) => Ok(Err(wrong.to_string())),
                Ok(effect) => Ok(Ok(effect)),
            }
        },
        |session, request, effect| take_effect(session, request, effect),
    )
}

fn take_effect(
    session: &mut Session,
    request: &Request,
    effect: Result<Effect, String>,
) -> Handled {
    let said = |result: String| EvaluateResponse {
        result,
        ..EvaluateResponse::default()
    };
    match effect.map_err(Refusal::Because)? {
        Effect::Say(text) => Reply::body(request, &said(text)),
        Effect::Show(value) => {
            let response = session.evaluated(*value);
            Reply::body(request, &response)
        }
        Effect::Travel { say, motion } => {
            Reply::body_then(request, &said(say), Then::TravelUnasked(vec![motion]))
        }
    }
}

/// Completes the console's commands.
pub(super) fn completions(session: &mut Session, request: &Request) -> Handled {
    let arguments: CompletionsArguments = request.arguments()?;
    let column = session.point_in(1, Some(arguments.column)).ok();
    let before = column
        .and_then(|point| point.column)
        .and_then(|column| usize::try_from(column.saturating_sub(1)).ok())
        .map(|units| utf16_prefix(&arguments.text, units))
        .unwrap_or(&arguments.text);
    let targets = repl::completions(before)
        .map(|found| CompletionItem {
            label: found.text.to_owned(),
            detail: Some(found.about.to_owned()),
            type_field: Some(CompletionItemType::Keyword),
            start: Some(0),
            length: i64::try_from(before.encode_utf16().count()).ok(),
            ..CompletionItem::default()
        })
        .collect();
    Reply::body(request, &CompletionsResponse { targets })
}

/// Columns count UTF-16 code units.
fn utf16_prefix(text: &str, units: usize) -> &str {
    let mut seen = 0;
    for (at, character) in text.char_indices() {
        if seen >= units {
            return text.get(..at).unwrap_or(text);
        }
        seen += character.len_utf16();
    }
    text
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
        }
    }
}
