//! One end of a conversation: what one recording has of what its program and somebody else said
//! to each other.

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// A moment of a recording as far as others can tell: between which hostcalls it is.
///
/// Ordered by time.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Place {
    /// Hostcalls that were made before.
    pub events: u64,
    /// Whether the next one, which has this number, is made and not answered.
    pub in_call: bool,
}

impl Place {
    /// Inside a hostcall, by its number.
    pub fn in_call(event: u64) -> Place {
        Place {
            events: event,
            in_call: true,
        }
    }

    /// Between two hostcalls, when so many were made.
    pub fn after(events: u64) -> Place {
        Place {
            events,
            in_call: false,
        }
    }
}

/// How a program and the other side speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndKind {
    /// The program made a request: `wasi:http`'s outgoing handler, or its client.
    HttpClient,
    /// The program was given a request: `wasi:http`'s incoming handler.
    HttpServer,
    /// A TCP connection that the program made.
    TcpConnected,
    /// A TCP connection that the program accepted.
    TcpAccepted,
    /// A UDP socket: each piece is a datagram.
    Udp,
    /// What it read from standard input.
    StandardInput,
    /// What it wrote to standard output.
    StandardOutput,
}

impl EndKind {
    /// What the other end of such a conversation is, if it is in a recording.
    pub fn opposite(self) -> EndKind {
        match self {
            EndKind::HttpClient => EndKind::HttpServer,
            EndKind::HttpServer => EndKind::HttpClient,
            EndKind::TcpConnected => EndKind::TcpAccepted,
            EndKind::TcpAccepted => EndKind::TcpConnected,
            EndKind::Udp => EndKind::Udp,
            EndKind::StandardInput => EndKind::StandardOutput,
            EndKind::StandardOutput => EndKind::StandardInput,
        }
    }

    /// Whether it is one of the program's standard streams.
    pub fn is_standard(self) -> bool {
        matches!(self, EndKind::StandardInput | EndKind::StandardOutput)
    }

    /// Whether bytes of one direction may be cut into other pieces at the other end.
    pub fn is_stream(self) -> bool {
        self != EndKind::Udp
    }
}

/// One end of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// How they speak.
    pub kind: EndKind,
    /// Where it began: the hostcall that made the connection, sent the request, or wrote first.
    pub began: Place,
    /// The program's own address, as far as it asked or chose.
    pub local: Option<SocketAddr>,
    /// The other side's, as the program knows it; of UDP that of a connected socket.
    pub remote: Option<SocketAddr>,
    /// Whom a client asked (`host:port`), or whom a server's client said it asked.
    pub authority: Option<String>,
    /// What the program said.
    pub sent: Direction,
    /// What it was told.
    pub received: Direction,
    /// Of a request, its number among those that the recording was given.
    pub request: Option<u64>,
    /// Why it came to nothing: an error in place of an answer, a connection refused.
    pub error: Option<String>,
}

impl End {
    /// A conversation in which nothing has been said yet.
    pub fn new(kind: EndKind, began: Place) -> End {
        End {
            kind,
            began,
            local: None,
            remote: None,
            authority: None,
            sent: Direction::default(),
            received: Direction::default(),
            request: None,
            error: None,
        }
    }

    /// The direction that goes this way.
    pub fn direction(&self, way: Way) -> &Direction {
        match way {
            Way::Sent => &self.sent,
            Way::Received => &self.received,
        }
    }

    /// The request of an HTTP conversation, and its answer.
    pub fn exchange(&self) -> Option<(&Direction, &Direction)> {
        match self.kind {
            EndKind::HttpClient => Some((&self.sent, &self.received)),
            EndKind::HttpServer => Some((&self.received, &self.sent)),
            _ => None,
        }
    }
}

/// Which way bytes go, as one end sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Out of the program.
    Sent,
    /// Into it.
    Received,
}

/// All that was said one way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Direction {
    /// The head of a request or an answer.
    pub head: Option<Head>,
    /// Bytes, in the order in which they were said.
    pub pieces: Vec<Piece>,
    /// The first of the bytes: all, if there are not more than are kept.
    pub bytes: Vec<u8>,
    /// How many bytes there were.
    pub length: u64,
    /// Where it was said that no more comes, or was learnt.
    pub ended: Option<Place>,
    /// Whether bytes may have gone this way that the program never had: it handed a stream on.
    pub unseen: bool,
}

impl Direction {
    /// The hostcalls that said it, or brought it.
    pub fn events(&self) -> impl Iterator<Item = Option<u64>> {
        let heads = self.head.iter().map(|head| head.event);
        heads.chain(self.pieces.iter().map(|piece| piece.event))
    }

    /// Where it was said, or was first known.
    pub fn places(&self) -> impl Iterator<Item = Place> {
        let heads = self.head.iter().map(|head| head.place);
        heads.chain(self.pieces.iter().map(|piece| piece.place))
    }

    /// Whether all bytes are kept.
    pub fn is_whole(&self) -> bool {
        self.bytes.len() as u64 == self.length
    }

    /// The bytes of a piece, as far as they are kept.
    pub fn bytes_of(&self, piece: &Piece) -> &[u8] {
        let kept = self.bytes.len();
        let start = usize::try_from(piece.offset).map_or(kept, |start| start.min(kept));
        let end = piece.offset.saturating_add(piece.length);
        let end = usize::try_from(end).map_or(kept, |end| end.min(kept));
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// A piece is said: `known` are the first of its bytes, of which no more than `left` are
    /// kept, which is counted down.
    pub fn push(&mut self, mut piece: Piece, known: &[u8], left: &mut usize) {
        piece.offset = self.length;
        // What follows a gap is not what comes next.
        if self.is_whole() {
            let length = usize::try_from(piece.length).unwrap_or(usize::MAX);
            let kept = known.len().min(length).min(*left);
            self.bytes
                .extend_from_slice(known.get(..kept).unwrap_or_default());
            *left -= kept;
        }
        self.length = self.length.saturating_add(piece.length);
        self.pieces.push(piece);
    }
}

/// Bytes that one hostcall said, or brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Where it happened. What is sent is sent in the call that says it; what is received is
    /// there where the program first knows of it.
    pub place: Place,
    /// The hostcall that said it, or by which it came: the one to show.
    pub event: Option<u64>,
    /// Bytes of the same direction before it.
    pub offset: u64,
    /// In bytes.
    pub length: u64,
    /// Of a datagram, whom it went to, or came from.
    pub peer: Option<SocketAddr>,
}

/// What is said before the bytes of a request or an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Where it was said, or is first known.
    pub place: Place,
    /// The hostcall that says it, or brings it; `None` where a request comes into the program.
    pub event: Option<u64>,
    /// Which of the two it is.
    pub start: Start,
    /// Names, in small letters, and values, as far as the program said or asked for them.
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(of, _)| of.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// The first line of a request, or of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// `GET /path?query`; what is `None` the program never asked for.
    Request {
        /// `GET`, `POST`…
        method: Option<String>,
        /// The path with its query.
        target: Option<String>,
    },
    /// A status; 0 if it is not known.
    Response {
        /// `200`…
        status: u16,
    },
}

/// All conversations of one recording, in the order in which they began.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversations {
    /// The ends that are in this recording.
    pub ends: Vec<End>,
    /// Hostcalls of the recording.
    pub events: u64,
    /// Why there may be more, if there may.
    pub cut_short: Option<String>,
}
