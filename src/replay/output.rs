//! What the guest printed, decoded from its hostcalls.
//!
//! With WASI 0.2 it calls a method of an `output-stream`. With WASI 0.3 it gives the
//! readable end of a stream of bytes to `write-via-stream`, and what it then writes to
//! the other end is printed when it has been taken.
//!
//! In a composition another component may stand in for WASI. What it is given is not
//! printed; what it passes on is, once: so only what the host answers prints, and a handle
//! is followed from component to component where it is a parameter or the result itself.

use super::passing::{Passing, passed};
use crate::component::status::{CopyAnswer, EventCode};
use crate::component::types::{CoreValue, ValueType};
use crate::component::{Answerer, Builtin, Crossing, CrossingId, CrossingKind, Transmit};
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
    /// `output-stream`s of WASI 0.2 that are standard streams.
    outputs: HashMap<(Instance, u32), Stream>,
    /// The readable ends of streams of bytes.
    readable: HashMap<(Instance, u32), Pipe>,
    /// The writable ends.
    writable: HashMap<(Instance, u32), Pipe>,
    /// Those whose readable end the host prints from.
    printed: HashMap<Pipe, Stream>,
    pipes: u64,
    /// Writes that have not been taken yet, by writable end.
    writing: HashMap<(Instance, u32), Writing>,
    passing: Passing<Held>,
}

/// A stream of bytes of WASI 0.3: its number in the order in which they are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Pipe(u64);

/// What a handle that is passed from one component to another stands for.
#[derive(Debug, Clone, Copy)]
enum Held {
    Output(Stream),
    Readable(Pipe),
}

/// A call out of the guest, as it is made.
#[derive(Debug, Clone, Copy)]
pub struct Leaving<'a> {
    /// Whose code calls.
    pub instance: Instance,
    /// What it calls.
    pub crossing: &'a Crossing,
    /// Who answers.
    pub answerer: Answerer<'a>,
    /// Its flat arguments.
    pub args: &'a [CoreValue],
    /// Its number.
    pub event: u64,
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

fn handle(value: &CoreValue) -> Option<u32> {
    u32::try_from(unsigned(Some(value))?).ok()
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
    pub fn calling(&mut self, call: &Leaving<'_>) -> Option<Printing> {
        let (instance, crossing) = (call.instance, call.crossing);
        let handle = handle(call.args.first()?)?;
        let key = (instance, handle);
        if let CrossingKind::Builtin(builtin) = &crossing.kind {
            match (builtin, transmit(crossing)) {
                (Builtin::ResourceDrop(_), _) => _ = self.outputs.remove(&key),
                (_, Some(Transmit::DropWritable)) => _ = self.writable.remove(&key),
                (_, Some(Transmit::DropReadable)) => _ = self.readable.remove(&key),
                _ => {}
            }
            return None;
        }
        let path = match call.answerer {
            Answerer::Host(path) => path,
            Answerer::Component(to, lift) => {
                self.give((to, lift), call);
                return None;
            }
        };
        if path.ends_with("#write-via-stream") {
            let stream = written_via_stream(&unversioned(path))?;
            let pipe = self.readable.remove(&key)?;
            self.printed.insert(pipe, stream);
            return None;
        }
        let stream = *self.outputs.get(&key)?;
        let path = unversioned(path);
        match path.strip_prefix("wasi:io/streams#[method]output-stream.")? {
            "write" | "blocking-write-and-flush" => Some(Printing {
                stream,
                event: call.event,
                crossing: crossing.id,
                address: unsigned(call.args.get(1))?,
                length: unsigned(call.args.get(2))?,
            }),
            _ => None,
        }
    }

    /// Learns from what a call out answered; answers what has been printed by it, if
    /// something has.
    pub fn returning(&mut self, call: &Leaving<'_>, results: &[CoreValue]) -> Option<Printing> {
        let (instance, crossing) = (call.instance, call.crossing);
        let answer = unsigned(results.first())?;
        if let Some(transmit) = transmit(crossing) {
            let code = answer as u32;
            let first = unsigned(call.args.first()).unwrap_or(0) as u32;
            match transmit {
                Transmit::New => {
                    let (readable, writable) = (code, (answer >> 32) as u32);
                    let pipe = Pipe(self.pipes);
                    self.pipes += 1;
                    self.readable.insert((instance, readable), pipe);
                    self.writable.insert((instance, writable), pipe);
                }
                Transmit::Write => {
                    let from = Writing {
                        crossing: crossing.id,
                        address: unsigned(call.args.get(1))?,
                        event: call.event,
                    };
                    self.writing.insert((instance, first), from);
                    return self.taken(instance, first, code);
                }
                Transmit::CancelWrite => return self.taken(instance, first, code),
                _ => {}
            }
            return None;
        }
        let key = (instance, answer as u32);
        let path = match call.answerer {
            Answerer::Host(path) => path,
            Answerer::Component(from, lift) => {
                let held = self.passing.returned((from, lift))?;
                self.hold(key, held);
                return None;
            }
        };
        let stream = match unversioned(path).as_str() {
            "wasi:cli/stdout#get-stdout" => Stream::Stdout,
            "wasi:cli/stderr#get-stderr" => Stream::Stderr,
            _ => return None,
        };
        self.outputs.insert(key, stream);
        None
    }

    /// Learns what a lifted function is given by another component.
    pub fn entering(&mut self, instance: Instance, crossing: CrossingId, args: &[CoreValue]) {
        for (position, held) in self.passing.take((instance, crossing)) {
            if let Some(handle) = args.get(position).and_then(handle) {
                self.hold((instance, handle), held);
            }
        }
    }

    /// Learns what a lifted function answers.
    pub fn leaving(&mut self, instance: Instance, crossing: &Crossing, results: &[CoreValue]) {
        if self.holds_nothing() {
            return;
        }
        let ty = crossing.function.as_ref().and_then(|f| f.result.as_ref());
        let held = match (ty, results) {
            (Some(ValueType::Own(_) | ValueType::Stream(_)), [result]) if !crossing.is_async => {
                handle(result).and_then(|handle| self.let_go((instance, handle), true))
            }
            _ => None,
        };
        self.passing.answer((instance, crossing.id), held);
    }

    /// Another component is called.
    fn give(&mut self, to: (Instance, CrossingId), call: &Leaving<'_>) {
        if self.holds_nothing() {
            return;
        }
        let held = passed(call.crossing, call.args, |handle, is_moved| {
            self.let_go((call.instance, handle), is_moved)
        });
        self.passing.give(to, held);
    }

    fn holds_nothing(&self) -> bool {
        self.outputs.is_empty() && self.readable.is_empty() && self.passing.is_empty()
    }

    /// What a handle that is passed stands for. One that is moved, not lent, is no longer
    /// the instance's.
    fn let_go(&mut self, key: (Instance, u32), is_moved: bool) -> Option<Held> {
        let output = self.outputs.get(&key).copied().map(Held::Output);
        let pipe = || self.readable.get(&key).copied().map(Held::Readable);
        let held = output.or_else(pipe);
        if is_moved {
            self.outputs.remove(&key);
            self.readable.remove(&key);
        }
        held
    }

    fn hold(&mut self, key: (Instance, u32), held: Held) {
        match held {
            Held::Output(stream) => _ = self.outputs.insert(key, stream),
            Held::Readable(pipe) => _ = self.readable.insert(key, pipe),
        }
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
            stream: *self.printed.get(self.writable.get(&key)?)?,
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
