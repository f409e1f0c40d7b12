//! Bytes that go through streams: those of WASI 0.2, which are resources, and `stream<u8>`.

use super::LIMITS;
use super::call::Call;
use super::hearing::{Copying, FlowId, Handle, Hearing, Thing};
use super::sockets;
use crate::component::status::{CopyAnswer, CopyResult};
use crate::component::types::{CoreValue, ValueType};
use crate::component::{Builtin, CrossingId, Transmit};
use crate::inspect::hostcall::builtin_call::number;
use crate::inspect::hostcall::hostcalls::with_lifter;
use crate::inspect::hostcall::lift::Lifted;
use crate::inspect::past::requests::values::word;
use crate::replay::{Calling, State};
use crate::system::conversation::Place;
use crate::trace::Instance;
use wasmtime::StoreContextMut;

/// A write of WASI 0.2 is called.
pub(super) fn called(heard: &mut Hearing, call: &Call<'_>) {
    const WRITES: [&str; 6] = [
        "[method]output-stream.write",
        "[method]output-stream.blocking-write-and-flush",
        "[method]output-stream.write-zeroes",
        "[method]output-stream.blocking-write-zeroes-and-flush",
        "[method]output-stream.splice",
        "[method]output-stream.blocking-splice",
    ];
    if call.function.is_bytes()
        && WRITES.contains(&call.function.name.as_str())
        && let Some(Thing::Output(flow)) = heard.get(call.own())
    {
        let flow = *flow;
        heard.writes.insert(call.event, flow);
    }
}

/// A read or a write of WASI 0.2 has been answered.
pub(super) fn answered(heard: &mut Hearing, call: &Call<'_>, answer: Option<&Lifted>) {
    if !call.function.is_bytes() {
        return;
    }
    heard.writes.remove(&call.event);
    let name = call.function.name.as_str();
    let (stream, method) = match name
        .strip_prefix("[method]")
        .and_then(|n| n.split_once('.'))
    {
        Some(found) => found,
        None => return,
    };
    let flow = match (stream, heard.get(call.own())) {
        ("input-stream", Some(Thing::Input(flow))) => *flow,
        ("output-stream", Some(Thing::Output(flow))) => *flow,
        _ => return,
    };
    let Some(Lifted::Result(result)) = answer else {
        return;
    };
    let value = match result {
        Ok(value) => value.as_deref(),
        Err(error) => {
            let is_closed =
                matches!(error.as_deref(), Some(Lifted::Variant(name, _)) if name == "closed");
            if is_closed && stream == "input-stream" {
                heard.ended(flow, call.now);
            }
            return;
        }
    };
    let event = Some(call.event);
    match (method, value) {
        ("read" | "blocking-read", Some(Lifted::Bytes(bytes))) if bytes.length > 0 => {
            heard.push(flow, (call.now, event), (&bytes.head, bytes.length), None);
        }
        ("skip" | "blocking-skip", Some(Lifted::Unsigned(count))) if *count > 0 => {
            heard.push(flow, (call.now, event), (&[], *count), None);
        }
        ("write" | "blocking-write-and-flush", _) => {
            let said = match call.argument("contents") {
                Some(Lifted::Bytes(bytes)) => (bytes.head.as_slice(), bytes.length),
                _ => (&[][..], number(call.args.get(2)).unwrap_or(0)),
            };
            if said.1 > 0 {
                heard.push(flow, (call.made(), event), said, None);
            }
        }
        ("write-zeroes" | "blocking-write-zeroes-and-flush", _) => {
            let length = number(call.args.get(1)).unwrap_or(0);
            let zeroes = vec![0; length.min(LIMITS.bytes) as usize];
            heard.push(flow, (call.made(), event), (&zeroes, length), None);
        }
        ("splice" | "blocking-splice", Some(Lifted::Unsigned(count))) if *count > 0 => {
            heard.push(flow, (call.made(), event), (&[], *count), None);
            let from = word(call.args, 1).map(|index| call.handle(index));
            if let Some(Thing::Input(from)) = from.and_then(|from| heard.get(from).cloned()) {
                heard.push(from, (call.now, event), (&[], *count), None);
            }
        }
        _ => {}
    }
}

