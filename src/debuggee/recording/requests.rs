//! The requests of a service: found out in the background, named on the stack, gone to.

use super::Recording;
use super::boundary::CrossingFrame;
use crate::debuggee::{DebuggeeError, WhichRequest};
use crate::inspect::past::requests::{Request, Requests};
use crate::replay::Position;
use crate::replay::boundary::Way;
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::Motion;
use crate::trace::{Entered, Trace};
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The key of the scope of a request, in the frame that it is.
pub(super) const KEY: &str = "request";
/// So long a stop waits to say in which request it is.
const AT_A_STOP: Duration = Duration::from_millis(100);
/// So long one waits who goes to a request.
const ON_THE_WAY: Duration = Duration::from_secs(20);
/// How often those who wait look whether they are interrupted.
const INTERRUPTED_EVERY: Duration = Duration::from_millis(20);

/// The requests, read in a thread of its own.
pub(super) struct Finding {
    shared: Arc<Shared>,
    /// Those of what there was of a recording that is still being written.
    before: Option<Arc<Requests>>,
    /// There is more of the recording than is being read.
    is_behind: bool,
    /// The request that the session has gone to last, and where that is.
    gone_to: Option<(u64, Position)>,
    /// The request whose answer was asked for last, with that.
    pub(super) answered: Option<Arc<Request>>,
}

#[derive(Default)]
struct Shared {
    found: Mutex<Option<Arc<Requests>>>,
    is_there: Condvar,
    is_abandoned: AtomicBool,
}

impl Finding {
    /// Begins to look for them; there is nothing to be looked for in what is no service.
    pub(super) fn start(trace: &Arc<Trace>) -> Finding {
        let shared = Arc::new(Shared::default());
        let finding = Finding {
            shared: shared.clone(),
            before: None,
            is_behind: false,
            gone_to: None,
            answered: None,
        };
        let noted = trace.noted_requests();
        if !Requests::may_be_in(trace.component()) && noted.is_empty() {
            *shared.found.lock() = Some(Arc::default());
            return finding;
        }
        let trace = trace.clone();
        let reading = shared.clone();
        let read = move || {
            let go_on = || !reading.is_abandoned.load(Ordering::Relaxed);
            let found = Requests::read(&trace, go_on);
            *reading.found.lock() = Some(Arc::new(found));
            reading.is_there.notify_all();
        };
        let thread = thread::Builder::new().name("requests".into());
        if thread.spawn(read).is_err() {
            *shared.found.lock() = Some(Arc::default());
        }
        finding
    }

    /// There is more of the recording by now. What is being read is read to its end first:
    /// where there is always more, nothing would ever be known.
    pub(super) fn read_on(&mut self, trace: &Arc<Trace>) {
        let found = self.shared.found.lock().clone();
        self.is_behind = found.is_none();
        if found.is_some() {
            let (before, gone_to) = (found, self.gone_to);
            *self = Finding::start(trace);
            (self.before, self.gone_to) = (before, gone_to);
        }
    }

    /// They, if they are known by then.
    fn wait(&self, until: Instant) -> Option<Arc<Requests>> {
        let mut found = self.shared.found.lock();
        while found.is_none() {
            if self
                .shared
                .is_there
                .wait_until(&mut found, until)
                .timed_out()
            {
                break;
            }
        }
        found.clone()
    }

    fn wait_interruptibly(&self, interrupt: &Interrupt) -> Result<Arc<Requests>, DebuggeeError> {
        loop {
            if let Some(found) = self.wait(Instant::now() + INTERRUPTED_EVERY) {
                return Ok(found);
            }
            if interrupt.is_raised() {
                return Err(DebuggeeError::Interrupted);
            }
        }
    }
}

impl Drop for Finding {
    fn drop(&mut self) {
        self.shared.is_abandoned.store(true, Ordering::Relaxed);
    }
}

impl Recording {
    pub(super) fn all_requests(
        &mut self,
        interrupt: &Interrupt,
    ) -> Result<Arc<Requests>, DebuggeeError> {
        self.take_in_growth()?;
        let found = self.finding.wait_interruptibly(interrupt)?;
        if !self.finding.is_behind {
            return Ok(found);
        }
        self.finding.read_on(self.timeline.trace());
        self.finding.wait_interruptibly(interrupt)
    }

    /// The requests, if there are any and they are known soon.
    fn soon(&self) -> Option<Arc<Requests>> {
        let found = self.finding.wait(Instant::now() + AT_A_STOP);
        let found = found.or_else(|| self.finding.before.clone())?;
        (!found.list().is_empty()).then_some(found)
    }

