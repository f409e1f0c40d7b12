//! Requests and answers in the words of HTTP/1.1: what programs say through `wasi:http` has no
//! words, and how the host wrote it is in no recording.
//!
//! A head has what its sender said, and then what only its receiver was told: the host adds to it.
//! Whatever is in a recording, a head is one head: what cannot stand in it is replaced.

use super::connection::{Connection, Flow, Frame, Moment, Said, Side};
use crate::system::conversation::{Head, Start, Way};
use crate::system::export::{System, plain};
use std::collections::BTreeSet;

/// Header lines of one head.
const MOST_LINES: usize = 2000;

/// How it is known where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    None,
    Length(u64),
    Chunked,
    /// With the connection.
    Close,
}

/// Writes out the request and the answer of a conversation; answers whether there is anything to
/// write.
pub(super) fn put_into_words(system: System<'_>, connection: &mut Connection<'_>) -> bool {
    let (client, server) = (connection.client, connection.server);
    let Some((at, request)) = head(system, client, server) else {
        return false;
    };
    let method = match &request.start {
        Start::Request { method, .. } => method.clone(),
        Start::Response { .. } => None,
    };
    let authority = [client, server]
        .into_iter()
        .flatten()
        .find_map(|(_, end)| end.authority.as_deref());
    let [asks, answers] = &mut connection.flows;
    let mut writing = Writing::default();
    writing.request(&request, authority);
    let framing = writing.framing(&request, asks, true);
    writing.write(asks, at, framing);
    if let Some((at, answer)) = head(system, server, client) {
        let mut writing = Writing::default();
        let status = writing.response(&answer);
        let is_bare = method.as_deref() == Some("HEAD")
            || (100..200).contains(&status)
            || matches!(status, 204 | 304);
        let framing = match is_bare {
            true => writing.no_body(&answer, answers, method.as_deref() == Some("HEAD")),
            false => writing.framing(&answer, answers, false),
        };
        writing.write(answers, at, framing);
    } else {
        // Bytes without a head are no answer that anybody could read.
        answers.said.clear();
    }
    true
}

/// The head that one side sent to the other: with what only the receiver knows of it.
fn head(system: System<'_>, from: Side<'_>, to: Side<'_>) -> Option<(Moment, Head)> {
    let of = |side: Side<'_>, way| {
        let (id, end) = side?;
        let head = end.direction(way).head.clone()?;
        Some((Moment::of(system, id.node, head.place, head.event), head))
    };
    let (sent, received) = (of(from, Way::Sent), of(to, Way::Received));
    let ((at, mut head), Some((_, more))) = (sent.or(received.clone())?, received) else {
        return of(from, Way::Sent);
    };
    match (&mut head.start, more.start) {
        (
            Start::Request { method, target },
            Start::Request {
                method: more,
                target: other,
            },
        ) => {
            *method = method.take().or(more);
            *target = target.take().or(other);
        }
        (Start::Response { status }, Start::Response { status: more }) if *status == 0 => {
            *status = more;
        }
        _ => {}
    }
    let names: BTreeSet<String> = head.headers.iter().map(|(name, _)| name.clone()).collect();
    let more = more.headers.into_iter();
    head.headers
        .extend(more.filter(|(name, _)| !names.contains(name)));
    Some((at, head))
}

/// A head that is being written.
#[derive(Default)]
struct Writing {
    text: Vec<u8>,
    remarks: Vec<String>,
}

impl Writing {
    fn request(&mut self, head: &Head, authority: Option<&str>) {
        let (method, target) = match &head.start {
            Start::Request { method, target } => (method.as_deref(), target.as_deref()),
            Start::Response { .. } => (None, None),
        };
        let method = method.unwrap_or_else(|| {
            self.remark("nobody asked for the method");
            "UNKNOWN"
        });
        let target = target.unwrap_or_else(|| {
            self.remark("nobody asked for the target");
            "/"
        });
        self.token(method);
        self.text.push(b' ');
        self.target(target);
        self.text.extend_from_slice(b" HTTP/1.1\r\n");
        if head.header("host").is_none()
            && let Some(authority) = authority
        {
            self.line("host", authority);
        }
        self.headers(head);
    }

    /// Answers the status that it has.
    fn response(&mut self, head: &Head) -> u16 {
        let status = match head.start {
            Start::Response { status } => status,
            Start::Request { .. } => 0,
        };
        if status == 0 {
            self.remark("nobody asked for the status");
        }
        let written = status.min(999);
        if written != status {
            self.remark(&format!("the status is {status}"));
        }
        self.text
            .extend_from_slice(format!("HTTP/1.1 {written:03} \r\n").as_bytes());
        self.headers(head);
        written
    }

    /// All but what says how the body is wrapped, which is up to the one who writes it.
    fn headers(&mut self, head: &Head) {
        let own = [
            "content-length",
            "transfer-encoding",
            "connection",
            "keep-alive",
            "upgrade",
            "te",
            "trailer",
        ];
        for (name, value) in head.headers.iter().take(MOST_LINES) {
            if !own.iter().any(|own| name.trim().eq_ignore_ascii_case(own)) {
                self.line(name, value);
            }
        }
    }

