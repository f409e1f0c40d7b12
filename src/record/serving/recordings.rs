//! The recordings of a service: one of each instance, kept or not when it is over.

use super::files::{self, Files};
use super::{ServeError, ServeOptions};
use crate::component::Component;
use crate::record::held::Held;
use crate::record::keep::{Keep, Verdict};
use crate::record::shelf::Shelf;
use crate::record::tails::Tails;
use crate::record::writing::Noted;
use crate::record::{Dials, Recorder, RecorderError, metadata};
use crate::trace::{
    CarriedSource, HeldProgram, Metadata, Note, NotedAnswer, NotedRequest, Outcome,
};
use parking_lot::Mutex;
use rr_dap_host::service::{Answer, Exchange};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What recordings of a service have in common.
pub(super) struct Recordings {
    files: Files,
    pub(super) component: Arc<Component>,
    program: HeldProgram,
    metadata: Metadata,
    dials: Dials,
    keep: Keep,
    shelf: Shelf,
    tails: Tails,
    /// For recordings that cannot be written while the run goes on: a service goes on when a
    /// disk is full.
    tails_in_memory: Tails,
    /// Requests that are not answered yet, by their numbers, with the recording they are in.
    open: Mutex<HashMap<u64, Arc<Recording>>>,
}

/// The recording of one instance. It is over when the instance is, and all of its requests are
/// answered.
pub(in crate::record) struct Recording {
    pub(super) number: u64,
    path: PathBuf,
    pub(in crate::record) recorder: Recorder,
    /// What is recorded, if it is not written to its place yet.
    held: Option<Held>,
    state: Mutex<RecordingState>,
}

struct RecordingState {
    /// The instance, and requests that are not answered.
    open: usize,
    exchanges: Vec<Arc<Exchange>>,
    outcome: Option<Outcome>,
}

impl Recordings {
    pub(super) fn make(
        directory: &Path,
        component: &Arc<Component>,
        options: &ServeOptions,
        sources: Vec<CarriedSource>,
    ) -> Result<Recordings, ServeError> {
        let files = Files::make(directory)?;
        let instances = u64::from(component.instances());
        let lasting = options.keep.is_all().then(|| directory.to_owned());
        Ok(Recordings {
            program: files::beside(directory, component, sources)?,
            component: component.clone(),
            metadata: metadata(&options.wasi, None, Vec::new()),
            dials: options.wasi.dials,
            keep: options.keep.clone(),
            shelf: Shelf::of(directory, options.room),
            tails: Tails::new(lasting, instances),
            tails_in_memory: Tails::new(None, instances),
            files,
            open: Mutex::default(),
        })
    }

    /// The recording of one more instance; what keeps it from being written at once is told.
    pub(super) fn begin(
        &self,
        told: impl FnOnce(&RecorderError),
    ) -> Result<Arc<Recording>, RecorderError> {
        let (number, path) = self.files.next();
        let dials = self.dials.of_instance(number);
        let metadata = Metadata {
            started: seconds_now(),
            instance: number,
            handles: dials.handles,
            chaos: dials.chaos,
            ..self.metadata.clone()
        };
        let begin = |held: Option<Held>, tails: &Tails| {
            let component = self.component.clone();
            Recorder::of_instance(&path, held, tails, component, &self.program, &metadata)
        };
        let in_memory = || Held::in_directory(&self.files.directory);
        let mut held = (!self.keep.is_all()).then(in_memory);
        let recorder = match begin(held.clone(), &self.tails) {
            Err(error) if held.is_none() => {
                told(&error);
                let instead = in_memory();
                held = Some(instead.clone());
                begin(Some(instead), &self.tails_in_memory)?
            }
            begun => begun?,
        };
        Ok(Arc::new(Recording {
            number,
            path,
            recorder,
            held,
            state: Mutex::new(RecordingState {
                open: 1,
                exchanges: Vec::new(),
                outcome: None,
            }),
        }))
    }

    pub(super) fn accepted(
        &self,
        recording: &Arc<Recording>,
        exchange: &Arc<Exchange>,
    ) -> Result<(), RecorderError> {
        let number = {
            let mut state = recording.state.lock();
            state.open += 1;
            state.exchanges.push(exchange.clone());
            state.exchanges.len() as u64
        };
        self.open.lock().insert(exchange.number, recording.clone());
        let note = Note::Request(noted(number, exchange));
        let when = match recording.held {
            Some(_) => Noted::AtEnd,
            None => Noted::Now,
        };
        recording.recorder.shared().note(note, when)
    }

    /// A part of an answer goes to the client now.
    pub(super) fn answers(&self, exchange: &Exchange) {
        // What is held is gone anyway when the process is.
        if !self.keep.is_all() {
            return;
        }
        let recording = self.open.lock().get(&exchange.number).cloned();
        if let Some(recording) = recording {
            // What fails here is told by the commit that comes.
            _ = recording.recorder.copy_from_running();
        }
    }

