//! A request, and what becomes of it.

use http::request::Parts;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

/// A request that came in, and what has become of it so far.
#[derive(Debug)]
pub struct Exchange {
    /// Counts the requests of this server, from 1.
    pub number: u64,
    /// `GET`, `POST`…
    pub method: String,
    /// The path with its query, as the client sent it.
    pub target: String,
    /// The host that the client asked for, if it said.
    pub authority: Option<String>,
    /// Names and values, as the client sent them.
    pub headers: Vec<(String, Vec<u8>)>,
    /// When its head had come in.
    pub began: SystemTime,
    begun: Instant,
    answer: Mutex<Answer>,
}

/// What has become of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status, once it is known.
    pub status: Option<u16>,
    /// Why there was no answer of the component's, or none to its end.
    pub error: Option<String>,
    /// Bytes of the request's body that have been taken.
    pub received: u64,
    /// Bytes of the answer's body that have been given.
    pub sent: u64,
    /// From the request's head to the last byte of the answer, once that has been given.
    pub duration: Option<Duration>,
    /// Whether all of the answer was given; otherwise the client has gone, or the component.
    pub is_whole: bool,
}

impl Exchange {
    pub(super) fn new(number: u64, request: &Parts) -> Exchange {
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into();
        let host = request.headers.get(http::header::HOST).map(text);
        let headers = request.headers.iter();
        Exchange {
            number,
            method: request.method.to_string(),
            target: request
                .uri
                .path_and_query()
                .map_or_else(|| "/".to_owned(), ToString::to_string),
            authority: request.uri.authority().map(ToString::to_string).or(host),
            headers: headers
                .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
                .collect(),
            began: SystemTime::now(),
            begun: Instant::now(),
            answer: Mutex::default(),
        }
    }

    /// What has become of it by now.
    pub fn answer(&self) -> Answer {
        self.with(|answer| answer.clone())
    }

    /// It was given up for this reason; the first one counts.
    pub fn give_up(&self, error: impl FnOnce() -> String) {
        self.with(|answer| {
            if answer.duration.is_none() && answer.error.is_none() {
                answer.error = Some(error());
            }
        });
    }

    /// Whether no byte of its answer will follow.
    pub fn is_answered(&self) -> bool {
        self.with(|answer| answer.duration.is_some())
    }

    /// Its instance has ended: this is why there is no answer, or not all of it. If all of it
    /// was given, that is nothing to it.
    pub fn end_by(&self, error: impl FnOnce() -> String) {
        self.with(|answer| {
            if !answer.is_whole || answer.error.is_some() {
                answer.error = Some(error());
            }
        });
    }

    pub(super) fn end(&self, is_whole: bool) {
        let duration = self.begun.elapsed();
        self.with(|answer| {
            answer.duration = Some(duration);
            answer.is_whole = is_whole;
        });
    }

    pub(super) fn with<R>(&self, change: impl FnOnce(&mut Answer) -> R) -> R {
        // Nothing panics while it is held; and what a panic leaves would do.
        let mut answer = self.answer.lock().unwrap_or_else(|e| e.into_inner());
        change(&mut answer)
    }
}
