//! Reads a capture of packets: by the formats' own words, with nothing of the writer's.

use std::collections::BTreeMap;

/// A packet with what it carries.
#[derive(Debug, Clone)]
pub struct Packet {
    pub interface: u32,
    pub nanos: u64,
    pub from: (Vec<u8>, u16),
    pub to: (Vec<u8>, u16),
    pub transport: Transport,
    pub payload: Vec<u8>,
    /// Bytes of the payload that are not captured.
    pub missing: usize,
    pub comment: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Tcp {
        seq: u32,
        ack: Option<u32>,
        syn: bool,
        fin: bool,
        rst: bool,
    },
    Udp,
}

#[derive(Debug, Default)]
pub struct Capture {
    pub interfaces: Vec<String>,
    pub names: Vec<(Vec<u8>, Vec<String>)>,
    pub packets: Vec<Packet>,
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn net_16(bytes: &[u8], at: usize) -> u16 {
    u16_at(bytes, at).swap_bytes()
}

fn padded(length: usize) -> usize {
    length.next_multiple_of(4)
}

/// Code and value of each.
fn options(mut bytes: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let mut found = Vec::new();
    while bytes.len() >= 4 {
        let (code, length) = (u16_at(bytes, 0), usize::from(u16_at(bytes, 2)));
        if code == 0 {
            break;
        }
        found.push((code, bytes[4..4 + length].to_vec()));
        bytes = &bytes[4 + padded(length)..];
    }
    found
}

impl Capture {
    /// Reads all blocks, and checks what each packet says of itself.
    pub fn read(file: &[u8]) -> Capture {
        let mut capture = Capture::default();
        let mut rest = file;
        assert_eq!(u32_at(file, 0), 0x0a0d_0d0a, "a section begins it");
        assert_eq!(u32_at(file, 8), 0x1a2b_3c4d, "with the little end first");
        while !rest.is_empty() {
            let length = u32_at(rest, 4) as usize;
            let body = &rest[8..length - 4];
            assert_eq!(u32_at(rest, length - 4) as usize, length);
            match u32_at(rest, 0) {
                1 => capture.interface(body),
                4 => capture.names_of(body),
                6 => capture.packet(body),
                0x0a0d_0d0a => {}
                other => panic!("a block of type {other:#x}"),
            }
            rest = &rest[length..];
        }
        capture
    }

    fn interface(&mut self, body: &[u8]) {
        assert_eq!(u16_at(body, 0), 1, "Ethernet");
        let options = options(&body[8..]);
        assert!(options.contains(&(9, vec![9])), "in nanoseconds");
        let name = options.iter().find(|(code, _)| *code == 2).expect("a name");
        let name = String::from_utf8(name.1.clone()).expect("UTF-8");
        self.interfaces.push(name);
    }

    fn names_of(&mut self, mut body: &[u8]) {
        while u16_at(body, 0) != 0 {
            let length = usize::from(u16_at(body, 2));
            let address = if u16_at(body, 0) == 1 { 4 } else { 16 };
            let value = &body[4..4 + length];
            let names = value[address..].split(|byte| *byte == 0);
            let names = names.filter(|name| !name.is_empty());
            let names = names.map(|name| String::from_utf8(name.to_vec()).expect("UTF-8"));
            self.names
                .push((value[..address].to_vec(), names.collect()));
            body = &body[4 + padded(length)..];
        }
    }

