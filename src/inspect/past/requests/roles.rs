//! Which crossings say something of requests.

use crate::component::{Builtin, Crossing, CrossingKind, Transmit};

/// What a crossing is to requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Nothing.
    Other,
    /// Gives the guest a request.
    Handler,
    /// Goes on with a function that waits.
    Callback,
    /// A request to another server.
    Client,
    Method,
    Target,
    Authority,
    /// The headers of a request, as a handle.
    Headers,
    /// All names and values of headers.
    Entries,
    /// WASI 0.2: the body of a request.
    Consume,
    /// WASI 0.3: its stream, and its trailers.
    ConsumeStream,
    /// The stream of a body.
    BodyStream,
    Read,
    FinishIncoming,
    /// An answer, in WASI 0.2.
    Response,
    /// An answer, in WASI 0.3, with its body.
    ResponseWithBody,
    Status,
    ResponseBody,
    BodyWrite,
    Write,
    WriteZeroes,
    Splice,
    FinishOutgoing,
    /// Headers that the guest makes: none, those of a list, or a copy.
    FieldsNew,
    FieldsFrom,
    FieldsCopy,
    /// Changes of them.
    FieldsSet,
    FieldsAppend,
    FieldsDelete,
    /// Gives the answer, in WASI 0.2.
    Outparam,
    /// Gives the answer, in WASI 0.3.
    TaskReturn,
    Drop,
    Join,
    Wait,
    ContextGet,
    ContextSet,
    StreamNew,
    StreamRead,
    StreamWrite,
    CancelRead,
    CancelWrite,
    DropReadable,
    DropWritable,
}

impl Role {
    pub(super) fn of(crossing: &Crossing) -> Role {
        match &crossing.kind {
            CrossingKind::Lift if is_handler(crossing) => Role::Handler,
            CrossingKind::Callback => Role::Callback,
            CrossingKind::Builtin(builtin) => Role::of_builtin(builtin),
            CrossingKind::Lower => Role::of_function(&crossing.name),
            _ => Role::Other,
        }
    }

    fn of_builtin(builtin: &Builtin) -> Role {
        match builtin {
            Builtin::TaskReturn(_) => Role::TaskReturn,
            Builtin::ResourceDrop(_) => Role::Drop,
            Builtin::WaitableJoin => Role::Join,
            Builtin::WaitableSetWait | Builtin::WaitableSetPoll => Role::Wait,
            Builtin::ContextGet(0) => Role::ContextGet,
            Builtin::ContextSet(0) => Role::ContextSet,
            Builtin::Stream(transmit, _) => match transmit {
                Transmit::New => Role::StreamNew,
                Transmit::Read => Role::StreamRead,
                Transmit::Write => Role::StreamWrite,
                Transmit::CancelRead => Role::CancelRead,
                Transmit::CancelWrite => Role::CancelWrite,
                Transmit::DropReadable => Role::DropReadable,
                Transmit::DropWritable => Role::DropWritable,
            },
            _ => Role::Other,
        }
    }

    fn of_function(name: &str) -> Role {
        let Some((interface, function)) = name.split_once('#') else {
            return Role::Other;
        };
        let (interface, version) = interface.split_once('@').unwrap_or((interface, ""));
        match (interface, function) {
            ("wasi:http/outgoing-handler" | "wasi:http/handler", "handle")
            | ("wasi:http/client", "send") => Role::Client,
            ("wasi:io/streams", function) => match function {
                "[method]input-stream.read" | "[method]input-stream.blocking-read" => Role::Read,
                "[method]output-stream.write"
                | "[method]output-stream.blocking-write-and-flush" => Role::Write,
                "[method]output-stream.write-zeroes"
                | "[method]output-stream.blocking-write-zeroes-and-flush" => Role::WriteZeroes,
                "[method]output-stream.splice" | "[method]output-stream.blocking-splice" => {
                    Role::Splice
                }
                _ => Role::Other,
            },
            ("wasi:http/types", function) => match function {
                "[method]incoming-request.method" | "[method]request.get-method" => Role::Method,
                "[method]incoming-request.path-with-query"
                | "[method]request.get-path-with-query" => Role::Target,
                "[method]incoming-request.authority" | "[method]request.get-authority" => {
                    Role::Authority
                }
                "[method]incoming-request.headers" | "[method]request.get-headers" => Role::Headers,
                "[method]fields.entries" | "[method]fields.copy-all" => Role::Entries,
                "[method]incoming-request.consume" => Role::Consume,
                "[static]request.consume-body" => Role::ConsumeStream,
                "[method]incoming-body.stream" => Role::BodyStream,
                "[static]incoming-body.finish" => Role::FinishIncoming,
                "[constructor]outgoing-response" => Role::Response,
                "[static]response.new" if version.starts_with("0.3") => Role::ResponseWithBody,
                "[method]outgoing-response.set-status-code"
                | "[method]response.set-status-code" => Role::Status,
                "[method]outgoing-response.body" => Role::ResponseBody,
                "[method]outgoing-body.write" => Role::BodyWrite,
                "[static]outgoing-body.finish" => Role::FinishOutgoing,
                "[static]response-outparam.set" => Role::Outparam,
                "[constructor]fields" => Role::FieldsNew,
                "[static]fields.from-list" => Role::FieldsFrom,
                "[method]fields.clone" => Role::FieldsCopy,
                "[method]fields.set" => Role::FieldsSet,
                "[method]fields.append" => Role::FieldsAppend,
                "[method]fields.delete" | "[method]fields.get-and-delete" => Role::FieldsDelete,
                _ => Role::Other,
            },
            _ => Role::Other,
        }
    }

    /// Whether what the host writes into the guest's memory matters.
    pub(super) fn wants_writes(self) -> bool {
        matches!(
            self,
            Role::Method
                | Role::Target
                | Role::Authority
                | Role::Entries
                | Role::Consume
                | Role::ConsumeStream
                | Role::BodyStream
                | Role::Read
                | Role::ResponseWithBody
                | Role::ResponseBody
                | Role::BodyWrite
                | Role::Write
                | Role::WriteZeroes
                | Role::Splice
                | Role::FieldsFrom
                | Role::FieldsSet
                | Role::FieldsAppend
                | Role::FieldsDelete
                | Role::Wait
        )
    }
}

/// Whether a crossing gives the guest requests: the function of the world that a service
/// exports.
pub fn is_handler(crossing: &Crossing) -> bool {
    let name = crossing.name.strip_suffix("#handle");
    let interface = name.filter(|_| crossing.kind == CrossingKind::Lift);
    interface.is_some_and(|interface| {
        interface.starts_with("wasi:http/incoming-handler@0.2")
            || interface.starts_with("wasi:http/handler@0.3")
    })
}