/// What a built-in does to streams of bytes or of sockets, if it does something to them.
fn transmit(builtin: &Builtin) -> Option<Transmit> {
    match builtin {
        Builtin::Stream(transmit, Some(element)) => match **element {
            ValueType::U8 => Some(*transmit),
            // Nobody but the host makes a stream of its sockets.
            ValueType::Own(_) if *transmit != Transmit::New => Some(*transmit),
            _ => None,
        },
        _ => None,
    }
}

/// A built-in is called.
pub(super) fn built_in_called(heard: &mut Hearing, builtin: &Builtin, call: &Calling) {
    let handle = (call.instance, word(&call.args, 0).unwrap_or(0));
    if let Builtin::ResourceDrop(_) = builtin {
        heard.dropped(handle, Place::in_call(call.event));
        return;
    }
    match transmit(builtin) {
        Some(Transmit::Read | Transmit::Write) => {
            let copying = Copying {
                crossing: call.crossing,
                address: number(call.args.get(1)).unwrap_or(0),
                event: call.event,
            };
            heard.copies.insert(handle, copying);
        }
        Some(Transmit::DropWritable) => {
            heard.copies.remove(&handle);
            if let Some(Thing::Writable(flow)) = heard.take(handle) {
                heard.ended(flow, Place::in_call(call.event));
            }
        }
        Some(Transmit::DropReadable) => {
            heard.copies.remove(&handle);
            heard.take(handle);
        }
        _ => {}
    }
}

/// A built-in has answered.
pub(super) fn built_in_returned(
    heard: &mut Hearing,
    store: &StoreContextMut<'_, State>,
    (builtin, call): (&Builtin, &Calling),
    results: &[CoreValue],
) {
    let (Some(transmit), Some(answer)) = (transmit(builtin), number(results.first())) else {
        return;
    };
    let own = (call.instance, word(&call.args, 0).unwrap_or(0));
    match transmit {
        Transmit::New => {
            let flow = heard.made_flow();
            let (readable, writable) = (answer as u32, (answer >> 32) as u32);
            heard.put((call.instance, readable), Thing::Readable(flow));
            heard.put((call.instance, writable), Thing::Writable(flow));
        }
        Transmit::Read | Transmit::Write | Transmit::CancelRead | Transmit::CancelWrite => {
            copied(heard, store, own, answer as u32);
        }
        Transmit::DropReadable | Transmit::DropWritable => {}
    }
}

/// A copy has come so far.
pub(super) fn copied(
    heard: &mut Hearing,
    store: &StoreContextMut<'_, State>,
    handle: Handle,
    code: u32,
) {
    let CopyAnswer::Ended { count, result } = CopyAnswer::of(code) else {
        return;
    };
    let Some(copying) = heard.copies.remove(&handle) else {
        return;
    };
    let now = Place::after(store.data().events());
    let (flow, place) = match heard.get(handle) {
        Some(Thing::Readable(flow)) => (*flow, now),
        Some(Thing::Writable(flow)) => (*flow, Place::in_call(copying.event)),
        Some(Thing::Socket(sockets::Thing::Accepting(local))) => {
            let (local, length) = (*local, u64::from(count) * 4);
            let bytes = memory(store, (handle.0, copying.crossing), copying.address, length);
            let (words, _) = bytes.as_chunks::<4>();
            let accepted = words
                .iter()
                .map(|word| (handle.0, u32::from_le_bytes(*word)));
            sockets::accepted(heard, accepted, now, local);
            return;
        }
        _ => return,
    };
    if count > 0 {
        let length = u64::from(count);
        let bytes = memory(store, (handle.0, copying.crossing), copying.address, length);
        heard.push(flow, (place, Some(copying.event)), (&bytes, length), None);
    }
    if result == Some(CopyResult::Dropped) && place == now {
        heard.ended(flow, now);
    }
}

/// Bytes of the memory of a crossing; none if they do not lie in it.
fn memory(
    store: &StoreContextMut<'_, State>,
    (instance, crossing): (Instance, CrossingId),
    address: u64,
    length: u64,
) -> Vec<u8> {
    let read = with_lifter(store, instance, crossing, LIMITS, |lifter, _| {
        (lifter.memory)(address, length)
    });
    read.flatten().unwrap_or_default()
}

/// The bytes of a stream that a host function is given are what a conversation sends.
pub(super) fn given(heard: &mut Hearing, handle: Handle) -> Option<FlowId> {
    let flow = heard.take_readable(handle)?;
    // The rest of what somebody else sends goes on without the program.
    if !heard.is_made(flow) {
        heard.unseen(flow);
    }
    Some(flow)
}