    fn packet(&mut self, body: &[u8]) {
        let nanos = u64::from(u32_at(body, 4)) << 32 | u64::from(u32_at(body, 8));
        let (captured, original) = (u32_at(body, 12) as usize, u32_at(body, 16) as usize);
        assert!(captured <= original);
        let options = options(&body[20 + padded(captured)..]);
        let comment = options.iter().find(|(code, _)| *code == 1);
        let comment = comment.map_or_else(String::new, |(_, text)| {
            String::from_utf8(text.clone()).expect("UTF-8")
        });
        let missing = original - captured;
        let frame = &body[20..20 + captured];
        let ip = &frame[14..];
        let (protocol, from, to, transport) = match net_16(frame, 12) {
            0x0800 => {
                assert_eq!(ip[0], 0x45);
                assert_eq!(sum(&[&ip[..20]]), 0xffff, "the checksum of IP");
                assert_eq!(usize::from(net_16(ip, 2)), ip.len() + missing);
                (ip[9], &ip[12..16], &ip[16..20], &ip[20..])
            }
            0x86dd => {
                assert_eq!(usize::from(net_16(ip, 4)), ip.len() - 40 + missing);
                (ip[6], &ip[8..24], &ip[24..40], &ip[40..])
            }
            other => panic!("a frame of type {other:#x}"),
        };
        if missing == 0 {
            let length = (transport.len() as u32).to_be_bytes();
            let all = sum(&[from, to, &length, &[0, protocol], transport]);
            assert_eq!(all, 0xffff, "the checksum over {transport:?}");
        }
        let ports = (net_16(transport, 0), net_16(transport, 2));
        let (transport, payload) = match protocol {
            6 => {
                let flags = transport[13];
                let number = |at| u32::from_be_bytes(transport[at..at + 4].try_into().expect("4"));
                let header = usize::from(transport[12] >> 4) * 4;
                let tcp = Transport::Tcp {
                    seq: number(4),
                    ack: (flags & 0x10 != 0).then(|| number(8)),
                    syn: flags & 2 != 0,
                    fin: flags & 1 != 0,
                    rst: flags & 4 != 0,
                };
                (tcp, &transport[header..])
            }
            17 => {
                assert_eq!(usize::from(net_16(transport, 4)), transport.len() + missing);
                (Transport::Udp, &transport[8..])
            }
            other => panic!("protocol {other}"),
        };
        self.packets.push(Packet {
            interface: u32_at(body, 0),
            nanos,
            from: (from.to_vec(), ports.0),
            to: (to.to_vec(), ports.1),
            transport,
            payload: payload.to_vec(),
            missing,
            comment,
        });
    }
}

/// The sum that is all ones where a checksum is right.
fn sum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0_u64;
    for part in parts {
        for pair in part.chunks(2) {
            sum += u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// A connection: what went each way, put together.
#[derive(Debug, Default, Clone)]
pub struct Stream {
    /// From who began it, and back.
    pub said: [Vec<u8>; 2],
    /// Bytes that are not captured.
    pub missing: [u64; 2],
    pub is_finished: [bool; 2],
    pub is_reset: bool,
    next: [Option<u32>; 2],
}

impl Capture {
    /// All connections, in the order in which they began: each has a handshake, and its numbers
    /// go on without a gap.
    pub fn streams(&self) -> Vec<Stream> {
        let mut streams: Vec<Stream> = Vec::new();
        let mut open: BTreeMap<[(Vec<u8>, u16); 2], usize> = BTreeMap::new();
        for packet in &self.packets {
            let Transport::Tcp {
                seq,
                ack,
                syn,
                fin,
                rst,
            } = packet.transport
            else {
                continue;
            };
            let there = [packet.from.clone(), packet.to.clone()];
            let back = [packet.to.clone(), packet.from.clone()];
            if syn && ack.is_none() {
                open.remove(&back);
                open.insert(there.clone(), streams.len());
                streams.push(Stream::default());
            }
            let (at, way) = match (open.get(&there), open.get(&back)) {
                (Some(at), _) => (*at, 0),
                (None, Some(at)) => (*at, 1),
                (None, None) => panic!("a packet without a handshake: {packet:?}"),
            };
            let stream = &mut streams[at];
            match stream.next[way] {
                None if rst => {}
                None => assert!(syn, "a handshake first: {packet:?}"),
                Some(next) => assert_eq!(seq, next, "numbers go on: {packet:?}"),
            }
            // Nobody has more than was said.
            if let (Some(ack), Some(said)) = (ack, stream.next[1 - way]) {
                assert!(said.wrapping_sub(ack) < 1 << 31, "{packet:?}");
            }
            let length = packet.payload.len() + packet.missing;
            assert!(length <= 1460);
            assert!(length == 0 || !stream.is_finished[way]);
            let flags = u32::from(syn) + u32::from(fin);
            stream.next[way] = Some(seq.wrapping_add(length as u32 + flags));
            stream.said[way].extend_from_slice(&packet.payload);
            stream.missing[way] += packet.missing as u64;
            stream.is_finished[way] |= fin;
            stream.is_reset |= rst;
        }
        streams
    }
}

/// A request or an answer in a stream.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HttpMessage {
    pub first: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Reads one message of HTTP/1.1, which is all of the stream.
pub fn http(stream: &[u8]) -> HttpMessage {
    let end = stream
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap_or_else(|| panic!("no head in {:?}", stream.escape_ascii().to_string()));
    let head = String::from_utf8(stream[..end].to_vec()).expect("text");
    let mut lines = head.split("\r\n");
    let first = lines.next().expect("a line").to_owned();
    let headers: Vec<(String, String)> = lines
        .map(|line| {
            let (name, value) = line.split_once(": ").expect("a header");
            (name.to_owned(), value.to_owned())
        })
        .collect();
    let of = |name: &str| headers.iter().find(|(of, _)| of == name);
    let rest = &stream[end + 4..];
    let body = if let Some((_, length)) = of("content-length") {
        let length: usize = length.parse().expect("a number");
        assert!(rest.len() <= length);
        rest.to_vec()
    } else if of("transfer-encoding").is_some() {
        chunks(rest)
    } else {
        assert!(rest.is_empty() || of("connection").is_some());
        rest.to_vec()
    };
    HttpMessage {
        first,
        headers,
        body,
    }
}

fn chunks(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while !rest.is_empty() {
        let end = rest
            .windows(2)
            .position(|two| two == b"\r\n")
            .expect("a size");
        let size = std::str::from_utf8(&rest[..end]).expect("digits");
        let size = usize::from_str_radix(size, 16).expect("a size");
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        assert_eq!(&rest[end + 2 + size..end + 4 + size], b"\r\n");
        rest = &rest[end + 4 + size..];
        assert_eq!(size == 0, rest.is_empty());
    }
    body
}
