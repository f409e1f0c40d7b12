//! The requests that a service was given, and what became of each: of what the host has noted
//! of them, and of the recording's events.
//!
//! Nothing is replayed. What a host writes into the guest's memory is in the events, and so
//! are the statuses and handles that the guest passes; what the guest has in its own memory
//! only, such as the body of its answer, is not.

mod answering;
mod bodies;
mod given;
mod reading;
mod roles;
mod said;
mod tasks;
mod things;
pub mod values;

pub use roles::is_handler;
pub(in crate::inspect) use said::Listening;
pub use said::Said;

use crate::component::Component;
use crate::trace::{Entered, NotedRequest, Outcome, Trace, WallTime};

/// A request, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Counts the requests of a recording, from 1.
    pub number: u64,
    /// `GET`, `POST`…; `None` if neither the host has noted it nor the guest asked for it.
    pub method: Option<String>,
    /// The path with its query.
    pub target: Option<String>,
    /// The host that the client asked for.
    pub authority: Option<String>,
    /// Names and values, as far as they are known.
    pub headers: Vec<(String, String)>,
    /// What the guest has read of the body.
    pub body: Body,
    /// Names and values of the answer's headers, where a replay has told them.
    pub answer_headers: Vec<(String, String)>,
    /// What the guest has written as the answer's body; its bytes only where a replay has told
    /// them.
    pub answer_body: Body,
    /// That of the answer: what the client was given, or else what the guest has set.
    pub status: Option<u16>,
    /// How it ended.
    pub ending: RequestEnding,
    /// Where the program was given it; `None` if it never was.
    pub entered: Option<Entered>,
    /// Calls out that had been made when the last of the code had run that is known to be
    /// this request's; `None` if the recording ends before, or it never began.
    pub end: Option<u64>,
    /// Calls out that are known to have been made in it, without the component model's plumbing.
    pub hostcalls: u64,
    /// Requests to other servers that it has made.
    pub outgoing: u64,
    /// Bytes of the request's body that the guest took.
    pub received: u64,
    /// Bytes of the answer's body.
    pub sent: u64,
    /// When its head had come in: nanoseconds since the Unix epoch.
    pub began: Option<u64>,
    /// Nanoseconds from the request's head to the last byte of the answer.
    pub duration: Option<u64>,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestEnding {
    /// It was answered.
    Answered,
    /// The run ended in it, in this way.
    Trapped(String),
    /// There was an error in place of an answer, or in the middle of one.
    Failed(String),
    /// The program was done with it and had given no answer.
    Unanswered,
    /// The recording ends before it was answered.
    Unfinished,
}

impl RequestEnding {
    /// One word for it.
    pub fn word(&self) -> &'static str {
        match self {
            RequestEnding::Answered => "answered",
            RequestEnding::Trapped(_) => "trapped",
            RequestEnding::Failed(_) => "failed",
            RequestEnding::Unanswered => "unanswered",
            RequestEnding::Unfinished => "unfinished",
        }
    }

    /// What went wrong.
    pub fn error(&self) -> Option<&str> {
        match self {
            RequestEnding::Trapped(error) | RequestEnding::Failed(error) => Some(error),
            RequestEnding::Answered | RequestEnding::Unanswered | RequestEnding::Unfinished => None,
        }
    }
}

/// The beginning of a body, and how it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body {
    /// The first bytes.
    pub head: Vec<u8>,
    /// How many bytes came in all.
    pub length: u64,
    /// After so many calls out so many bytes had come, ascending.
    pub came: Vec<(u64, u64)>,
}

impl Body {
    /// How many bytes had come where so many calls out had been made.
    pub fn length_at(&self, events: u64) -> u64 {
        let known = self.came.partition_point(|(event, _)| *event <= events);
        known
            .checked_sub(1)
            .and_then(|last| self.came.get(last))
            .map_or(0, |(_, length)| *length)
    }

    /// The first of the bytes that had come by then.
    pub fn head_at(&self, events: u64) -> &[u8] {
        let length = usize::try_from(self.length_at(events)).unwrap_or(usize::MAX);
        self.head.get(..length).unwrap_or(&self.head)
    }
}

impl Request {
    fn new(number: u64) -> Request {
        Request {
            number,
            method: None,
            target: None,
            authority: None,
            headers: Vec::new(),
            body: Body::default(),
            answer_headers: Vec::new(),
            answer_body: Body::default(),
            status: None,
            ending: RequestEnding::Unfinished,
            entered: None,
            end: None,
            hostcalls: 0,
            outgoing: 0,
            received: 0,
            sent: 0,
            began: None,
            duration: None,
        }
    }

    /// Whether it ended in a trap or an error, or its status says that the server failed.
    pub fn has_failed(&self) -> bool {
        match self.ending {
            RequestEnding::Trapped(_) | RequestEnding::Failed(_) | RequestEnding::Unanswered => {
                true
            }
            RequestEnding::Answered | RequestEnding::Unfinished => {
                self.status.is_some_and(|status| status >= 500)
            }
        }
    }

