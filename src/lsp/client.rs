//! The client: what it can, and what is said to it unasked.

use crate::debuggee::{DebuggeeError, Output, Stream};
use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response};
use lsp_types::notification::{LogMessage, Progress, ShowMessage};
use lsp_types::request::{CodeLensRefresh, InlayHintRefreshRequest, WorkDoneProgressCreate};
use lsp_types::{
    ClientCapabilities, LogMessageParams, MessageType, NumberOrString, ProgressParams,
    ProgressParamsValue, ShowMessageParams, WorkDoneProgress, WorkDoneProgressBegin,
    WorkDoneProgressCreateParams, WorkDoneProgressEnd, WorkDoneProgressReport,
};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

/// Progress is told no more often.
const BETWEEN_REPORTS: Duration = Duration::from_millis(200);

/// Takes messages to the client; `false` if it is gone.
type Send = dyn Fn(Message) -> bool + std::marker::Send + Sync;

/// Says things to the client. Clones say it to the same one.
#[derive(Clone)]
pub(super) struct Client {
    send: Arc<Send>,
    last: Arc<AtomicI32>,
    can: Can,
}

/// What the client can.
#[derive(Debug, Clone, Copy)]
struct Can {
    refresh_lenses: bool,
    refresh_hints: bool,
    progress: bool,
}

impl Client {
    pub(super) fn new(
        capabilities: &ClientCapabilities,
        send: impl Fn(Message) -> bool + std::marker::Send + Sync + 'static,
    ) -> Client {
        let workspace = capabilities.workspace.as_ref();
        let lenses = workspace.and_then(|w| w.code_lens.as_ref()?.refresh_support);
        let hints = workspace.and_then(|w| w.inlay_hint.as_ref()?.refresh_support);
        let window = capabilities.window.as_ref();
        let progress = window.and_then(|window| window.work_done_progress);
        Client {
            send: Arc::new(send),
            last: Arc::default(),
            can: Can {
                refresh_lenses: lenses.unwrap_or(false),
                refresh_hints: hints.unwrap_or(false),
                progress: progress.unwrap_or(false),
            },
        }
    }

    fn send(&self, message: impl Into<Message>) {
        // Whoever is gone does not wait for it.
        _ = (self.send)(message.into());
    }

    pub(super) fn respond(&self, id: RequestId, result: impl Serialize) {
        self.send(match serde_json::to_value(result) {
            Ok(result) => Response::new_ok(id, result),
            Err(error) => internal(id, error.to_string()),
        });
    }

    /// Answers a question with what came of it.
    pub(super) fn answer(&self, id: RequestId, answer: Result<Value, DebuggeeError>) {
        match answer {
            Ok(answer) => self.respond(id, answer),
            Err(DebuggeeError::Interrupted) => {
                self.refuse(id, ErrorCode::RequestCanceled, "cancelled");
            }
            Err(error) => self.refuse(id, ErrorCode::RequestFailed, &error.to_string()),
        }
    }

    pub(super) fn refuse(&self, id: RequestId, code: ErrorCode, why: &str) {
        self.send(Response::new_err(id, code as i32, why.to_owned()));
    }

    fn notify<N: lsp_types::notification::Notification>(&self, params: N::Params) {
        self.send(Notification::new(N::METHOD.to_owned(), params));
    }

    /// What it answers does not matter.
    fn ask<R: lsp_types::request::Request>(&self, params: R::Params) {
        let id = self.last.fetch_add(1, Ordering::Relaxed);
        self.send(Request::new(id.into(), R::METHOD.to_owned(), params));
    }

    /// A message that a person should see.
    pub(super) fn show(&self, typ: MessageType, message: String) {
        self.notify::<ShowMessage>(ShowMessageParams { typ, message });
    }

    /// More is known than what was answered: the client asks again.
    pub(super) fn refresh(&self) {
        if self.can.refresh_lenses {
            self.ask::<CodeLensRefresh>(());
        }
        if self.can.refresh_hints {
            self.ask::<InlayHintRefreshRequest>(());
        }
    }

    /// Begins to tell how something long goes on.
    pub(super) fn progress(&self, title: String) -> Reporter {
        let token = format!("rr-dap/{}", self.last.fetch_add(1, Ordering::Relaxed));
        let token = NumberOrString::String(token);
        let reporter = Reporter {
            client: self.clone(),
            token: self.can.progress.then_some(token),
            told: Mutex::new(None),
        };
        if let Some(token) = &reporter.token {
            let token = token.clone();
            self.ask::<WorkDoneProgressCreate>(WorkDoneProgressCreateParams { token });
            reporter.tell(WorkDoneProgress::Begin(WorkDoneProgressBegin {
                title,
                cancellable: Some(false),
                ..WorkDoneProgressBegin::default()
            }));
        }
        reporter
    }
}

fn internal(id: RequestId, message: String) -> Response {
    Response::new_err(id, ErrorCode::InternalError as i32, message)
}

/// Tells how something long goes on, until it is dropped.
pub(super) struct Reporter {
    client: Client,
    /// None for a client that does not want to know.
    token: Option<NumberOrString>,
    told: Mutex<Option<Instant>>,
}

impl Reporter {
    fn tell(&self, progress: WorkDoneProgress) {
        if let Some(token) = &self.token {
            let value = ProgressParamsValue::WorkDone(progress);
            let token = token.clone();
            self.client
                .notify::<Progress>(ProgressParams { token, value });
        }
    }
}

impl Output for Reporter {
    /// What the guest prints is shown where it is debugged.
    fn guest(&self, _: Stream, _: &[u8]) {}

    fn console(&self, line: &str) {
        let (typ, message) = (MessageType::INFO, line.to_owned());
        let params = LogMessageParams { typ, message };
        self.client.notify::<LogMessage>(params);
    }

    fn progress(&self, percentage: Option<u8>, message: &str) {
        let mut told = self.told.lock();
        if told.is_some_and(|told| told.elapsed() < BETWEEN_REPORTS) {
            return;
        }
        *told = Some(Instant::now());
        self.tell(WorkDoneProgress::Report(WorkDoneProgressReport {
            cancellable: Some(false),
            message: Some(message.to_owned()),
            percentage: percentage.map(u32::from),
        }));
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.tell(WorkDoneProgress::End(WorkDoneProgressEnd::default()));
    }
}

/// For what is too short to be told of.
pub(super) struct Silent;

impl Output for Silent {
    fn guest(&self, _: Stream, _: &[u8]) {}

    fn console(&self, _: &str) {}

    fn progress(&self, _: Option<u8>, _: &str) {}
}
