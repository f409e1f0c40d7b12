//! What the guest learns of a request, and what it gives as the answer.

use super::RequestEnding;
use super::reading::{MOST_OF_BODY, MOST_WRITTEN, Open, Reading};
use super::roles::Role;
use super::things::{End, Thing};
use super::values::{error_code, first_handle, headers, is_ok, method, text, word};
use crate::component::types::CoreValue;
use crate::inspect::hostcall::builtin_call::number;
use crate::inspect::hostcall::hostcalls;
use crate::inspect::hostcall::in_progress::overlay;
use crate::inspect::hostcall::lift::{Lifted, Lifter, Limits, Memory};
use crate::trace::{Instance, Written};

/// Headers that are kept of one request.
const MOST_HEADERS: u64 = 100;

impl Reading<'_> {
    /// The request whose handle a call was given.
    pub(super) fn asked(&self, open: &Open) -> Option<u32> {
        let handle = word(&open.args, 0)?;
        match self.things.get(open.instance, handle)? {
            Thing::Request(request) => Some(request),
            _ => None,
        }
    }

    pub(super) fn lift(
        &self,
        open: &Open,
        results: &[CoreValue],
        writes: &[Written],
    ) -> Option<Lifted> {
        let crossing = self.component.crossing(open.crossing)?;
        let memory: &Memory<'_> = &|address, length| {
            let length = usize::try_from(length).ok()?;
            let mut bytes = vec![0; Some(length).filter(|length| *length <= MOST_WRITTEN)?];
            overlay(writes, address, &mut bytes);
            Some(bytes)
        };
        let lifter = Lifter {
            limits: Limits {
                elements: MOST_HEADERS,
                bytes: MOST_OF_BODY as u64,
                ..Limits::default()
            },
            ..Lifter::new(memory, crossing.encoding, crossing.pointer)
        };
        hostcalls::result(&lifter, crossing, &open.args, results)
    }

    /// A call out has answered a value.
    pub(super) fn answered(&mut self, open: &Open, answer: Lifted, events: u64) {
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
                    fields: self.take_fields(instance, &open.args),
                    of: open.request,
                    body,
                };
                self.put_first(instance, &answer, thing);
            }
            (Role::FieldsFrom, _) => self.fields(open, first_handle(&answer)),
            (Role::FieldsSet | Role::FieldsAppend | Role::FieldsDelete, _) if is_ok(&answer) => {
                self.fields(open, None);
            }
            (Role::ResponseBody, Some(Thing::Response { of: Some(of), .. })) => {
                self.put_first(instance, &answer, Thing::OutgoingBody(of));
            }
            (Role::BodyWrite, Some(Thing::OutgoingBody(of))) => {
                self.put_first(instance, &answer, Thing::Output(of));
            }
            (Role::Write, Some(Thing::Output(of))) if is_ok(&answer) => {
                let bytes = self.said_bytes(open.event);
                self.sent(of, &bytes, number(open.args.get(2)).unwrap_or(0), events);
            }
            (Role::WriteZeroes, Some(Thing::Output(of))) if is_ok(&answer) => {
                let length = number(open.args.get(1)).unwrap_or(0);
                let zeroes = length.min(MOST_OF_BODY as u64) as usize;
                self.sent(of, &vec![0; zeroes], length, events);
            }
            (Role::Splice, Some(Thing::Output(of))) => {
                if let Lifted::Result(Ok(Some(value))) = answer
                    && let Lifted::Unsigned(count) = *value
                {
                    self.sent(of, &[], count, events);
                }
            }
            _ => {}
        }
    }

    pub(super) fn put_first(&mut self, instance: Instance, answer: &Lifted, thing: Thing) {
        if let Some(handle) = first_handle(answer) {
            self.things.put(instance, handle, thing);
        }
    }

    pub(super) fn set_status(&mut self, open: &Open, results: &[CoreValue]) {
        let (handle, code) = (word(&open.args, 0), word(&open.args, 1));
        let code = code.and_then(|code| u16::try_from(code).ok());
        let (Some(handle), Some(code), Some(0)) = (handle, code, word(results, 0)) else {
            return;
        };
        if let Some(Thing::Response { status, .. }) = self.things.get_mut(open.instance, handle) {
            *status = code;
        }
    }

    pub(super) fn set_outparam(&mut self, instance: Instance, args: &[CoreValue]) {
        let outparam = word(args, 0).and_then(|handle| self.things.take(instance, handle));
        if let Some(Thing::Outparam(of)) = outparam {
            self.give(of, instance, args.get(1..).unwrap_or_default());
        }
    }

    pub(super) fn task_returns(
        &mut self,
        request: Option<u32>,
        instance: Instance,
        args: &[CoreValue],
    ) {
        let entered = self.request(request).and_then(|request| request.entered);
        let is_own = entered.is_some_and(|entered| entered.instance == instance);
        if let Some(of) = request.filter(|_| is_own) {
            self.give(of, instance, args);
        }
    }

    /// The guest gives the answer to a request: a `result` of a response or an error.
    pub(super) fn give(&mut self, of: u32, instance: Instance, answer: &[CoreValue]) {
        let is_ok = word(answer, 0) == Some(0);
        let response = word(answer, 1)
            .filter(|_| is_ok)
            .and_then(|handle| self.things.take(instance, handle));
        let mut given = None;
        if let Some(Thing::Response {
            status,
            fields,
            body,
            ..
        }) = response
        {
            given = Some(status);
            self.give_headers(of, fields);
            let end = body.and_then(|end| self.things.end_mut(instance, end));
            if let Some(End::Writable { of: whose }) = end {
                *whose = Some(of);
            }
            let sent = body.and_then(|end| self.things.unsent.remove(&(instance, end)));
            if let Some(sent) = sent {
                self.sent_before(of, sent);
            }
        }
        let error = (!is_ok).then(|| error_code(self.component, answer));
        if let Some(request) = self.request(Some(of)) {
            request.status = given.or(request.status);
            if let Some(error) = error {
                request.ending = RequestEnding::Failed(error);
            }
        }
    }
}