    /// `GET /trap?place=3`; `request 3` if nothing is known of it.
    pub fn title(&self) -> String {
        match (&self.method, &self.target) {
            (None, None) => format!("request {}", self.number),
            (Some(method), None) => format!("{method} (request {})", self.number),
            (None, Some(target)) => target.clone(),
            (Some(method), Some(target)) => format!("{method} {target}"),
        }
    }

    /// When its head had come in, by clocks on the wall.
    pub fn time(&self) -> Option<WallTime> {
        self.began.map(|began| WallTime::at(began.into()))
    }

    /// How it ended, for people.
    pub fn told(&self) -> String {
        let error = self.ending.error();
        let word = self.ending.word();
        error.map_or_else(|| word.to_owned(), |error| format!("{word}: {error}"))
    }

    /// A request with its answer as far as it is given where its code ends, or where what has
    /// been said ends. `go_on` is asked as for [`Requests::read`].
    pub fn answered(
        &self,
        trace: &Trace,
        said: &Said,
        go_on: impl Fn() -> bool,
    ) -> Option<Request> {
        let found = reading::read(trace, said, self.end, go_on);
        let place = found.place(self.number)?;
        found.list.into_iter().nth(place)
    }

    /// Puts in what the host has noted: it knows better than the events do.
    fn note(&mut self, noted: &NotedRequest) {
        self.method = Some(noted.method.clone());
        self.target = Some(noted.target.clone());
        self.authority.clone_from(&noted.authority);
        self.headers.clone_from(&noted.headers);
        self.began = Some(noted.began).filter(|began| *began > 0);
        let Some(answer) = &noted.answer else {
            return;
        };
        self.status = answer.status.or(self.status);
        self.received = answer.received.max(self.received);
        self.sent = answer.sent;
        self.duration = Some(answer.duration);
        match (&answer.error, &self.ending) {
            (Some(error), RequestEnding::Unanswered | RequestEnding::Unfinished)
            | (Some(error), RequestEnding::Answered) => {
                self.ending = RequestEnding::Failed(error.clone());
            }
            (None, RequestEnding::Unfinished) if answer.is_whole => {
                self.ending = RequestEnding::Answered;
            }
            _ => {}
        }
    }
}

/// A stretch of time in which code of one request ran: from a call of the guest by its host to
/// the end of that call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Turn {
    entered: Entered,
    /// Where it is in the list; `None` if nothing tells whose it was.
    request: Option<u32>,
}

/// All requests of a recording, in the order in which the program was given them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requests {
    list: Vec<Request>,
    /// In the order of time.
    turns: Vec<Turn>,
    /// Why there may be more, where the recording is damaged.
    pub cut_short: Option<String>,
}

impl Requests {
    /// Whether a component can be given requests: for others there is nothing to be found out.
    pub fn may_be_in(component: &Component) -> bool {
        component.crossings().iter().any(roles::is_handler)
    }

    /// What the events alone tell: see [`Requests::read`].
    pub fn of_events(trace: &Trace, go_on: impl Fn() -> bool) -> Requests {
        match Requests::may_be_in(trace.component()) {
            true => reading::read(trace, &Said::default(), None, go_on),
            false => Requests::default(),
        }
    }

    /// Reads a recording. `go_on` is asked now and then whether anybody wants to know; if not,
    /// what was found so far is answered.
    pub fn read(trace: &Trace, go_on: impl Fn() -> bool) -> Requests {
        let mut found = Requests::of_events(trace, go_on);
        for noted in trace.noted_requests().iter() {
            let number = noted.number;
            match found.place(number) {
                Some(place) => {
                    if let Some(known) = found.list.get_mut(place) {
                        known.note(noted);
                    }
                }
                None => {
                    // It came, and the program ended before it was given it.
                    let mut request = Request::new(number);
                    request.note(noted);
                    found.list.push(request);
                }
            }
        }
        found
    }

    /// All of them.
    pub fn list(&self) -> &[Request] {
        &self.list
    }

    /// By its number.
    pub fn get(&self, number: u64) -> Option<&Request> {
        self.list.get(self.place(number)?)
    }

    fn place(&self, number: u64) -> Option<usize> {
        self.list
            .binary_search_by_key(&number, |request| request.number)
            .ok()
    }

    /// The request in which a call into the guest is, if it is in one.
    pub fn of_call(&self, entered: &Entered) -> Option<&Request> {
        let from = self
            .turns
            .partition_point(|turn| turn.entered.event < entered.event);
        let turns = self.turns.get(from..).unwrap_or_default();
        let mut same = turns
            .iter()
            .take_while(|turn| turn.entered.event == entered.event);
        let turn = same.find(|turn| turn.entered == *entered)?;
        self.list.get(turn.request? as usize)
    }
}

/// How a run ended, if the requests that were in progress did not survive it.
fn fatal(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Trapped(message) => Some(message.clone()),
        Outcome::HostError(_) | Outcome::Exited(_) => Some(outcome.to_string()),
        // Whatever came after the last event is not in the recording.
        Outcome::Returned { .. } | Outcome::Interrupted | Outcome::CutOff | Outcome::GoesOn => None,
    }
}
