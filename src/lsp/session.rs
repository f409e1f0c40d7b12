//! What the client asks, and who answers it.

use super::client::{Client, Silent};
use super::code_lens::{GO_TO, lenses};
use super::documents::{Documents, path_of};
use super::hover::{self, Pointed};
use super::inlay_hints::hints;
use super::moments::{Found, GoTo, find};
use super::recordings::Recording;
use super::settings::Settings;
use super::words::expression_at;
use super::{LanguageServer, LspError, inline_values, references};
use crate::debuggee::{Debuggee, DebuggeeError};
use crate::questions::{Asked, QuestionError};
use crate::timeline::Interrupt;
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, RequestId};
use lsp_types::notification::{
    Cancel, DidChangeConfiguration, DidChangeTextDocument, DidCloseTextDocument,
    DidOpenTextDocument, Notification as _,
};
use lsp_types::request::{
    CodeLensRequest, ExecuteCommand, HoverRequest, InlayHintRequest, InlineValueRequest,
    References, Request as _, Shutdown,
};
use lsp_types::{
    CancelParams, CodeLensOptions, CodeLensParams, ExecuteCommandOptions, ExecuteCommandParams,
    Hover, HoverContents, HoverParams, HoverProviderCapability, InitializeParams, InitializeResult,
    InlayHintParams, InlineValueParams, MarkupContent, MarkupKind, MessageType, NumberOrString,
    OneOf, ReferenceParams, ServerCapabilities, ServerInfo, TextDocumentPositionParams,
    TextDocumentSyncCapability, TextDocumentSyncKind, Uri,
};
use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// A request of ours: the moment that a lens leads to.
const FIND: &str = "rr/find";

/// What was asked and is not answered yet.
type Pending = Arc<Mutex<HashMap<RequestId, Interrupt>>>;

