//! What the host says of the requests that an instance was given: notes beside the events.

use super::format::SectionId;
use serde::{Deserialize, Serialize};
use std::io;

/// A request, as the host that served it has noted it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NotedRequest {
    /// Counts the requests of this recording, from 1: this is the n-th call of its handler.
    pub number: u64,
    /// The server's number of it.
    pub of_server: u64,
    /// `GET`, `POST`…
    pub method: String,
    /// The path with its query.
    pub target: String,
    /// The host that the client asked for.
    pub authority: Option<String>,
    /// Names and values; what is not Unicode in those is replaced.
    pub headers: Vec<(String, String)>,
    /// When its head had come in: nanoseconds since the Unix epoch.
    pub began: u64,
    /// What became of it, where the host got to know.
    pub answer: Option<NotedAnswer>,
}

/// What became of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NotedAnswer {
    /// The status that the client was given.
    pub status: Option<u16>,
    /// Why the component gave none, or not all of it.
    pub error: Option<String>,
    /// Bytes of the request's body that the component took.
    pub received: u64,
    /// Bytes of the answer's body.
    pub sent: u64,
    /// Nanoseconds from the request's head to the last byte of the answer.
    pub duration: u64,
    /// Whether the client was given all of the answer.
    pub is_whole: bool,
}

/// What a host notes while a run goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "note", content = "of")]
pub enum Note {
    /// A request was given to the instance, or is told once more with its answer.
    Request(NotedRequest),
    /// When the recording began, of a component that records itself: what it writes first was
    /// made before. The seconds since the Unix epoch in 16 hexadecimal digits, and nanoseconds in 8.
    Began(String),
    /// A request, by its number in this recording, was answered.
    Answered {
        /// As in [`NotedRequest::number`].
        number: u64,
        /// How.
        answer: NotedAnswer,
    },
}

impl Note {
    /// Seconds and nanoseconds since the Unix epoch, if it tells when the recording began.
    pub(super) fn began(&self) -> Option<(u64, u32)> {
        let Note::Began(digits) = self else {
            return None;
        };
        let (seconds, nanoseconds) = digits.split_at_checked(16)?;
        let seconds = u64::from_str_radix(seconds, 16).ok()?;
        Some((seconds, u32::from_str_radix(nanoseconds, 16).ok()?))
    }
}

/// So many requests are told in one section at the end.
const OF_SECTION: usize = 1024;

/// What sections at the end of a recording say of its requests.
pub(super) fn told(requests: &[NotedRequest]) -> io::Result<Vec<Vec<u8>>> {
    let mut sections = Vec::new();
    for part in requests.chunks(OF_SECTION) {
        let part: Vec<Note> = part.iter().cloned().map(Note::Request).collect();
        let text = serde_json::to_vec(&part).map_err(io::Error::other)?;
        // Where there is more than a section may hold, the notes among the events say it.
        if text.len() <= SectionId::Notes.max_plain() {
            sections.push(text);
        }
    }
    Ok(sections)
}

/// The requests that notes tell of, by their numbers; what is said later counts.
pub(super) fn requests(notes: impl IntoIterator<Item = Note>) -> Vec<NotedRequest> {
    let mut found = std::collections::BTreeMap::<u64, NotedRequest>::new();
    for note in notes {
        match note {
            Note::Request(request) => {
                found.insert(request.number, request);
            }
            Note::Answered { number, answer } => {
                if let Some(request) = found.get_mut(&number) {
                    request.answer = Some(answer);
                }
            }
            Note::Began(_) => {}
        }
    }
    found.into_values().collect()
}
