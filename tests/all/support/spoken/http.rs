//! Requests and answers.

use super::{Talk, World};
use rr_dap::system::conversation::{Direction, End, EndKind, Head, Piece, Place, Start};
use rr_dap::system::message::EndId;

pub(super) fn begin(world: &mut World) {
    let (client, server) = world.two_nodes();
    let is_alike = world.below(100) < world.nature.alike;
    let number = match is_alike {
        true => world.below(2),
        false => 1000 + u64::from(world.begun),
    };
    let target = format!("/orders/{number}?page=1");
    let has_body = number % 3 == 0;
    let body = match (has_body, is_alike) {
        (false, _) => Vec::new(),
        (true, true) => b"the same body".to_vec(),
        (true, false) => world.words(600),
    };
    let answer = match is_alike {
        true => format!("about order {number}").into_bytes(),
        false => world.words(600),
    };
    world.talks.push(Box::new(Exchange {
        client,
        server,
        number,
        target,
        body,
        answer,
        has_body,
        state: State::New,
        at: 0,
        ids: None,
    }));
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    New,
    Asking,
    Asked,
    Reading,
    Answering,
    Hearing,
    Listening,
}

struct Exchange {
    client: u32,
    server: u32,
    number: u64,
    target: String,
    body: Vec<u8>,
    answer: Vec<u8>,
    has_body: bool,
    state: State,
    /// In the bytes of this state.
    at: usize,
    ids: Option<(EndId, EndId)>,
}

fn head(place: Place, event: u64, start: Start, headers: &[(&str, String)]) -> Head {
    let headers = headers.iter();
    Head {
        place,
        event: Some(event),
        start,
        headers: headers
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
    }
}

/// The next few of the bytes, in one call; answers whether there are more.
pub(super) fn piece(
    direction: &mut Direction,
    bytes: &[u8],
    at: &mut usize,
    most: usize,
    place: Place,
    event: u64,
) -> bool {
    let end = bytes.len().min(*at + most);
    let mut left = usize::MAX;
    direction.push(
        Piece {
            place,
            event: Some(event),
            offset: 0,
            length: (end - *at) as u64,
            peer: None,
        },
        &bytes[*at..end],
        &mut left,
    );
    *at = end;
    end < bytes.len()
}

impl Exchange {
    fn status(&self) -> u16 {
        [200, 200, 404][(self.number % 3) as usize]
    }

    /// The server looks at what the request is about, and so at the same for the same.
    fn looks_at_headers(&self) -> bool {
        self.number.is_multiple_of(2)
    }

    fn next(&mut self, state: State) {
        self.state = state;
        self.at = 0;
    }
}

impl Talk for Exchange {
    fn step(&mut self, world: &mut World) -> bool {
        let acts = match self.state {
            State::Asked | State::Reading | State::Answering => self.server,
            _ => self.client,
        };
        if world.is_dead(acts) {
            return false;
        }
        let cut = 1 + world.below(300) as usize;
        let method = if self.has_body { "POST" } else { "GET" };
        let start = Start::Request {
            method: Some(method.to_owned()),
            target: Some(self.target.clone()),
        };
        let headers = [
            ("accept", "*/*".to_owned()),
            ("x-user", format!("u{}", self.number)),
        ];
        match self.state {
            State::New => {
                let event = world.call(self.client);
                let place = Place::in_call(event);
                let mut end = End::new(EndKind::HttpClient, place);
                end.authority = Some(format!("node-{}:8080", self.server));
                end.sent.head = Some(head(place, event, start, &headers));
                end.sent.ended = (!self.has_body).then_some(place);
                let id = world.add(self.client, end);
                self.ids = Some((id, id));
                self.next(if self.has_body {
                    State::Asking
                } else {
                    State::Asked
                });
            }
            State::Asking => {
                let event = world.call(self.client);
                let place = Place::in_call(event);
                let sent = &mut world.end(self.ids.unwrap().0).sent;
                if !piece(sent, &self.body, &mut self.at, cut, place, event) {
                    sent.ended = Some(place);
                    self.next(State::Asked);
                }
            }
            State::Asked => {
                // It comes in between two calls, and is asked about in the next.
                let place = Place::after(world.events(self.server));
                let event = world.call(self.server);
                let mut end = End::new(EndKind::HttpServer, place);
                let authority = format!("node-{}:8080", self.server);
                end.authority = Some(match world.nature.nat {
                    true => "localhost:80".to_owned(),
                    false => authority,
                });
                let seen = if self.looks_at_headers() {
                    &headers[1..]
                } else {
                    &[]
                };
                let mut head = head(place, event, start, seen);
                head.event = None;
                end.received.head = Some(head);
                let id = world.add(self.server, end);
                let client = self.ids.unwrap().0;
                self.ids = Some((client, id));
                world.belong(client, id);
                self.next(if self.has_body {
                    State::Reading
                } else {
                    State::Answering
                });
            }
            State::Reading => {
                let event = world.call(self.server);
                let received = &mut world.end(self.ids.unwrap().1).received;
                let place = Place::after(event + 1);
                if !piece(received, &self.body, &mut self.at, cut, place, event) {
                    received.ended = Some(place);
                    self.next(State::Answering);
                }
            }
            State::Answering => {
                let event = world.call(self.server);
                let place = Place::in_call(event);
                let status = self.status();
                let sent = &mut world.end(self.ids.unwrap().1).sent;
                if sent.head.is_none() {
                    sent.head = Some(head(place, event, Start::Response { status }, &[]));
                } else if !piece(sent, &self.answer, &mut self.at, cut, place, event) {
                    sent.ended = Some(place);
                    self.next(State::Hearing);
                }
            }
            State::Hearing => {
                let event = world.call(self.client);
                let place = Place::after(event + 1);
                let status = self.status();
                let received = &mut world.end(self.ids.unwrap().0).received;
                received.head = Some(head(place, event, Start::Response { status }, &[]));
                self.next(State::Listening);
                // Who hears that there is no such order does not read why.
                return status == 200;
            }
            State::Listening => {
                let event = world.call(self.client);
                let place = Place::after(event + 1);
                let received = &mut world.end(self.ids.unwrap().0).received;
                if !piece(received, &self.answer, &mut self.at, cut, place, event) {
                    received.ended = Some(place);
                    return false;
                }
            }
        }
        true
    }
}
