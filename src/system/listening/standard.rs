//! Standard input and output: one conversation each, however often a program asks for its end.

use super::bytes;
use super::call::Call;
use super::hearing::{FlowId, Hearing, Thing};
use crate::inspect::hostcall::lift::Lifted;
use crate::inspect::past::requests::values::first_handle;
use crate::system::conversation::{End, EndKind};

/// What is known of the program's standard streams.
#[derive(Debug, Default)]
pub(super) struct Standard {
    input: Option<FlowId>,
    output: Option<FlowId>,
}

impl Standard {
    /// A function is called.
    pub(super) fn called(&mut self, heard: &mut Hearing, call: &Call<'_>) {
        if call.function.names() != ("wasi:cli/stdout", "write-via-stream") {
            return;
        }
        let output = self.output(heard, call);
        let data = call.argument("data").and_then(first_handle);
        let data = data.unwrap_or_else(|| call.own().1);
        match bytes::given(heard, call.handle(data)) {
            Some(given) if heard.is_made(given) => heard.leads_to(given, output),
            // The host prints what comes out of a stream that the program handed on.
            _ => heard.unseen(output),
        }
    }

    /// A function has answered.
    pub(super) fn answered(
        &mut self,
        heard: &mut Hearing,
        call: &Call<'_>,
        answer: Option<&Lifted>,
    ) {
        let Some(index) = answer.and_then(first_handle) else {
            return;
        };
        let thing = match call.function.names() {
            ("wasi:cli/stdin", "get-stdin") => Thing::Input(self.input(heard, call)),
            ("wasi:cli/stdin", "read-via-stream") => Thing::Readable(self.input(heard, call)),
            ("wasi:cli/stdout", "get-stdout") => Thing::Output(self.output(heard, call)),
            _ => return,
        };
        heard.put(call.handle(index), thing);
    }

    fn input(&mut self, heard: &mut Hearing, call: &Call<'_>) -> FlowId {
        *self.input.get_or_insert_with(|| {
            let flow = heard.flow();
            let end = heard.begin(End::new(EndKind::StandardInput, call.made()));
            heard.receives(end, flow);
            flow
        })
    }

    fn output(&mut self, heard: &mut Hearing, call: &Call<'_>) -> FlowId {
        *self.output.get_or_insert_with(|| {
            let flow = heard.flow();
            let end = heard.begin(End::new(EndKind::StandardOutput, call.made()));
            heard.sends(end, flow);
            heard.ends_when_dropped(flow);
            flow
        })
    }
}
