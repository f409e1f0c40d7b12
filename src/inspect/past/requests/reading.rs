//! One way through the events of a recording, for the requests in it.

use super::roles::Role;
use super::tasks::{TaskId, Tasks};
use super::things::{End, Pending, Thing, Things};
use super::values::{error_code, first_handle, headers, is_ok, method, text, word};
use super::{Request, RequestEnding, Requests, Turn, fatal};
use crate::component::status::{CopyAnswer, EventCode};
use crate::component::types::CoreValue;
use crate::component::{Answerer, Component, CrossingId, CrossingKind};
use crate::inspect::hostcall::builtin_call::number;
use crate::inspect::hostcall::hostcalls;
use crate::inspect::hostcall::in_progress::overlay;
use crate::inspect::hostcall::lift::{Lifted, Lifter, Limits, Memory};
use crate::trace::{Entered, Event, EventKind, Instance, Trace, Written};

/// Calls within calls: deeper than this, nothing is looked for any more.
const MOST_OPEN: usize = 1 << 17;
/// Requests, and turns of them.
const MOST_TURNS: usize = 1 << 22;
/// What is kept of the writes of one answer: pieces, and bytes.
const MOST_WRITES: usize = 10_000;
const MOST_WRITTEN: usize = 1 << 20;
/// Bytes that are kept of one body, of all bodies, and pieces of one.
const MOST_OF_BODY: usize = 4096;
const MOST_OF_BODIES: usize = 64 << 20;
const MOST_PIECES: usize = 1000;
/// Headers that are kept of one request.
const MOST_HEADERS: usize = 100;
/// Reads that go on at the same time.
const MOST_READS: usize = 1024;
/// Whether anybody still wants to know is asked after so many events.
const ASK_EVERY: u64 = 4096;

pub(super) fn read(trace: &Trace, go_on: impl Fn() -> bool) -> Requests {
    let component = trace.component().clone();
    let mut reading = Reading {
        roles: component.crossings().iter().map(Role::of).collect(),
        component: &component,
        found: Requests::default(),
        done: Vec::new(),
        open: Vec::new(),
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
        if reading.open.len() >= MOST_OPEN || reading.found.turns.len() >= MOST_TURNS {
            reading.found.cut_short = Some(format!(
                "requests after event {events} are not looked for: there are too many"
            ));
            break;
        }
    }
    reading.end(fatal(trace.outcome()))
}

/// A call in progress.
struct Open {
    instance: Instance,
    crossing: CrossingId,
    role: Role,
    request: Option<u32>,
    task: Option<TaskId>,
    /// Of a callback that may be anybody's: its turn, and the calls made in it so far.
    doubt: Option<(usize, u64)>,
    /// Another component answers it.
    is_inside: bool,
    /// Of a call out that says something.
    args: Vec<CoreValue>,
}

/// What was written while a call out was in progress.
struct Answering {
    /// The call, by how many are open around it.
    depth: usize,
    instance: Instance,
    writes: Vec<Written>,
    left: usize,
}

