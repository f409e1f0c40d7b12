//! One way through the events of a recording, for the requests in it.

use super::roles::Role;
use super::said::Said;
use super::tasks::{TaskId, Tasks};
use super::things::{End, Thing, Things};
use super::values::word;
use super::{Request, RequestEnding, Requests, Turn, fatal};
use crate::component::types::CoreValue;
use crate::component::{Answerer, Component, Crossing, CrossingId, CrossingKind};
use crate::inspect::hostcall::builtin_call::number;
use crate::inspect::hostcall::in_progress::overlay;
use crate::trace::{
    Entered, Event, EventKind, Instance, NotedRequest, OpenOnStack, Stacks, Trace, Way, Written,
};

/// Calls within calls: deeper than this, nothing is looked for any more.
const MOST_OPEN: u64 = 1 << 17;
/// Requests, and turns of them.
const MOST_TURNS: usize = 1 << 22;
/// Bytes that are kept of what is written while one call is in progress.
pub(super) const MOST_WRITTEN: usize = 1 << 20;
/// Bytes that are kept of one body, and of all bodies.
pub(super) const MOST_OF_BODY: usize = 4096;
const MOST_OF_BODIES: usize = 64 << 20;
/// Whether anybody still wants to know is asked after so many events.
const ASK_EVERY: u64 = 4096;

/// Reads the events, those of `until` calls out at most.
pub(super) fn read(
    trace: &Trace,
    said: &Said,
    until: Option<u64>,
    go_on: impl Fn() -> bool,
) -> Requests {
    let component = trace.component().clone();
    let noted = trace.noted_requests();
    let mut reading = Reading {
        said,
        noted,
        fields: Vec::new(),
        roles: component.crossings().iter().map(Role::of).collect(),
        component: &component,
        found: Requests::default(),
        done: Vec::new(),
        open: trace.no_calls(),
        written: Vec::new(),
        things: Things::default(),
        tasks: Tasks::default(),
        bodies_left: MOST_OF_BODIES,
    };
    let mut cursor = trace.events();
    for count in 0_u64.. {
        if count.is_multiple_of(ASK_EVERY) && !go_on() {
            break;
        }
        let events = cursor.event();
        if until.is_some_and(|until| events > until) {
            break;
        }
        match cursor.next() {
            Ok(Some(event)) => reading.event(event, events),
            Ok(None) => break,
            Err(damage) => {
                reading.found.cut_short = Some(format!(
                    "requests after event {events} are not known: {damage}"
                ));
                break;
            }
        }
        if reading.open.count() >= MOST_OPEN || reading.found.turns.len() >= MOST_TURNS {
            reading.found.cut_short = Some(format!(
                "requests after event {events} are not looked for: there are too many"
            ));
            break;
        }
    }
    reading.end(fatal(trace.outcome()))
}

/// A call in progress.
pub(super) struct Open {
    pub(super) instance: Instance,
    pub(super) crossing: CrossingId,
    pub(super) role: Role,
    pub(super) request: Option<u32>,
    pub(super) task: Option<TaskId>,
    /// Of a callback that may be anybody's: its turn, and the calls made in it so far.
    pub(super) doubt: Option<(usize, u64)>,
    /// Another component answers it.
    pub(super) is_inside: bool,
    /// The number of a call out.
    pub(super) event: u64,
    /// Of a call out that says something.
    pub(super) args: Vec<CoreValue>,
}

/// What was written while a call out was in progress.
pub(super) struct Answering {
    /// The number of the call.
    pub(super) event: u64,
    pub(super) instance: Instance,
    pub(super) writes: Vec<Written>,
    pub(super) left: usize,
}

pub(super) struct Reading<'a> {
    pub(super) said: &'a Said,
    pub(super) noted: &'a [NotedRequest],
    /// Headers that the guest has made.
    pub(super) fields: Vec<Vec<(String, String)>>,
    pub(super) component: &'a Component,
    pub(super) roles: Vec<Role>,
    pub(super) found: Requests,
    /// Of each request, whether its code has ended.
    pub(super) done: Vec<bool>,
    pub(super) open: Stacks<Open>,
    pub(super) written: Vec<Answering>,
    pub(super) things: Things,
    pub(super) tasks: Tasks,
    pub(super) bodies_left: usize,
}

