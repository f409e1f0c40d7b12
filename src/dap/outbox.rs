//! Messages to the client: numbered, framed, written whole, from any thread.

use super::protocol::envelope::Answer;
use super::protocol::{Event, OutputEventBody, Request, codec, framing};
use crate::trace::private;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Writes every message of every session to a file, one JSON object a line:
/// `{"dir":"in"|"out","msg":…}`.
#[derive(Debug, Clone)]
pub struct MessageLog(Arc<Mutex<LogFile>>);

#[derive(Debug)]
struct LogFile {
    file: File,
    /// What is missing has been told.
    has_failed: bool,
}

impl MessageLog {
    /// Starts a new log, in place of what the file held. A file that is made is its owner's
    /// alone.
    ///
    /// # Errors
    ///
    /// If the file cannot be created.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = private::create(path)?;
        let has_failed = false;
        Ok(Self(Arc::new(Mutex::new(LogFile { file, has_failed }))))
    }

    pub(super) fn incoming(&self, body: &[u8]) {
        // What is not JSON cannot stand in a log of JSON; its error is logged.
        if let Ok(mut message) = serde_json::from_slice::<Value>(body) {
            if let Some(token) = message.pointer_mut("/arguments/token") {
                *token = "(not logged)".into();
            }
            self.line("in", &message);
        }
    }

    fn line(&self, dir: &str, message: &Value) {
        let line = format!("{}\n", json!({ "dir": dir, "msg": message }));
        // A full disk must not end a session that only happens to be logged.
        let mut log = self.0.lock();
        if let Err(error) = log.file.write_all(line.as_bytes())
            && !std::mem::replace(&mut log.has_failed, true)
        {
            tracing::warn!("the message log cannot be written, and has gaps: {error}");
        }
    }
}

/// The way to one client. Clones share it.
#[derive(Clone)]
pub struct Outbox {
    writer: Arc<Mutex<NumberedWriter>>,
    gone: Arc<AtomicBool>,
    log: Option<MessageLog>,
}

struct NumberedWriter {
    stream: Box<dyn Write + Send>,
    last_seq: i64,
}

impl Outbox {
    /// Writes to a client from now on, and to the log if there is one.
    pub fn new(stream: Box<dyn Write + Send>, log: Option<MessageLog>) -> Self {
        let writer = NumberedWriter {
            stream,
            last_seq: 0,
        };
        Self {
            writer: Arc::new(Mutex::new(writer)),
            gone: Arc::default(),
            log,
        }
    }

    /// Sends the response to a request.
    pub fn respond(&self, request: &Request, answer: Answer) {
        self.send(codec::response(request, answer));
    }

    /// Sends an event.
    pub fn event(&self, event: &Event) {
        match codec::event(event) {
            Ok(message) => self.send(message),
            Err(error) => tracing::error!("an event cannot be written: {error}"),
        }
    }

    /// Sends an `output` event.
    pub fn output(&self, body: OutputEventBody) {
        self.event(&Event::Output(Box::new(body)));
    }

    /// Once a write has failed the client is gone, and the reader will find
    /// that out too: nothing more is tried.
    fn send(&self, mut message: Value) {
        if self.gone.load(Ordering::Acquire) {
            return;
        }
        let mut writer = self.writer.lock();
        writer.last_seq += 1;
        message["seq"] = writer.last_seq.into();
        if let Some(log) = &self.log {
            log.line("out", &message);
        }
        let bytes = message.to_string();
        if framing::write_frame(&mut writer.stream, bytes.as_bytes()).is_err() {
            self.gone.store(true, Ordering::Release);
        }
    }
}