    /// The same, of all requests that are not answered.
    pub(super) fn copy_from_running(&self) {
        if !self.keep.is_all() {
            return;
        }
        let open: Vec<_> = self.open.lock().values().cloned().collect();
        for recording in open {
            _ = recording.recorder.copy_from_running();
        }
    }

    /// The recording that a request is in, which is answered now.
    pub(super) fn take_open(&self, exchange: &Exchange) -> Option<Arc<Recording>> {
        self.open.lock().remove(&exchange.number)
    }

    /// No byte of an answer will follow. How long it took is known to who looks at the recording
    /// while it goes on with whatever is written next.
    pub(super) fn answered(
        &self,
        recording: &Recording,
        exchange: &Exchange,
    ) -> Result<(), RecorderError> {
        let answer = exchange.answer();
        if !recording.notes_at_once(&answer) {
            return Ok(());
        }
        let number = {
            let state = recording.state.lock();
            let mut exchanges = state.exchanges.iter();
            exchanges.position(|of_instance| of_instance.number == exchange.number)
        };
        number.map_or(Ok(()), |before| {
            let answer = noted_answer(&answer);
            let number = before as u64 + 1;
            let shared = recording.recorder.shared();
            shared.note(Note::Answered { number, answer }, Noted::WithNext)
        })
    }

    /// Whether a request is in a recording, and not answered.
    pub(super) fn has_open(&self, exchange: &Exchange) -> bool {
        self.open.lock().contains_key(&exchange.number)
    }

    /// Where the tail of a recording comes from, and goes.
    fn tails_of(&self, recording: &Recording) -> &Tails {
        match recording.held.is_some() && self.keep.is_all() {
            true => &self.tails_in_memory,
            false => &self.tails,
        }
    }

    /// One of what a recording waits for is over; the last one ends it.
    pub(super) fn release(
        &self,
        recording: &Recording,
    ) -> Result<Option<Concluded>, RecorderError> {
        let (outcome, exchanges) = {
            let mut state = recording.state.lock();
            state.open -= 1;
            if state.open > 0 {
                return Ok(None);
            }
            let outcome = state.outcome.take().unwrap_or(Outcome::CutOff);
            (outcome, std::mem::take(&mut state.exchanges))
        };
        let answers = exchanges
            .iter()
            .map(|exchange| noted_answer(&exchange.answer()));
        let answers: Vec<NotedAnswer> = answers.collect();
        let verdict = self
            .keep
            .verdict(recording.number, &outcome, answers.iter());
        if verdict == Verdict::Dropped {
            recording.recorder.discard_with(self.tails_of(recording));
            return Ok(Some(Concluded {
                outcome,
                exchanges,
                kept: None,
            }));
        }
        for ((answer, exchange), number) in answers.into_iter().zip(&exchanges).zip(1..) {
            if recording.notes_at_once(&exchange.answer()) {
                continue;
            }
            let note = Note::Answered { number, answer };
            recording.recorder.shared().note(note, Noted::AtEnd)?;
        }
        let tails = self.tails_of(recording);
        let finished = recording.recorder.finish_with(outcome.clone(), tails);
        let bytes = finished?.bytes;
        if let Some(held) = &recording.held {
            let written = held.keep(&recording.path);
            written.map_err(|error| RecorderError::create(&recording.path, &error))?;
        }
        self.shelf.put(recording.path.clone(), bytes, verdict);
        Ok(Some(Concluded {
            outcome,
            exchanges,
            kept: Some(recording.path.clone()),
        }))
    }
}

impl Recording {
    /// Whether an answer is noted when it has been given: nothing can become of it any more, and
    /// what is recorded is written at once.
    fn notes_at_once(&self, answer: &Answer) -> bool {
        self.held.is_none() && answer.is_whole && answer.error.is_none()
    }

    /// Its instance is over; requests may still be on their way.
    pub(super) fn instance_ended(&self, outcome: Outcome) {
        self.state.lock().outcome = Some(outcome);
    }
}

/// What has come of an instance and of its requests.
pub(super) struct Concluded {
    pub(super) outcome: Outcome,
    pub(super) exchanges: Vec<Arc<Exchange>>,
    /// Its recording, if that is kept.
    pub(super) kept: Option<PathBuf>,
}

fn noted(number: u64, exchange: &Exchange) -> NotedRequest {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = exchange.headers.iter();
    NotedRequest {
        number,
        of_server: exchange.number,
        method: exchange.method.clone(),
        target: exchange.target.clone(),
        authority: exchange.authority.clone(),
        headers: headers
            .map(|(name, value)| (name.clone(), text(value)))
            .collect(),
        began: exchange
            .began
            .duration_since(UNIX_EPOCH)
            .map_or(0, nanoseconds),
        answer: None,
    }
}

fn noted_answer(answer: &Answer) -> NotedAnswer {
    NotedAnswer {
        status: answer.status,
        error: answer.error.clone(),
        received: answer.received,
        sent: answer.sent,
        duration: answer.duration.map_or(0, nanoseconds),
        is_whole: answer.is_whole,
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

pub(super) fn seconds_now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