    /// The request in which the program stands.
    pub(super) fn here_in_request(&mut self) -> Option<Request> {
        let requests = self.soon()?;
        let open = self.timeline.boundary().ok()?;
        let entered = open.iter().rev().filter(|open| open.way == Way::In);
        let mut requests = entered.filter_map(|open| {
            let entered = Entered::new(open.event, open.instance, open.crossing, &open.args);
            requests.of_call(&entered)
        });
        requests.next().cloned()
    }

    /// The request that a crossing's frame is.
    pub(super) fn request_of(&self, frame: &CrossingFrame) -> Option<Request> {
        let open = &frame.open;
        let requests = self.soon().filter(|_| open.way == Way::In)?;
        let entered = Entered::new(open.event, open.instance, open.crossing, &open.args);
        requests.of_call(&entered).cloned()
    }

    /// Gives the frames that are requests the names of these.
    pub(super) fn name_requests(&self, frames: &mut [CrossingFrame]) {
        let Some(requests) = self.soon() else {
            return;
        };
        let entered = frames.iter_mut().filter(|frame| frame.open.way == Way::In);
        for frame in entered {
            let open = &frame.open;
            let entered = Entered::new(open.event, open.instance, open.crossing, &open.args);
            if let Some(request) = requests.of_call(&entered) {
                frame.title = request.title();
            }
        }
    }

    pub(super) fn motion_to_request(
        &mut self,
        which: WhichRequest,
    ) -> Result<(u64, Motion), DebuggeeError> {
        self.take_in_growth()?;
        let mut requests = self.finding.wait(Instant::now() + ON_THE_WAY);
        if requests.is_some() && self.finding.is_behind {
            self.finding.read_on(self.timeline.trace());
            requests = self.finding.wait(Instant::now() + ON_THE_WAY);
        }
        let requests = requests.ok_or(DebuggeeError::NotYet)?;
        let list = requests.list();
        let none = |what: &str| {
            let all = list.len();
            DebuggeeError::other(match all {
                0 => "there are no requests in this recording".to_owned(),
                all => format!("{what}; the recording has {all}, `requests` lists them"),
            })
        };
        let is_meant = |request: &&Request, failed: bool| {
            request.entered.is_some() && (!failed || request.has_failed())
        };
        let here = self.here_in_request().map(|request| request.number);
        let (event, position) = (self.timeline.here().event, self.timeline.here().position);
        let found = match which {
            WhichRequest::Number(number) => match requests.get(number) {
                Some(request) if request.entered.is_none() => {
                    return Err(none(&format!(
                        "request {number} never came to the program: its instance had ended"
                    )));
                }
                Some(request) => Some(request),
                None => return Err(none(&format!("there is no request {number}"))),
            },
            WhichRequest::Next { failed } => {
                let is_after = |request: &&Request| match here {
                    Some(number) => request.number > number,
                    None => request.entered.is_some_and(|at| at.event >= event),
                };
                let mut after = list.iter().filter(is_after);
                after.find(|request| is_meant(request, failed))
            }
            WhichRequest::Previous { failed } => {
                let is_at_beginning = self.finding.gone_to == here.map(|here| (here, position));
                let is_before = |request: &&Request| match here {
                    Some(number) if is_at_beginning => request.number < number,
                    Some(number) => request.number <= number,
                    None => request.entered.is_some_and(|at| at.event < event),
                };
                let mut before = list.iter().rev().filter(is_before);
                before.find(|request| is_meant(request, failed))
            }
        };
        let what = |failed: bool, side: &str| match failed {
            true => format!("no request {side} this moment has failed"),
            false => format!("there is no request {side} this moment"),
        };
        let found = found.ok_or_else(|| match which {
            WhichRequest::Previous { failed } => none(&what(failed, "before")),
            WhichRequest::Next { failed } => none(&what(failed, "after")),
            WhichRequest::Number(number) => none(&format!("there is no request {number}")),
        })?;
        let entered = found.entered.ok_or(DebuggeeError::NotYet)?;
        Ok((found.number, Motion::Entered(entered)))
    }

    /// The session has come to where a request begins.
    pub(super) fn has_gone_to_request(&mut self) {
        let here = self.here_in_request().map(|request| request.number);
        let position = self.timeline.here().position;
        self.finding.gone_to = here.map(|here| (here, position));
    }
}
