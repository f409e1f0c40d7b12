//! What the guest printed, decoded from its hostcalls.
//!
//! With WASI 0.2 it calls a method of an `output-stream`. With WASI 0.3 it gives the
//! readable end of a stream of bytes to `write-via-stream`, and what it then writes to
//! the other end is printed when it has been taken.

use crate::component::status::{CopyAnswer, EventCode};
use crate::component::types::{CoreValue, ValueType};
use crate::component::{Builtin, Crossing, CrossingId, CrossingKind, Transmit};
use crate::trace::Instance;
use std::collections::HashMap;

/// A standard stream of the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Stream {
    /// Standard output: `wasi:cli/stdout`.
    Stdout,
    /// Standard error: `wasi:cli/stderr`.
    Stderr,
}

/// Which handles of which instances are standard streams.
#[derive(Debug, Clone, Default)]
pub struct Streams {
    /// Of WASI 0.2: resources. Of WASI 0.3: writable ends.
    handles: HashMap<(Instance, u32), Stream>,
    /// The writable ends of streams of bytes, by their readable ends.
    ends: HashMap<(Instance, u32), u32>,
    /// Writes that have not been taken yet, by writable end.
    writing: HashMap<(Instance, u32), Writing>,
}

/// A write that has not been taken yet.
#[derive(Debug, Clone, Copy)]
struct Writing {
    crossing: CrossingId,
    address: u64,
    event: u64,
}

/// What the guest has printed, but for the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Printed {
    /// Where it was printed.
    pub stream: Stream,
    /// The number of the call out that wrote it.
    pub event: u64,
    /// Calls out made when it was printed, that one included.
    pub events: u64,
}

/// A write to a standard stream: where in guest memory the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Printing {
    /// Where it is printed.
    pub stream: Stream,
    /// The number of the call out that writes it.
    pub event: u64,
    /// The crossing whose memory it is in.
    pub crossing: CrossingId,
    /// Of the first byte.
    pub address: u64,
    /// In bytes.
    pub length: u64,
}

fn unsigned(value: Option<&CoreValue>) -> Option<u64> {
    match value? {
        CoreValue::I32(value) => Some(u64::from(value.cast_unsigned())),
        CoreValue::I64(value) => Some(value.cast_unsigned()),
        _ => None,
    }
}

/// What a crossing does to streams of bytes, if it does something to them.
fn transmit(crossing: &Crossing) -> Option<Transmit> {
    match crossing.builtin()? {
        Builtin::Stream(transmit, Some(element)) if **element == ValueType::U8 => Some(*transmit),
        _ => None,
    }
}

/// A WIT path without its interface's version: `wasi:io/streams#…`.
fn unversioned(path: &str) -> String {
    match (path.find('@'), path.find('#')) {
        (Some(at), Some(hash)) if at < hash => format!("{}{}", &path[..at], &path[hash..]),
        _ => path.to_owned(),
    }
}

impl Streams {
    /// Learns from a call out; answers what it prints, if it does.
    pub fn calling(
        &mut self,
        instance: Instance,
        crossing: &Crossing,
        args: &[CoreValue],
        event: u64,
    ) -> Option<Printing> {
        let handle = u32::try_from(unsigned(args.first())?).ok()?;
        let key = (instance, handle);
        match &crossing.kind {
            CrossingKind::Builtin(Builtin::ResourceDrop(resource)) => {
                let is_stream = resource
                    .name
                    .as_ref()
                    .is_some_and(|n| &*n.name == "output-stream");
                if is_stream {
                    self.handles.remove(&key);
                }
                return None;
            }
            CrossingKind::Builtin(_) => {
                match transmit(crossing) {
                    Some(Transmit::DropWritable) => _ = self.handles.remove(&key),
                    Some(Transmit::DropReadable) => _ = self.ends.remove(&key),
                    _ => {}
                }
                return None;
            }
            _ => {}
        }
        if crossing.name.ends_with("#write-via-stream") {
            let stream = written_via_stream(&unversioned(&crossing.name))?;
            let writable = self.ends.remove(&key)?;
            self.handles.insert((instance, writable), stream);
            return None;
        }
        let stream = *self.handles.get(&key)?;
        let path = unversioned(&crossing.name);
        match path.strip_prefix("wasi:io/streams#[method]output-stream.")? {
            "write" | "blocking-write-and-flush" => Some(Printing {
                stream,
                event,
                crossing: crossing.id,
                address: unsigned(args.get(1))?,
                length: unsigned(args.get(2))?,
            }),
            _ => None,
        }
    }

    /// Learns from what a call out answered; answers what has been printed by it, if
    /// something has.
    pub fn returning(
        &mut self,
        instance: Instance,
        crossing: &Crossing,
        args: &[CoreValue],
        results: &[CoreValue],
        event: u64,
    ) -> Option<Printing> {
        let answer = unsigned(results.first())?;
        if let Some(transmit) = transmit(crossing) {
            let code = answer as u32;
            let first = unsigned(args.first()).unwrap_or(0) as u32;
            match transmit {
                Transmit::New => {
                    let (readable, writable) = (code, (answer >> 32) as u32);
                    self.ends.insert((instance, readable), writable);
                }
                Transmit::Write => {
                    let from = Writing {
                        crossing: crossing.id,
                        address: unsigned(args.get(1))?,
                        event,
                    };
                    self.writing.insert((instance, first), from);
                    return self.taken(instance, first, code);
                }
                Transmit::CancelWrite => return self.taken(instance, first, code),
                _ => {}
            }
            return None;
        }
        let stream = match unversioned(&crossing.name).as_str() {
            "wasi:cli/stdout#get-stdout" => Stream::Stdout,
            "wasi:cli/stderr#get-stderr" => Stream::Stderr,
            _ => return None,
        };
        self.handles.insert((instance, answer as u32), stream);
        None
    }

    /// Learns from an event that the guest is told of; answers what has been printed.
    pub fn told(
        &mut self,
        instance: Instance,
        event: u32,
        waitable: u32,
        code: u32,
    ) -> Option<Printing> {
        match EventCode::of(event)? {
            EventCode::StreamWrite => self.taken(instance, waitable, code),
            _ => None,
        }
    }

    /// A write has ended with this code, which tells how many bytes were taken.
    fn taken(&mut self, instance: Instance, writable: u32, code: u32) -> Option<Printing> {
        let CopyAnswer::Ended { count, .. } = CopyAnswer::of(code) else {
            return None;
        };
        let key = (instance, writable);
        let writing = self.writing.remove(&key)?;
        Some(Printing {
            stream: *self.handles.get(&key)?,
            event: writing.event,
            crossing: writing.crossing,
            address: writing.address,
            length: u64::from(count),
        })
    }
}

fn written_via_stream(path: &str) -> Option<Stream> {
    match path {
        "wasi:cli/stdout#write-via-stream" => Some(Stream::Stdout),
        "wasi:cli/stderr#write-via-stream" => Some(Stream::Stderr),
        _ => None,
    }
}