/// Speaks with a client until that has it end, or is gone.
pub(super) fn run(server: LanguageServer, connection: &Connection) -> Result<(), LspError> {
    let (id, params) = connection.initialize_start()?;
    let params: InitializeParams = match serde_json::from_value(params) {
        Ok(params) => params,
        Err(error) => {
            let why = LspError::Initialize(error);
            let code = ErrorCode::InvalidParams as i32;
            let refused = lsp_server::Response::new_err(id, code, why.to_string());
            // It may be gone as well.
            _ = connection.sender.send(refused.into());
            return Err(why);
        }
    };
    let settings = Settings::given(params.initialization_options.clone());
    let told = InitializeResult {
        capabilities: capabilities(&settings),
        server_info: Some(ServerInfo {
            name: "rr-dap".to_owned(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        }),
    };
    let told = serde_json::to_value(told).map_err(LspError::Initialize)?;
    connection.initialize_finish(id, told)?;
    let sender = connection.sender.clone();
    let client = Client::new(&params.capabilities, move |message| {
        sender.send(message).is_ok()
    });
    let folders = folders(&params);
    let recordings = server
        .recordings
        .iter()
        .map(|path| Recording::open(path, &server.launcher, folders.clone(), &client));
    let recordings = recordings.collect::<Result<Vec<_>, _>>()?;
    let mut session = Session {
        client,
        recordings,
        documents: Documents::default(),
        settings,
        pending: Pending::default(),
    };
    session.listen(connection)
}

fn capabilities(settings: &Settings) -> ServerCapabilities {
    let commands = (!settings.client_goes).then(|| ExecuteCommandOptions {
        commands: vec![GO_TO.to_owned()],
        ..ExecuteCommandOptions::default()
    });
    ServerCapabilities {
        text_document_sync: Some(TextDocumentSyncCapability::Kind(TextDocumentSyncKind::FULL)),
        code_lens_provider: Some(CodeLensOptions {
            resolve_provider: None,
        }),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        references_provider: Some(OneOf::Left(true)),
        inlay_hint_provider: Some(OneOf::Left(true)),
        inline_value_provider: Some(OneOf::Left(true)),
        execute_command_provider: commands,
        ..ServerCapabilities::default()
    }
}

/// Where sources are looked for, too.
fn folders(params: &InitializeParams) -> Vec<PathBuf> {
    let folders = params.workspace_folders.iter().flatten();
    let paths = folders.filter_map(|folder| path_of(&folder.uri));
    paths.map(PathBuf::from).collect()
}

struct Session {
    client: Client,
    recordings: Vec<Recording>,
    documents: Documents,
    settings: Settings,
    pending: Pending,
}

impl Session {
    fn listen(&mut self, connection: &Connection) -> Result<(), LspError> {
        for message in &connection.receiver {
            match message {
                Message::Request(request) => {
                    if request.method == Shutdown::METHOD {
                        self.give_up_all();
                        connection.handle_shutdown(&request)?;
                        return Ok(());
                    }
                    self.request(request);
                }
                Message::Notification(notification) => self.notification(notification),
                // What we ask needs no answer.
                Message::Response(_) => {}
            }
        }
        // The client is gone.
        self.give_up_all();
        Ok(())
    }

    fn give_up_all(&mut self) {
        self.pending.lock().values().for_each(Interrupt::raise);
    }

    fn request(&mut self, request: Request) {
        let Request { id, method, params } = request;
        match method.as_str() {
            CodeLensRequest::METHOD => self.now(id, params, Session::code_lens),
            InlayHintRequest::METHOD => self.now(id, params, Session::inlay_hints),
            InlineValueRequest::METHOD => self.inline_values(id, params),
            HoverRequest::METHOD => self.hover(id, params),
            References::METHOD => self.references(id, params),
            ExecuteCommand::METHOD => self.execute(id, params),
            FIND => self.find(id, params),
            _ => self.client.refuse(
                id,
                ErrorCode::MethodNotFound,
                &format!("`{method}` is not understood here"),
            ),
        }
    }

    fn notification(&mut self, notification: Notification) {
        let Notification { method, params } = notification;
        match method.as_str() {
            DidOpenTextDocument::METHOD => self.heard::<DidOpenTextDocument>(params, |it, p| {
                it.documents
                    .open(&p.text_document.uri, p.text_document.text);
            }),
            DidChangeTextDocument::METHOD => {
                self.heard::<DidChangeTextDocument>(params, |it, p| {
                    it.documents.change(&p.text_document.uri, p.content_changes);
                });
            }
            DidCloseTextDocument::METHOD => self.heard::<DidCloseTextDocument>(params, |it, p| {
                it.documents.close(&p.text_document.uri);
            }),
            DidChangeConfiguration::METHOD => {
                self.heard::<DidChangeConfiguration>(params, |it, p| {
                    let changed = it.settings.changed(&p.settings);
                    if std::mem::replace(&mut it.settings, changed) != it.settings {
                        it.client.refresh();
                    }
                });
            }
            Cancel::METHOD => self.heard::<Cancel>(params, |it, CancelParams { id }| {
                let id = match id {
                    NumberOrString::Number(number) => RequestId::from(number),
                    NumberOrString::String(text) => RequestId::from(text),
                };
                if let Some(interrupt) = it.pending.lock().get(&id) {
                    interrupt.raise();
                }
            }),
            // The protocol lets servers pass over what they do not know.
            _ => {}
        }
    }

    /// What cannot be read is passed over, as nobody waits for an answer.
    fn heard<N: lsp_types::notification::Notification>(
        &mut self,
        params: Value,
        hear: impl FnOnce(&mut Session, N::Params),
    ) {
        match serde_json::from_value(params) {
            Ok(params) => hear(self, params),
            Err(error) => tracing::warn!("`{}` cannot be read: {error}", N::METHOD),
        }
    }

    /// Reads what is asked with, or refuses it.
    fn read<P: DeserializeOwned>(&self, id: &RequestId, params: Value) -> Option<P> {
        serde_json::from_value(params)
            .map_err(|error| {
                let code = ErrorCode::InvalidParams;
                self.client.refuse(id.clone(), code, &error.to_string());
            })
            .ok()
    }

    /// Answers from what is known.
    fn now<P: DeserializeOwned, R: Serialize>(
        &mut self,
        id: RequestId,
        params: Value,
        answer: impl FnOnce(&Session, P) -> R,
    ) {
        if let Some(params) = self.read(&id, params) {
            let answer = answer(self, params);
            self.client.respond(id, answer);
        }
    }

    /// Has a recording's debuggee asked; the client may cancel that.
    fn later(
        &self,
        recording: &Recording,
        id: RequestId,
        ask: impl FnOnce(&mut dyn Debuggee, &Interrupt) -> Result<Value, DebuggeeError> + Send + 'static,
    ) {
        let interrupt = Interrupt::new();
        self.pending.lock().insert(id.clone(), interrupt.clone());
        let (pending, client) = (self.pending.clone(), self.client.clone());
        recording.ask(move |debuggee| {
            let answer = match debuggee {
                _ if interrupt.is_raised() => Err(DebuggeeError::Interrupted),
                Ok(debuggee) => ask(debuggee, &interrupt),
                Err(why) => Err(why),
            };
            pending.lock().remove(&id);
            client.answer(id, answer);
        });
    }

    /// The first recording that a file is of, as far as is known by now.
    fn recording_of(&self, path: &str) -> Option<&Recording> {
        let mut recordings = self.recordings.iter();
        recordings.find(|recording| recording.counts_of(path).is_some())
    }

    fn code_lens(&self, params: CodeLensParams) -> Vec<lsp_types::CodeLens> {
        let path = path_of(&params.text_document.uri);
        match path.filter(|_| self.settings.code_lens) {
            Some(path) => lenses(self.recordings.iter(), &path, self.settings.client_goes),
            None => Vec::new(),
        }
    }

    fn inlay_hints(&self, params: InlayHintParams) -> Vec<lsp_types::InlayHint> {
        let uri: &Uri = &params.text_document.uri;
        let path = path_of(uri).filter(|_| self.settings.inlay_hints);
        let Some(path) = path else {
            return Vec::new();
        };
        let lines = self.documents.lines(uri);
        let unrun = self.settings.show_unrun;
        hints(self.recordings.iter(), &path, &lines, params.range, unrun)
    }

    fn inline_values(&mut self, id: RequestId, params: Value) {
        let Some(params) = self.read::<InlineValueParams>(&id, params) else {
            return;
        };
        let uri = params.text_document.uri;
        let path = path_of(&uri).filter(|_| self.settings.inline_values);
        let of = path.and_then(|path| Some((self.recording_of(&path)?, path)));
        let Some((recording, path)) = of else {
            return self.client.respond(id, Vec::<Value>::new());
        };
        let lines = self.documents.lines(&uri).into_iter();
        let lines: Vec<String> = lines.map(str::to_owned).collect();
        let file = recording.inward(&path);
        let stopped = params.context.stopped_location.end.line;
        self.later(recording, id, move |debuggee, _| {
            let variables = debuggee.variables_of_line(&file, u64::from(stopped) + 1);
            let values = inline_values::values(&lines, params.range, stopped, &variables);
            written(values)
        });
    }
}

/// What needs the debuggee.
impl Session {
    /// What a position in a text is of: a recording and a path there, if any is known to have
    /// it; the line from 1, how often it ran, and the expression under it.
    fn pointed(&self, at: &TextDocumentPositionParams) -> Option<(&Recording, Pointed)> {
        let (uri, position) = (&at.text_document.uri, at.position);
        let path = path_of(uri)?;
        let recording = self.recording_of(&path)?;
        let counts = recording.counts_of(&path)?;
        let line = position.line.checked_add(1)?;
        let text = self.documents.line(uri, position.line).unwrap_or_default();
        let expression = expression_at(text, position.character);
        let pointed = Pointed {
            file: recording.inward(&path),
            line: u64::from(line),
            visits: *counts.lines.get(&line)?,
            expression: expression.map(|word| word.text.to_owned()),
        };
        Some((recording, pointed))
    }

    fn hover(&mut self, id: RequestId, params: Value) {
        let Some(params) = self.read::<HoverParams>(&id, params) else {
            return;
        };
        let Some((recording, pointed)) = self.pointed(&params.text_document_position_params) else {
            return self.client.respond(id, Value::Null);
        };
        self.later(recording, id, move |debuggee, interrupt| {
            let told = hover::told(&pointed, &mut asked(debuggee, &Silent, interrupt));
            let contents = HoverContents::Markup(MarkupContent {
                kind: MarkupKind::Markdown,
                value: told.map_err(unanswered)?,
            });
            written(Hover {
                contents,
                range: None,
            })
        });
    }

    fn references(&mut self, id: RequestId, params: Value) {
        let Some(params) = self.read::<ReferenceParams>(&id, params) else {
            return;
        };
        let pointed = self.pointed(&params.text_document_position);
        let Some((recording, pointed, expression)) = pointed.and_then(|(recording, pointed)| {
            let expression = pointed.expression.clone()?;
            Some((recording, pointed, expression))
        }) else {
            return self.client.respond(id, Vec::<Value>::new());
        };
        let mapping = recording.mapping().clone();
        let client = self.client.clone();
        self.later(recording, id, move |debuggee, interrupt| {
            let reporter = client.progress(format!("Looking for writes of {expression}"));
            let asked = &mut asked(debuggee, &reporter, interrupt);
            let (file, line) = (&pointed.file, pointed.line);
            let found = references::writes(file, line, &expression, &mapping, asked);
            written(found.map_err(unanswered)?)
        });
    }

    fn find(&mut self, id: RequestId, params: Value) {
        let Some(wanted) = self.read::<GoTo>(&id, params) else {
            return;
        };
        self.go_to(id, wanted, |_, found| written(found));
    }

    /// The command of a lens, where the client cannot go anywhere itself: how to go there is
    /// told.
    fn execute(&mut self, id: RequestId, params: Value) {
        let Some(params) = self.read::<ExecuteCommandParams>(&id, params) else {
            return;
        };
        if params.command != GO_TO {
            let why = format!("there is no command `{}`", params.command);
            return self.client.refuse(id, ErrorCode::InvalidParams, &why);
        }
        let first = params.arguments.into_iter().next().unwrap_or_default();
        let Some(wanted) = self.read::<GoTo>(&id, first) else {
            return;
        };
        self.go_to(id, wanted, |client, found| {
            let told = format!(
                "{}: in the debug session, `seek {}`",
                found.text, found.position
            );
            client.show(MessageType::INFO, told);
            written(found)
        });
    }

    fn go_to(
        &self,
        id: RequestId,
        wanted: GoTo,
        answer: impl FnOnce(&Client, Found) -> Result<Value, DebuggeeError> + Send + 'static,
    ) {
        let mut recordings = self.recordings.iter();
        let Some(recording) = recordings.find(|known| known.path() == wanted.recording) else {
            let why = format!("{} is not open here", wanted.recording.display());
            return self.client.refuse(id, ErrorCode::InvalidParams, &why);
        };
        let file = recording.inward(&wanted.file);
        let client = self.client.clone();
        self.later(recording, id, move |debuggee, interrupt| {
            let reporter = client.progress("Looking for that moment".to_owned());
            let found = find(&wanted, file, debuggee, &reporter, interrupt)?;
            answer(&client, found)
        });
    }
}

fn asked<'a>(
    debuggee: &'a mut dyn Debuggee,
    output: &'a dyn crate::debuggee::Output,
    interrupt: &'a Interrupt,
) -> Asked<'a> {
    Asked {
        debuggee,
        frame: None,
        output,
        interrupt,
    }
}

fn unanswered(error: QuestionError) -> DebuggeeError {
    match error {
        QuestionError::Debuggee(error) => error,
        other => DebuggeeError::other(other.to_string()),
    }
}

/// An answer as JSON.
fn written(answer: impl Serialize) -> Result<Value, DebuggeeError> {
    serde_json::to_value(answer).map_err(|error| DebuggeeError::other(error.to_string()))
}