    fn line(&mut self, name: &str, value: &str) {
        self.token(name);
        self.text.extend_from_slice(b": ");
        let is_fine = |c: &u8| *c == b'\t' || (*c >= b' ' && *c != 0x7f);
        if !value.bytes().all(|c| is_fine(&c)) {
            self.remark("a header has characters that no header has, and here has spaces");
        }
        let value = value.bytes().map(|c| if is_fine(&c) { c } else { b' ' });
        self.text.extend(value);
        self.text.extend_from_slice(b"\r\n");
    }

    fn token(&mut self, token: &str) {
        let is_fine = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
        if !token.bytes().all(is_fine) || token.is_empty() {
            self.remark("a name has characters that no name has, and here has underscores");
        }
        if token.is_empty() {
            self.text.push(b'_');
        }
        let token = token.bytes().map(|c| if is_fine(c) { c } else { b'_' });
        self.text.extend(token);
    }

    fn target(&mut self, target: &str) {
        if target.is_empty() {
            self.text.push(b'/');
        }
        for c in target.bytes() {
            match c {
                b'!'..=b'~' => self.text.push(c),
                _ => self.text.extend_from_slice(format!("%{c:02X}").as_bytes()),
            }
        }
    }

    fn remark(&mut self, remark: &str) {
        if !self.remarks.iter().any(|of| of == remark) {
            self.remarks.push(remark.to_owned());
        }
    }

    /// How the body is wrapped: as the sender said, if that can be.
    fn framing(&mut self, head: &Head, flow: &Flow<'_>, is_request: bool) -> Framing {
        let length = flow.length();
        let declared = head
            .header("content-length")
            .and_then(|value| value.trim().parse::<u64>().ok());
        let is_over = flow.ended.is_some() && !flow.unseen;
        match declared {
            Some(declared) if declared == length => return Framing::Length(length),
            Some(declared) if declared > length => {
                let missing = declared - length;
                self.remark(&format!(
                    "{missing} bytes of the body were announced and are in no recording"
                ));
                return Framing::Length(declared);
            }
            Some(declared) => self.remark(&format!(
                "its content-length is {declared}, and its body is longer"
            )),
            None => {}
        }
        if flow.unseen {
            self.remark("bytes of the body may have been handed on that are in no recording");
        }
        match (is_over, length, is_request) {
            // A request without a word about its body has none.
            (_, 0, true) => Framing::None,
            (true, 0, false) => Framing::Length(0),
            (true, ..) => Framing::Chunked,
            (false, ..) => {
                self.remark("the end of the body is in no recording");
                match is_request {
                    // No request ends with its connection, and one without an end is none to its
                    // readers: it is given as long as it is known to be.
                    true => Framing::Length(length),
                    false => Framing::Close,
                }
            }
        }
    }

    /// Such an answer has no body, whatever the program wrote.
    fn no_body(&mut self, head: &Head, flow: &mut Flow<'_>, tells_length: bool) -> Framing {
        let length = flow.length();
        if length > 0 {
            self.remark(&format!(
                "the program wrote a body of {length} bytes, and such an answer has none"
            ));
        }
        flow.said.clear();
        if tells_length
            && let Some(declared) = head.header("content-length")
            && let Ok(declared) = declared.trim().parse::<u64>()
        {
            self.line("content-length", &declared.to_string());
        }
        Framing::None
    }

    fn write(mut self, flow: &mut Flow<'_>, at: Moment, framing: Framing) {
        let length = flow.length();
        match framing {
            Framing::None => {}
            Framing::Length(length) => self.line("content-length", &length.to_string()),
            Framing::Chunked => self.line("transfer-encoding", "chunked"),
            Framing::Close => self.line("connection", "close"),
        }
        self.text.extend_from_slice(b"\r\n");
        let mut head = Said::text(at, self.text);
        head.remark = (!self.remarks.is_empty()).then(|| plain(&self.remarks.join("; "), 2000));
        let body = std::mem::take(&mut flow.said);
        flow.said.reserve(body.len() + 2);
        flow.said.push(head);
        for mut said in body {
            if said.length() > 0 {
                if framing == Framing::Chunked {
                    said.frame = Frame::Chunk;
                }
                flow.said.push(said);
            }
        }
        let last = flow.said.last().map_or(at, |said| said.at);
        match framing {
            Framing::Chunked if flow.ended.is_some() && !flow.unseen => {
                let at = flow.ended.unwrap_or(last);
                flow.said.push(Said::text(at, b"0\r\n\r\n".to_vec()));
            }
            Framing::Length(announced) if announced > length => {
                let mut rest = Said::text(last, Vec::new());
                rest.missing = announced - length;
                flow.said.push(rest);
            }
            _ => {}
        }
    }
}
