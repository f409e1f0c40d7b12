//! What the guest gives as an answer: headers that it makes, and the bytes that it sends.

use super::reading::{MOST_OF_BODY, Open, Reading};
use super::roles::Role;
use super::said::Saying;
use super::things::Thing;
use super::values::word;
use super::{Body, Request};
use crate::component::types::CoreValue;
use crate::trace::Instance;

/// Sets of headers that are followed.
const MOST_FIELDS: usize = 1 << 16;
/// Headers of one set.
const MOST_HEADERS: usize = 100;
/// Pieces of one body whose coming is kept.
const MOST_PIECES: usize = 1000;

impl Body {
    /// A piece has come, which is known where so many calls out have been made. `left` is how
    /// many bytes may be kept of all bodies.
    pub(super) fn add(&mut self, head: &[u8], length: u64, known: u64, left: &mut usize) {
        // What follows a gap is not what comes next.
        if self.length == self.head.len() as u64 {
            let room = MOST_OF_BODY.saturating_sub(self.head.len()).min(*left);
            let piece = usize::try_from(length).unwrap_or(usize::MAX);
            let kept = head.get(..room.min(head.len()).min(piece));
            let kept = kept.unwrap_or_default();
            self.head.extend_from_slice(kept);
            *left -= kept.len();
        }
        self.length = self.length.saturating_add(length);
        if self.came.len() < MOST_PIECES {
            self.came.push((known, self.length));
        } else if let Some(last) = self.came.last_mut() {
            *last = (known, self.length);
        }
    }
}

impl Reading<'_> {
    /// The guest has made headers, or changed some.
    pub(super) fn fields(&mut self, open: &Open, made: Option<u32>) {
        let (instance, handle) = (open.instance, word(&open.args, 0).unwrap_or(0));
        let said = match self.said.by(open.event) {
            Some(Saying::Headers(headers)) => headers.as_slice(),
            _ => &[],
        };
        let list = match open.role {
            Role::FieldsNew => Vec::new(),
            Role::FieldsFrom => said.to_vec(),
            Role::FieldsCopy => match self.things.get(instance, handle) {
                Some(Thing::Headers(of)) => self.headers_of(of),
                Some(Thing::Fields(of)) => {
                    self.fields.get(of as usize).cloned().unwrap_or_default()
                }
                _ => return,
            },
            role => {
                if let Some(Thing::Fields(of)) = self.things.get(instance, handle)
                    && let Some(fields) = self.fields.get_mut(of as usize)
                {
                    let is_named = |name: &str| said.iter().any(|(of, _)| of == name);
                    if role != Role::FieldsAppend {
                        fields.retain(|(name, _)| !is_named(name));
                    }
                    if role != Role::FieldsDelete {
                        let room = MOST_HEADERS.saturating_sub(fields.len());
                        fields.extend(said.iter().take(room).cloned());
                    }
                }
                return;
            }
        };
        if let Some(made) = made.filter(|_| self.fields.len() < MOST_FIELDS) {
            let place = self.fields.len() as u32;
            self.fields.push(list);
            self.things.put(instance, made, Thing::Fields(place));
        }
    }

    /// The headers of a request: those that the guest has asked for, or that the host has noted.
    fn headers_of(&self, of: u32) -> Vec<(String, String)> {
        let request = self.found.list.get(of as usize);
        let asked = request.map(|request| request.headers.clone());
        let asked = asked.filter(|headers| !headers.is_empty());
        let noted = || {
            self.noted
                .iter()
                .find(|noted| noted.number == u64::from(of) + 1)
        };
        asked
            .or_else(|| noted().map(|noted| noted.headers.clone()))
            .unwrap_or_default()
    }

    /// The headers that a response is made with are its own from then on.
    pub(super) fn take_fields(&mut self, instance: Instance, args: &[CoreValue]) -> Option<u32> {
        match self.things.take(instance, word(args, 0)?) {
            Some(Thing::Fields(place)) => Some(place),
            _ => None,
        }
    }

    /// The beginning of what a call out wanted to write.
    pub(super) fn said_bytes(&self, event: u64) -> Vec<u8> {
        match self.said.by(event) {
            Some(Saying::Bytes(bytes)) => bytes.clone(),
            _ => Vec::new(),
        }
    }

    /// A piece of the body of an answer is taken.
    pub(super) fn sent(&mut self, of: u32, head: &[u8], length: u64, events: u64) {
        let mut left = self.bodies_left;
        if let Some(request) = self.request(Some(of)) {
            request.sent = request.sent.saturating_add(length);
            let known = events.saturating_add(1);
            request.answer_body.add(head, length, known, &mut left);
        }
        self.bodies_left = left;
    }

    /// What was written before it was known whose answer it is.
    pub(super) fn sent_before(&mut self, of: u32, body: Body) {
        if let Some(request) = self.request(Some(of)) {
            request.sent = request.sent.saturating_add(body.length);
            if request.answer_body == Body::default() {
                request.answer_body = body;
            }
        }
    }

    pub(super) fn give_headers(&mut self, of: u32, fields: Option<u32>) {
        let fields = fields.and_then(|place| self.fields.get_mut(place as usize));
        let headers = fields.map(std::mem::take).unwrap_or_default();
        let known = |request: &mut Request| request.answer_headers = headers;
        self.request(Some(of)).map(known);
    }
}
