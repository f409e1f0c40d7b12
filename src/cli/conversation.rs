//! Conversations with a server of the command's own.

use crate::dap::client::{Client, ClientError};
use crate::dap::protocol::{OutputEventBody, OutputEventCategory};
use serde::Deserialize;
use serde_json::Value;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Something that the server prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) category: Category,
    pub(super) text: String,
}

/// Whose words they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Category {
    /// The guest's standard output.
    Stdout,
    /// The guest's standard error.
    Stderr,
    /// The debugger's own.
    Console,
}

impl Said {
    /// What a message prints, if it does.
    fn of(message: &Value) -> Option<Said> {
        if message["event"] != "output" {
            return None;
        }
        let body = OutputEventBody::deserialize(&message["body"]).ok()?;
        let category = match body.category {
            Some(OutputEventCategory::Stdout) => Category::Stdout,
            Some(OutputEventCategory::Stderr) => Category::Stderr,
            Some(OutputEventCategory::Telemetry) => return None,
            _ => Category::Console,
        };
        let text = body.output;
        Some(Said { category, text })
    }
}

/// Something that the server says without being asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    Said(Said),
    Progress(Progress),
}

/// How far long work has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) stage: Stage,
    pub(super) percentage: Option<u8>,
    /// What is being done.
    pub(super) message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Begins,
    GoesOn,
    Ends,
}

impl Progress {
    /// What a message tells of it, if it does.
    fn of(message: &Value) -> Option<Progress> {
        let stage = match message["event"].as_str()? {
            "progressStart" => Stage::Begins,
            "progressUpdate" => Stage::GoesOn,
            "progressEnd" => Stage::Ends,
            _ => return None,
        };
        let body = &message["body"];
        let percentage = body["percentage"].as_f64();
        Some(Progress {
            stage,
            percentage: percentage.map(|part| part.clamp(0.0, 100.0) as u8),
            message: body["message"].as_str().unwrap_or_default().to_owned(),
        })
    }
}

/// Starts this executable as editors do; the listener hears what it prints, as it comes.
pub(super) fn start(
    arguments: &[&str],
    mut listener: impl FnMut(&Heard) + 'static,
) -> Result<Client, ClientError> {
    let mut server = Command::new(std::env::current_exe().map_err(ClientError::Start)?);
    server.args(arguments);
    // An interrupt from the terminal is for the client, which passes it on.
    server.process_group(0);
    Client::start(&mut server, move |message| {
        let said = || Said::of(message).map(Heard::Said);
        let progress = || Progress::of(message).map(Heard::Progress);
        if let Some(heard) = said().or_else(progress) {
            listener(&heard);
        }
        let event = message["event"].as_str();
        matches!(
            event,
            Some("initialized" | "continued" | "stopped" | "terminated")
        )
    })
}
