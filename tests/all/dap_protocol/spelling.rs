//! What is in our messages, as the protocol spells it.

use crate::support::client::validate;
use rr_dap::dap::protocol::command::{self, Arguments, Command};
use rr_dap::dap::protocol::custom::DeclaredCapabilities;
use rr_dap::dap::protocol::*;
use serde_json::{Value, json};

fn arguments<C: Command>(arguments: Value) -> C::Arguments {
    C::Arguments::read(C::NAME, &arguments).unwrap()
}

/// What is sent, as JSON.
fn sent(event: &Event) -> Value {
    codec::event(event).unwrap()["body"].take()
}

fn body<C: Command>(body: &C::Response) -> Value {
    let request = Request {
        seq: 1,
        command: C::NAME.into(),
        arguments: Value::Null,
    };
    let mut response = codec::response(&request, codec::body(body));
    response["seq"] = json!(1);
    validate(&response);
    response["body"].take()
}

#[test]
fn sources_come_in_and_go_out_in_camel_case() {
    let wire = json!({
        "name": "a", "sourceReference": 7, "presentationHint": "deemphasize",
        "adapterData": { "source_reference": 1, "sourceReference": 2, "nothing": null },
        "sources": [{ "sourceReference": 8 }],
    });
    let read = arguments::<command::SetBreakpoints>(json!({ "source": wire }));
    assert_eq!(read.source.source_reference, Some(7));
    assert_eq!(
        read.source.presentation_hint,
        Some(SourcePresentationHint::Deemphasize)
    );
    let inner = read.source.sources.as_ref().unwrap();
    assert_eq!(inner[0].source_reference, Some(8));

    let sources = vec![read.source.clone()];
    assert_eq!(
        body::<command::LoadedSources>(&LoadedSourcesResponse { sources })["sources"][0],
        wire
    );
    let output = Event::Output(Box::new(OutputEventBody {
        source: Some(read.source.clone()),
        ..OutputEventBody::default()
    }));
    assert_eq!(sent(&output)["source"], wire);
    let instructions = vec![DisassembledInstruction {
        location: Some(read.source),
        ..DisassembledInstruction::default()
    }];
    let sent = body::<command::Disassemble>(&DisassembleResponse { instructions });
    assert_eq!(sent["instructions"][0]["location"], wire);
}

#[test]
fn breakpoints_come_in_and_go_out_in_camel_case() {
    let wanted = json!({ "line": 1, "hitCondition": "> 2", "logMessage": "{x}" });
    let read =
        arguments::<command::SetBreakpoints>(json!({ "source": {}, "breakpoints": [wanted] }));
    let read = &read.breakpoints.unwrap()[0];
    assert_eq!(read.hit_condition.as_deref(), Some("> 2"));
    assert_eq!(read.log_message.as_deref(), Some("{x}"));

    let breakpoint = Breakpoint {
        end_line: Some(2),
        end_column: Some(3),
        instruction_reference: Some("0x1".into()),
        source: Some(Source {
            source_reference: Some(4),
            ..Source::default()
        }),
        ..Breakpoint::default()
    };
    let wire = json!({
        "verified": false, "endLine": 2, "endColumn": 3, "instructionReference": "0x1",
        "source": { "sourceReference": 4 },
    });
    let response = SetBreakpointsResponse {
        breakpoints: vec![breakpoint],
    };
    for sent in [
        body::<command::SetBreakpoints>(&response),
        body::<command::SetFunctionBreakpoints>(&response),
        body::<command::SetInstructionBreakpoints>(&response),
    ] {
        assert_eq!(sent["breakpoints"][0], wire);
    }
}

#[test]
fn filters_and_continuing_go_out_in_camel_case() {
    let filter = ExceptionBreakpointsFilter {
        filter: "f".into(),
        label: "l".into(),
        supports_condition: Some(true),
        condition_description: Some("d".into()),
        ..ExceptionBreakpointsFilter::default()
    };
    let capabilities = DeclaredCapabilities {
        known: Capabilities {
            exception_breakpoint_filters: Some(vec![filter]),
            ..Capabilities::default()
        },
        ..DeclaredCapabilities::default()
    };
    assert_eq!(
        body::<command::Initialize>(&capabilities)["exceptionBreakpointFilters"][0],
        json!({
            "filter": "f", "label": "l", "supportsCondition": true,
            "conditionDescription": "d",
        })
    );
    let response = ContinueResponse {
        all_threads_continued: Some(true),
    };
    assert_eq!(
        body::<command::Continue>(&response),
        json!({ "allThreadsContinued": true })
    );
}

#[test]
fn a_stop_has_no_nulls_and_the_reasons_of_the_protocol() {
    for (reason, name) in [
        (
            StoppedEventReason::FunctionBreakpoint,
            "function breakpoint",
        ),
        (StoppedEventReason::DataBreakpoint, "data breakpoint"),
        (
            StoppedEventReason::InstructionBreakpoint,
            "instruction breakpoint",
        ),
        (StoppedEventReason::Step, "step"),
    ] {
        let event = Event::Stopped(StoppedEventBody {
            reason,
            description: None,
            thread_id: Some(1),
            preserve_focus_hint: None,
            text: None,
            all_threads_stopped: None,
            hit_breakpoint_ids: None,
        });
        assert_eq!(sent(&event), json!({ "reason": name, "threadId": 1 }));
    }
}
