//! What the far side of a crossing may do that hosts hardly ever do: read and write less than
//! was asked for.
//!
//! The wrapper asks for less in the guest's stead, or permits less. So it works with any host,
//! between components, too, and never does what the specification forbids: who asks for
//! something is given something, and what must be written whole is. Hosts let guests write more
//! than they were permitted, as there is room mostly; here that ends the run, as WASI says. The recording has what
//! the guest asked for and what it was given.

use crate::component::types::CoreType;
use crate::component::{Builtin, Crossing, CrossingKind, Transmit};

/// What of a crossing is made less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Less {
    /// The length in this flat parameter.
    Length(usize),
    /// The number of bytes in a `result<u64, …>` in the return area, whose address is in
    /// this flat parameter: so much the guest may write to the stream in the first one.
    Permit(usize),
    /// Nothing, but the length in this flat parameter may not be more than has been permitted.
    Permitted(usize),
}

/// The functions of WASI that may do less than was asked for, and those that may be asked for
/// so much only.
const MAY_DO_LESS: &[(&str, &str, Less)] = &[
    (
        "wasi:io/streams",
        "[method]input-stream.read",
        Less::Length(1),
    ),
    (
        "wasi:io/streams",
        "[method]input-stream.blocking-read",
        Less::Length(1),
    ),
    (
        "wasi:io/streams",
        "[method]input-stream.skip",
        Less::Length(1),
    ),
    (
        "wasi:io/streams",
        "[method]input-stream.blocking-skip",
        Less::Length(1),
    ),
    (
        "wasi:io/streams",
        "[method]output-stream.check-write",
        Less::Permit(1),
    ),
    (
        "wasi:io/streams",
        "[method]output-stream.write",
        Less::Permitted(2),
    ),
    (
        "wasi:io/streams",
        "[method]output-stream.write-zeroes",
        Less::Permitted(1),
    ),
    (
        "wasi:io/streams",
        "[method]output-stream.splice",
        Less::Length(2),
    ),
    (
        "wasi:io/streams",
        "[method]output-stream.blocking-splice",
        Less::Length(2),
    ),
    (
        "wasi:filesystem/types",
        "[method]descriptor.read",
        Less::Length(1),
    ),
    // The second half of `list<u8>`.
    (
        "wasi:filesystem/types",
        "[method]descriptor.write",
        Less::Length(2),
    ),
    (
        "wasi:sockets/udp",
        "[method]incoming-datagram-stream.receive",
        Less::Length(1),
    ),
    (
        "wasi:sockets/udp",
        "[method]outgoing-datagram-stream.check-send",
        Less::Permit(1),
    ),
];

/// What may be made less; `None` if nothing may.
pub(super) fn less(crossing: &Crossing) -> Option<Less> {
    let less = match &crossing.kind {
        CrossingKind::Builtin(Builtin::Stream(Transmit::Read | Transmit::Write, _)) => {
            Less::Length(2)
        }
        CrossingKind::Lower if !crossing.is_async => {
            let (interface, function) = crossing.name.split_once('#')?;
            let (interface, version) = interface.split_once('@')?;
            let mut known = MAY_DO_LESS.iter();
            let (.., less) = known.find(|(of, name, _)| *of == interface && *name == function)?;
            version.starts_with("0.2.").then_some(*less)?
        }
        _ => return None,
    };
    let (Less::Length(at) | Less::Permit(at) | Less::Permitted(at)) = less;
    let is_word = |ty: &CoreType| matches!(ty, CoreType::I32 | CoreType::I64);
    // A component may import something else of that name.
    crossing.signature.params.get(at).filter(|ty| is_word(ty))?;
    let fits = match less {
        Less::Length(_) | Less::Permitted(_) => true,
        Less::Permit(_) => {
            crossing.memory.is_some() && crossing.return_area.is_some_and(|area| area.size >= 16)
        }
    };
    fits.then_some(less)
}