impl Reading<'_> {
    fn event(&mut self, event: Event, events: u64) {
        let Event {
            instance,
            crossing,
            kind,
        } = event;
        let role = self.roles.get(crossing.0 as usize).copied();
        let role = role.unwrap_or(Role::Other);
        match kind {
            EventKind::Enter(args) => self.enter((instance, crossing, role), &args, events),
            EventKind::Leave(results) => self.leave((instance, crossing), &results, events),
            EventKind::Call(args) => self.call((instance, crossing, role), args, events),
            EventKind::Return(results) => {
                self.returned((instance, crossing), &results, events);
            }
            EventKind::Write { address, bytes } => self.write(instance, crossing, address, bytes),
            EventKind::Resume(after) => self.resume(instance, crossing, after),
            EventKind::Hash(_) => {}
        }
    }

    /// Another call goes on: what is written next is for it.
    fn resume(&mut self, instance: Instance, crossing: CrossingId, after: u32) {
        self.open.resume(instance, crossing, after);
        let call = self.open.running().last().map(|call| call.of.event);
        let is_its = |answering: &Answering| Some(answering.event) == call;
        if let Some(at) = self.written.iter().rposition(is_its) {
            let answering = self.written.remove(at);
            self.written.push(answering);
        }
    }

    pub(super) fn request(&mut self, place: Option<u32>) -> Option<&mut Request> {
        self.found.list.get_mut(place? as usize)
    }

    fn enter(
        &mut self,
        (instance, crossing, role): (Instance, CrossingId, Role),
        args: &[CoreValue],
        events: u64,
    ) {
        let around = self.open.running().last().map(|around| &around.of);
        let is_inside = around.is_some_and(|open| open.is_inside);
        let inherited = around.and_then(|open| open.request);
        let entered = Entered::new(events, instance, crossing, args);
        let mut open = Open {
            instance,
            crossing,
            role,
            request: inherited,
            task: None,
            doubt: None,
            is_inside: false,
            event: events,
            args: Vec::new(),
        };
        let is_async = self
            .component
            .crossing(crossing)
            .is_some_and(|c| c.is_async);
        match role {
            Role::Handler => {
                if !is_inside {
                    open.request = Some(self.begin(entered));
                }
                if let (Some(request), Some(handle)) = (open.request, word(args, 0)) {
                    self.things.put(instance, handle, Thing::Request(request));
                    if let Some(outparam) = word(args, 1) {
                        self.things
                            .put(instance, outparam, Thing::Outparam(request));
                    }
                }
                if is_async {
                    open.task = self.tasks.begin(instance, crossing, open.request);
                }
            }
            Role::Callback => self.call_back(&mut open, entered, args, events),
            _ if is_async && self.is_lift(crossing) => {
                open.task = self.tasks.begin(instance, crossing, open.request);
            }
            _ => {}
        }
        self.open.begin(instance, crossing, Way::In, open);
    }

    fn is_lift(&self, crossing: CrossingId) -> bool {
        let crossing = self.component.crossing(crossing);
        crossing.is_some_and(|crossing| crossing.kind == CrossingKind::Lift)
    }

    /// A request comes.
    fn begin(&mut self, entered: Entered) -> u32 {
        // There are no more than turns.
        let place = self.found.list.len() as u32;
        let mut request = Request::new(u64::from(place) + 1);
        request.entered = Some(entered);
        self.found.list.push(request);
        self.done.push(false);
        self.found.turns.push(Turn {
            entered,
            request: Some(place),
        });
        place
    }

    fn call_back(&mut self, open: &mut Open, entered: Entered, args: &[CoreValue], events: u64) {
        let instance = open.instance;
        let (event, waitable) = (word(args, 0).unwrap_or(0), word(args, 1).unwrap_or(0));
        // Callbacks are numbered right before the functions that they belong to.
        let function = CrossingId(open.crossing.0.saturating_add(1));
        let whose = self.tasks.called_back(instance, function, event, waitable);
        open.task = whose;
        if let Some(task) = whose {
            open.request = self.tasks.request_of(task);
            self.tasks.go_on(task);
        } else {
            open.request = None;
            open.doubt = Some((self.found.turns.len(), 0));
        }
        self.found.turns.push(Turn {
            entered,
            request: open.request,
        });
        if let Some(answer) = word(args, 2) {
            self.told(instance, event, (waitable, answer), events);
        }
    }

    fn leave(&mut self, of: (Instance, CrossingId), results: &[CoreValue], events: u64) {
        let Some(OpenOnStack { of: open, .. }) = self.open.end(of.0, of.1) else {
            return;
        };
        let is_done = match (open.task, open.role) {
            (Some(task), _) => {
                let answer = word(results, 0).unwrap_or(0);
                let is_own = self.is_function_of(open.request, &open);
                self.tasks.answer(task, answer) && is_own
            }
            (None, Role::Handler) => self.is_function_of(open.request, &open),
            _ => false,
        };
        if let Some(request) = self.request(open.request) {
            request.end = Some(events);
        }
        let place = open.request.map(|place| place as usize);
        if is_done && let Some(done) = place.and_then(|place| self.done.get_mut(place)) {
            *done = true;
        }
    }

    /// Whether a call is of the handler that was given this request, and not of one that it has
    /// handed it on to.
    fn is_function_of(&mut self, request: Option<u32>, open: &Open) -> bool {
        let (instance, crossing, role) = (open.instance, open.crossing, open.role);
        let entered = self.request(request).and_then(|request| request.entered);
        entered.is_some_and(|entered| {
            let function = match role {
                Role::Callback => CrossingId(crossing.0.saturating_add(1)),
                _ => crossing,
            };
            (entered.instance, entered.crossing) == (instance, function)
        })
    }

    fn call(
        &mut self,
        (instance, crossing, role): (Instance, CrossingId, Role),
        args: Vec<CoreValue>,
        event: u64,
    ) {
        let known = self.component.crossing(crossing);
        let counts = u64::from(!known.is_some_and(Crossing::is_plumbing));
        let around = self.open.innermost_mut().map(|around| &mut around.of);
        let (request, task) = around
            .as_ref()
            .map_or((None, None), |around| (around.request, around.task));
        if let Some((_, calls)) = around.and_then(|around| around.doubt.as_mut()) {
            *calls += counts;
        }
        if let Some(request) = self.request(request) {
            request.hostcalls += counts;
        }
        let is_inside = known.is_some_and(|known| {
            known.kind == CrossingKind::Lower
                && matches!(
                    self.component.answerer(instance, known),
                    Answerer::Component(..)
                )
        });
        match role {
            Role::Client if !is_inside => {
                if let Some(request) = self.request(request) {
                    request.outgoing += 1;
                }
            }
            Role::TaskReturn => self.task_returns(request, instance, &args),
            Role::Outparam => self.set_outparam(instance, &args),
            Role::Drop | Role::FinishIncoming | Role::FinishOutgoing => {
                if let Some(handle) = word(&args, 0) {
                    self.things.take(instance, handle);
                }
            }
            Role::DropReadable | Role::DropWritable => {
                if let Some(handle) = word(&args, 0) {
                    self.things.take_end(instance, handle);
                }
            }
            Role::Join => {
                if let (Some(waitable), Some(set)) = (word(&args, 0), word(&args, 1)) {
                    self.tasks.join(instance, waitable, set);
                }
            }
            Role::ContextSet => {
                if let (Some(task), Some(context)) = (task, number(args.first())) {
                    self.tasks.leave_context(task, context);
                }
            }
            Role::StreamRead => self.begin_read(instance, &args),
            Role::StreamWrite => self.begin_write(instance, &args, event),
            _ => {}
        }
        if role.wants_writes() {
            self.written.push(Answering {
                event,
                instance,
                writes: Vec::new(),
                left: MOST_WRITTEN,
            });
        }
        let open = Open {
            instance,
            crossing,
            role,
            request,
            task,
            doubt: None,
            is_inside,
            event,
            args: match role {
                Role::Other => Vec::new(),
                _ => args,
            },
        };
        self.open.begin(instance, crossing, Way::Out, open);
    }

    fn returned(&mut self, of: (Instance, CrossingId), results: &[CoreValue], events: u64) {
        let Some(OpenOnStack { of: open, .. }) = self.open.end(of.0, of.1) else {
            return;
        };
        let is_its = |answering: &Answering| answering.event == open.event;
        let answering = self.written.iter().rposition(is_its);
        let answering = answering.map(|at| self.written.remove(at));
        let writes = answering.map_or_else(Vec::new, |answering| answering.writes);
        // Calls out that have been made when it has returned: what it tells is known then.
        let events = events.saturating_sub(1);
        match open.role {
            Role::Other => {}
            Role::ContextGet => self.remember(number(results.first()).unwrap_or(0)),
            Role::Headers => {
                if let (Some(request), Some(handle)) = (self.asked(&open), word(results, 0)) {
                    let thing = Thing::Headers(request);
                    self.things.put(open.instance, handle, thing);
                }
            }
            Role::Response => {
                if let (Some(handle), of) = (word(results, 0), open.request) {
                    let thing = Thing::Response {
                        status: 200,
                        fields: self.take_fields(open.instance, &open.args),
                        of,
                        body: None,
                    };
                    self.things.put(open.instance, handle, thing);
                }
            }
            Role::FieldsNew | Role::FieldsCopy => self.fields(&open, word(results, 0)),
            Role::Status => self.set_status(&open, results),
            Role::StreamNew => {
                let ends = number(results.first()).unwrap_or(0);
                let (readable, writable) = (ends as u32, (ends >> 32) as u32);
                let end = End::Writable { of: None };
                self.things.put_end(open.instance, writable, end);
                let end = End::Readable(writable);
                self.things.put_end(open.instance, readable, end);
            }
            Role::StreamRead | Role::StreamWrite | Role::CancelRead | Role::CancelWrite => {
                if let (Some(handle), Some(answer)) = (word(&open.args, 0), word(results, 0)) {
                    self.copied(open.instance, handle, answer, events);
                }
            }
            Role::Wait => {
                let address = number(open.args.get(1)).unwrap_or(0);
                let mut told = [0; 8];
                overlay(&writes, address, &mut told);
                let [a, b, c, d, e, f, g, h] = told;
                let told = [[a, b, c, d], [e, f, g, h]].map(u32::from_le_bytes);
                let event = word(results, 0).unwrap_or(0);
                self.told(open.instance, event, told.into(), events);
            }
            role if role.wants_writes() => {
                if let Some(answer) = self.lift(&open, results, &writes) {
                    self.answered(&open, answer, events);
                }
            }
            _ => {}
        }
    }

    /// What a task finds in its storage tells who it is.
    fn remember(&mut self, context: u64) {
        let Some(OpenOnStack { of: around, .. }) = self.open.innermost_mut() else {
            return;
        };
        let Some((turn, calls)) = around.doubt else {
            return;
        };
        let function = CrossingId(around.crossing.0.saturating_add(1));
        let Some(task) = self.tasks.with_context(around.instance, function, context) else {
            return;
        };
        let request = self.tasks.request_of(task);
        around.doubt = None;
        around.task = Some(task);
        around.request = request;
        self.tasks.go_on(task);
        if let Some(turn) = self.found.turns.get_mut(turn) {
            turn.request = request;
        }
        if let Some(request) = self.request(request) {
            request.hostcalls += calls;
        }
    }

    fn end(mut self, fatal: Option<String>) -> Requests {
        // Where the run has ended is told by the calls that were in progress then.
        let ended_in = self.open.running().iter().find_map(|open| open.of.request);
        let list = (0_u32..).zip(&mut self.found.list).zip(&self.done);
        for ((place, request), is_done) in list {
            if !is_done {
                request.end = None;
            }
            request.ending = match (&request.ending, &fatal, request.status) {
                (_, Some(fatal), _) if ended_in == Some(place) => {
                    RequestEnding::Trapped(fatal.clone())
                }
                (RequestEnding::Failed(error), ..) => RequestEnding::Failed(error.clone()),
                (_, Some(fatal), _) if !is_done => {
                    RequestEnding::Failed(format!("its instance ended: {fatal}"))
                }
                (_, _, Some(_)) => RequestEnding::Answered,
                (_, _, None) if *is_done => RequestEnding::Unanswered,
                _ => RequestEnding::Unfinished,
            };
        }
        self.found
    }
}