struct Reading<'a> {
    component: &'a Component,
    roles: Vec<Role>,
    found: Requests,
    /// Of each request, whether its code has ended.
    done: Vec<bool>,
    open: Vec<Open>,
    written: Vec<Answering>,
    things: Things,
    tasks: Tasks,
    bodies_left: usize,
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
            EventKind::Leave(results) => self.leave(&results, events),
            EventKind::Call(args) => self.call((instance, crossing, role), args),
            EventKind::Return(results) => self.returned(&results, events),
            EventKind::Write { address, bytes } => self.write(instance, crossing, address, bytes),
            EventKind::Hash(_) => {}
        }
    }

    fn request(&mut self, place: Option<u32>) -> Option<&mut Request> {
        self.found.list.get_mut(place? as usize)
    }

    fn enter(
        &mut self,
        (instance, crossing, role): (Instance, CrossingId, Role),
        args: &[CoreValue],
        events: u64,
    ) {
        let around = self.open.last();
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
        self.open.push(open);
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

    fn leave(&mut self, results: &[CoreValue], events: u64) {
        let Some(open) = self.open.pop() else {
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
    ) {
        let around = self.open.last_mut();
        let (request, task) = around
            .as_ref()
            .map_or((None, None), |around| (around.request, around.task));
        if let Some((_, calls)) = around.and_then(|around| around.doubt.as_mut()) {
            *calls += 1;
        }
        if let Some(request) = self.request(request) {
            request.hostcalls += 1;
        }
        let known = self.component.crossing(crossing);
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
            _ => {}
        }
        if role.wants_writes() {
            self.written.push(Answering {
                depth: self.open.len(),
                instance,
                writes: Vec::new(),
                left: MOST_WRITTEN,
            });
        }
        self.open.push(Open {
            instance,
            crossing,
            role,
            request,
            task,
            doubt: None,
            is_inside,
            args: match role {
                Role::Other => Vec::new(),
                _ => args,
            },
        });
    }

    fn write(&mut self, instance: Instance, crossing: CrossingId, address: u64, bytes: Vec<u8>) {
        for ((of, _), read) in &mut self.things.reads {
            let offset = address.checked_sub(read.address);
            let inside = offset.filter(|offset| *offset < read.room && *of == instance);
            if let Some(offset) = inside.and_then(|offset| usize::try_from(offset).ok()) {
                let end = offset.saturating_add(bytes.len()).min(MOST_OF_BODY);
                if end > read.bytes.len() {
                    read.bytes.resize(end, 0);
                }
                let room = read.bytes.get_mut(offset..).unwrap_or_default();
                room.iter_mut()
                    .zip(&bytes)
                    .for_each(|(to, from)| *to = *from);
            }
        }
        let Some(answering) = self.written.last_mut() else {
            return;
        };
        let fits = answering.left >= bytes.len() && answering.writes.len() < MOST_WRITES;
        if answering.instance == instance && fits {
            answering.left -= bytes.len();
            answering.writes.push(Written {
                crossing,
                address,
                bytes,
            });
        }
    }

    fn returned(&mut self, results: &[CoreValue], events: u64) {
        let Some(open) = self.open.pop() else {
            return;
        };
        let depth = self.open.len();
        let answering = self.written.pop_if(|answering| answering.depth >= depth);
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
                        of,
                        body: None,
                    };
                    self.things.put(open.instance, handle, thing);
                }
            }
            Role::Status => self.set_status(&open, results),
            Role::StreamNew => {
                let ends = number(results.first()).unwrap_or(0);
                let (readable, writable) = (ends as u32, (ends >> 32) as u32);
                let end = End::Writable { sent: 0, of: None };
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
        let Some(around) = self.open.last_mut() else {
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

    /// The request whose handle a call was given.
    fn asked(&self, open: &Open) -> Option<u32> {
        let handle = word(&open.args, 0)?;
        match self.things.get(open.instance, handle)? {
            Thing::Request(request) => Some(request),
            _ => None,
        }
    }

    fn lift(&self, open: &Open, results: &[CoreValue], writes: &[Written]) -> Option<Lifted> {
        let crossing = self.component.crossing(open.crossing)?;
        let memory: &Memory<'_> = &|address, length| {
            let length = usize::try_from(length).ok()?;
            let mut bytes = vec![0; Some(length).filter(|length| *length <= MOST_WRITTEN)?];
            overlay(writes, address, &mut bytes);
            Some(bytes)
        };
        let lifter = Lifter {
            limits: Limits {
                elements: MOST_HEADERS as u64,
                bytes: MOST_OF_BODY as u64,
                ..Limits::default()
            },
            ..Lifter::new(memory, crossing.encoding, crossing.pointer)
        };
        hostcalls::result(&lifter, crossing, &open.args, results)
    }

    /// A call out has answered a value.
    fn answered(&mut self, open: &Open, answer: Lifted, events: u64) {
        let instance = open.instance;
        let handle = word(&open.args, 0).unwrap_or(0);
        let asked = self.asked(open);
        let thing = self.things.get(instance, handle);
        match (open.role, thing) {
            (Role::Method, _) => {
                let method = method(&answer);
                if let Some(request) = self.request(asked) {
                    request.method = method.or(request.method.take());
                }
            }
            (Role::Target, _) => {
                let target = text(&answer);
                if let Some(request) = self.request(asked) {
                    request.target = target.or(request.target.take());
                }
            }
            (Role::Authority, _) => {
                let authority = text(&answer);
                if let Some(request) = self.request(asked) {
                    request.authority = authority.or(request.authority.take());
                }
            }
            (Role::Entries, Some(Thing::Headers(of))) => {
                if let Some(request) = self.request(Some(of)) {
                    request.headers = headers(&answer);
                }
            }
            (Role::Consume, Some(Thing::Request(of))) => {
                self.put_first(instance, &answer, Thing::Body(of));
            }
            (Role::BodyStream, Some(Thing::Body(of))) => {
                self.put_first(instance, &answer, Thing::Input(of));
            }
            (Role::ConsumeStream, Some(Thing::Request(of))) => {
                self.things.take(instance, handle);
                if let Some(stream) = first_handle(&answer) {
                    self.things.put_end(instance, stream, End::Body(of));
                }
            }
            (Role::Read, Some(Thing::Input(of))) => {
                if let Lifted::Result(Ok(Some(value))) = answer
                    && let Lifted::Bytes(bytes) = *value
                {
                    self.came(of, &bytes.head, bytes.length, events);
                }
            }
            (Role::ResponseWithBody, _) => {
                let readable = word(&open.args, 2).filter(|_| word(&open.args, 1) == Some(1));
                let end = readable.and_then(|end| self.things.take_end(instance, end));
                let body = match end {
                    Some(End::Readable(writable)) => Some(writable),
                    _ => None,
                };
                let thing = Thing::Response {
                    status: 200,
                    of: open.request,
                    body,
                };
                self.put_first(instance, &answer, thing);
            }
            (Role::ResponseBody, Some(Thing::Response { of: Some(of), .. })) => {
                self.put_first(instance, &answer, Thing::OutgoingBody(of));
            }
            (Role::BodyWrite, Some(Thing::OutgoingBody(of))) => {
                self.put_first(instance, &answer, Thing::Output(of));
            }
            (Role::Write, Some(Thing::Output(of))) if is_ok(&answer) => {
                self.sent(of, number(open.args.get(2)).unwrap_or(0));
            }
            (Role::WriteZeroes, Some(Thing::Output(of))) if is_ok(&answer) => {
                self.sent(of, number(open.args.get(1)).unwrap_or(0));
            }
            (Role::Splice, Some(Thing::Output(of))) => {
                if let Lifted::Result(Ok(Some(value))) = answer
                    && let Lifted::Unsigned(count) = *value
                {
                    self.sent(of, count);
                }
            }
            _ => {}
        }
    }

    fn put_first(&mut self, instance: Instance, answer: &Lifted, thing: Thing) {
        if let Some(handle) = first_handle(answer) {
            self.things.put(instance, handle, thing);
        }
    }

    fn sent(&mut self, of: u32, bytes: u64) {
        if let Some(request) = self.request(Some(of)) {
            request.sent = request.sent.saturating_add(bytes);
        }
    }

    /// A piece of a request's body has come.
    fn came(&mut self, of: u32, head: &[u8], length: u64, events: u64) {
        let left = self.bodies_left;
        let Some(request) = self.request(Some(of)) else {
            return;
        };
        let body = &mut request.body;
        // What follows a gap is not what comes next.
        let is_whole = request.received == body.head.len() as u64;
        request.received = request.received.saturating_add(length);
        let room = MOST_OF_BODY.saturating_sub(body.head.len()).min(left);
        let kept = head.get(..room.min(head.len())).unwrap_or_default();
        if is_whole {
            body.head.extend_from_slice(kept);
            self.bodies_left = left - kept.len();
        }
        let request = self.request(Some(of));
        if let Some(request) = request.filter(|request| request.body.came.len() < MOST_PIECES) {
            // Known to the call after the one that brought it.
            let known = events.saturating_add(1);
            request.body.came.push((known, request.received));
        }
    }

    fn set_status(&mut self, open: &Open, results: &[CoreValue]) {
        let (handle, code) = (word(&open.args, 0), word(&open.args, 1));
        let code = code.and_then(|code| u16::try_from(code).ok());
        let (Some(handle), Some(code), Some(0)) = (handle, code, word(results, 0)) else {
            return;
        };
        if let Some(Thing::Response { status, .. }) = self.things.get_mut(open.instance, handle) {
            *status = code;
        }
    }

    fn set_outparam(&mut self, instance: Instance, args: &[CoreValue]) {
        let outparam = word(args, 0).and_then(|handle| self.things.take(instance, handle));
        if let Some(Thing::Outparam(of)) = outparam {
            self.give(of, instance, args.get(1..).unwrap_or_default());
        }
    }

    fn task_returns(&mut self, request: Option<u32>, instance: Instance, args: &[CoreValue]) {
        let entered = self.request(request).and_then(|request| request.entered);
        let is_own = entered.is_some_and(|entered| entered.instance == instance);
        if let Some(of) = request.filter(|_| is_own) {
            self.give(of, instance, args);
        }
    }

    /// The guest gives the answer to a request: a `result` of a response or an error.
    fn give(&mut self, of: u32, instance: Instance, answer: &[CoreValue]) {
        let is_ok = word(answer, 0) == Some(0);
        let response = word(answer, 1)
            .filter(|_| is_ok)
            .and_then(|handle| self.things.take(instance, handle));
        let (mut given, mut sent_before) = (None, 0);
        if let Some(Thing::Response { status, body, .. }) = response {
            given = Some(status);
            let end = body.and_then(|end| self.things.end_mut(instance, end));
            if let Some(End::Writable { sent, of: whose }) = end {
                *whose = Some(of);
                sent_before = *sent;
            }
        }
        let error = (!is_ok).then(|| error_code(self.component, answer));
        if let Some(request) = self.request(Some(of)) {
            request.status = given.or(request.status);
            request.sent = request.sent.saturating_add(sent_before);
            if let Some(error) = error {
                request.ending = RequestEnding::Failed(error);
            }
        }
    }

    fn begin_read(&mut self, instance: Instance, args: &[CoreValue]) {
        let handle = word(args, 0).unwrap_or(0);
        let is_body = matches!(self.things.end(instance, handle), Some(End::Body(_)));
        let (address, room) = (number(args.get(1)), number(args.get(2)));
        if let (true, Some(address), Some(room)) = (is_body, address, room)
            && self.things.reads.len() < MOST_READS
        {
            self.things.reads.insert(
                (instance, handle),
                Pending {
                    address,
                    room,
                    bytes: Vec::new(),
                },
            );
        }
    }

    /// An event tells of a waitable.
    fn told(
        &mut self,
        instance: Instance,
        event: u32,
        (waitable, answer): (u32, u32),
        events: u64,
    ) {
        if let Some(EventCode::StreamRead | EventCode::StreamWrite) = EventCode::of(event) {
            // What a callback is told was there when the last call out was made.
            self.copied(instance, waitable, answer, events.saturating_sub(1));
        }
    }

    /// A copy to or from a stream has come so far.
    fn copied(&mut self, instance: Instance, handle: u32, answer: u32, events: u64) {
        let CopyAnswer::Ended { count, .. } = CopyAnswer::of(answer) else {
            return;
        };
        let count = u64::from(count);
        let read = self.things.reads.remove(&(instance, handle));
        match self.things.end_mut(instance, handle) {
            Some(End::Body(of)) => {
                let of = *of;
                let mut bytes = read.map_or_else(Vec::new, |read| read.bytes);
                bytes.truncate(usize::try_from(count).unwrap_or(usize::MAX));
                if count > 0 {
                    self.came(of, &bytes, count, events);
                }
            }
            Some(End::Writable { sent, of }) => {
                *sent = sent.saturating_add(count);
                if let Some(of) = *of {
                    self.sent(of, count);
                }
            }
            Some(End::Readable(_)) | None => {}
        }
    }

    fn end(mut self, fatal: Option<String>) -> Requests {
        // Where the run has ended is told by the calls that were in progress then.
        let ended_in = self.open.iter().find_map(|open| open.request);
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
