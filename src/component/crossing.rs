//! Crossings of the core boundary: the only places where anything that is not
//! deterministic can enter a component's core modules.

use super::builtin::Builtin;
use super::layout::{self, Lift, Pointer};
use super::types::{CoreSignature, CoreValue, FunctionType, StringEncoding, ValueType};
use super::wiring::BodyId;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A crossing's number, stable for a given component binary: crossings are
/// numbered in the order in which the binary defines them, those of a nested
/// component where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CrossingId(pub u32);

/// Who calls whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Guest code calls out.
    Outgoing,
    /// Guest code is called.
    Incoming,
}

/// What kind of definition makes the crossing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CrossingKind {
    /// A `canon lower`ed component function.
    Lower,
    /// A canonical built-in.
    Builtin(Builtin),
    /// A core function given to `canon lift`.
    Lift,
    /// The `post-return` of a lifted function.
    PostReturn,
    /// The `callback` of a function lifted with `async`: it is told an event and
    /// answers what to wait for.
    Callback,
    /// A `realloc` named in canonical options.
    Realloc,
    /// The destructor of a resource type that the component defines.
    Destructor,
    /// A thread begins to run a function of this core table, by its index in the component: its
    /// arguments are the function's index there, and what that one is given.
    ThreadStart(u32),
}

/// The area in guest memory into which the far side writes a result that does
/// not fit the flat results: its address is the last core parameter. A function
/// lowered with `async` may return before it has been written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReturnArea {
    /// Canonical ABI size in bytes.
    pub size: u32,
}

/// One crossing of the core boundary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crossing {
    /// Its number, also its index in [`Component::crossings`](super::Component::crossings).
    pub id: CrossingId,
    /// The component body that defines it.
    pub body: BodyId,
    /// The definition that makes it, which also tells its direction.
    pub kind: CrossingKind,
    /// Its WIT path where it has one
    /// (`wasi:io/streams@0.2.6#[method]output-stream.write`), else a name made of
    /// what it is (`resource.drop wasi:io/streams@0.2.6#output-stream`).
    pub name: Arc<str>,
    /// Of the core function, as the binary declares it: what the guest passes or is passed.
    pub signature: CoreSignature,
    /// The component-level type of a lowered or lifted function.
    pub function: Option<Arc<FunctionType>>,
    /// Core function index in its body: the function that an outgoing crossing
    /// defines, or that an incoming one calls.
    pub core_function: u32,
    /// Core memory index in its body that lifting and lowering use; for incoming
    /// crossings without one of their own, the body's first memory.
    pub memory: Option<u32>,
    /// The width of addresses in that memory.
    pub pointer: Pointer,
    /// How strings lie in that memory; UTF-8 where no canonical option says.
    pub encoding: StringEncoding,
    /// Whether it was lowered or lifted with the `async` ABI.
    pub is_async: bool,
    /// Whether it has the canonical option `gc`; then it passes nothing but numbers.
    pub is_gc: bool,
    /// `None` if nothing but flat results comes back, and for incoming crossings.
    pub return_area: Option<ReturnArea>,
}

impl Crossing {
    /// Whether guest code calls out or is called.
    pub fn direction(&self) -> Direction {
        match self.kind {
            CrossingKind::Lower | CrossingKind::Builtin(_) => Direction::Outgoing,
            CrossingKind::Lift
            | CrossingKind::PostReturn
            | CrossingKind::Callback
            | CrossingKind::Realloc
            | CrossingKind::Destructor
            | CrossingKind::ThreadStart(_) => Direction::Incoming,
        }
    }

    /// The interface part of the name (`wasi:io/streams@0.2.6`), or the whole
    /// name where there is no `#`.
    pub fn interface(&self) -> &str {
        self.name.split('#').next().unwrap_or(&self.name)
    }

    /// How the core function of a lifted one runs. One lifted with `async` and without a callback
    /// returns nothing: it has handed its result over before.
    pub fn lift(&self) -> Lift {
        match (self.is_async, self.signature.results.is_empty()) {
            (true, true) => Lift::AsyncStackful,
            (true, false) => Lift::AsyncCallback,
            (false, _) => Lift::Sync,
        }
    }

    /// Whether what it answers may be an error: its type is a `result`, and it is there when the
    /// call returns. An asynchronous call answers its state, and its result later.
    pub fn may_answer_error(&self) -> bool {
        let result = self.function.as_ref().and_then(|f| f.result.as_ref());
        matches!(result, Some(ValueType::Result(..))) && !self.is_async
    }

    /// Where the result is stored that a call with these arguments answers; `None` if it is among
    /// the flat results.
    pub fn result_address(&self, args: &[CoreValue]) -> Option<u64> {
        self.return_area.as_ref()?;
        match args.last()? {
            CoreValue::I32(address) => Some(u64::from(address.cast_unsigned())),
            CoreValue::I64(address) => Some(address.cast_unsigned()),
            _ => None,
        }
    }

    /// Whether these flat results are an error; `case` is the byte at
    /// [`result_address`](Crossing::result_address) by then.
    pub fn answers_error(&self, results: &[CoreValue], case: Option<u8>) -> bool {
        const ERROR: u8 = 1;
        self.may_answer_error()
            && match self.return_area {
                Some(_) => case == Some(ERROR),
                None => results.first() == Some(&CoreValue::I32(ERROR.into())),
            }
    }

    /// Whether other guest code may run until it returns, while the caller's stack is kept.
    pub fn may_be_overtaken(&self) -> bool {
        match &self.kind {
            CrossingKind::Lower => true,
            CrossingKind::Builtin(builtin) => builtin.lets_others_run(),
            _ => false,
        }
    }

    /// Whether it waits in a call where others may go on: a guest with none of these has one
    /// stack.
    pub fn waits(&self) -> bool {
        match &self.kind {
            CrossingKind::Lower => {
                !self.is_async && self.function.as_ref().is_some_and(|f| f.is_async)
            }
            CrossingKind::Builtin(builtin) => builtin.waits(self.is_async),
            CrossingKind::Lift => self.lift() == Lift::AsyncStackful,
            _ => false,
        }
    }

    /// Whether who calls it may have to wait until somebody else has done something. Who yields goes on
    /// by itself.
    pub fn may_block(&self) -> bool {
        match &self.kind {
            CrossingKind::Lower => !self.is_async,
            CrossingKind::Builtin(builtin) => match builtin {
                Builtin::SubtaskCancel => !self.is_async,
                Builtin::ThreadYield
                | Builtin::ThreadYieldThenResume
                | Builtin::ThreadYieldThenPromote => false,
                other => other.waits(self.is_async),
            },
            _ => false,
        }
    }

    /// Whether what runs by it does so while others of its instance wait in calls.
    pub(super) fn waits_for_nobody(&self) -> bool {
        match &self.kind {
            CrossingKind::Lift => self.lift() == Lift::AsyncStackful,
            CrossingKind::ThreadStart(_) => true,
            _ => false,
        }
    }

    /// The built-in, if it is one.
    pub fn builtin(&self) -> Option<&Builtin> {
        match &self.kind {
            CrossingKind::Builtin(builtin) => Some(builtin),
            _ => None,
        }
    }

    /// Whether it is a built-in that only keeps the canonical ABI's books: see
    /// [`Builtin::is_plumbing`].
    pub fn is_plumbing(&self) -> bool {
        self.builtin().is_some_and(Builtin::is_plumbing)
    }

    /// Whether the function that the guest calls can answer these core values; whoever lowers
    /// its result makes no others. Of what lies in memory nothing is said.
    pub fn can_return(&self, results: &[CoreValue]) -> bool {
        let is_plain = self.kind == CrossingKind::Lower && !self.is_async;
        let ty = self.function.as_ref().and_then(|f| f.result.as_ref());
        let (true, Some(ty), [CoreValue::I32(value)]) = (is_plain, ty, results) else {
            return true;
        };
        let value = value.cast_unsigned();
        match ty {
            ValueType::Bool => value <= 1,
            ValueType::Char => char::from_u32(value).is_some(),
            ty => layout::case_count(ty).is_none_or(|cases| (value as usize) < cases),
        }
    }

    /// The bytes that each element of a stream or future takes in the memory of
    /// the crossing that reads or writes it; `None` for other crossings.
    pub fn element_size(&self) -> Option<u64> {
        let CrossingKind::Builtin(Builtin::Stream(_, element) | Builtin::Future(_, element)) =
            &self.kind
        else {
            return None;
        };
        let size = |ty| layout::layout(ty, self.pointer).size;
        Some(element.as_deref().map_or(0, size))
    }
}

/// Whether a function of the host's is the exit function of WASI.
pub fn is_exit(path: &str) -> bool {
    path.starts_with("wasi:cli/exit@") && path.contains("#exit")
}

/// The status with which the exit function of the host's with this path ends a run that
/// calls it so; `None` for other functions, and for arguments that are not a status.
pub(super) fn exit_status(path: &str, args: &[CoreValue]) -> Option<i32> {
    let Some(CoreValue::I32(given)) = args.first().filter(|_| is_exit(path)) else {
        return None;
    };
    match path.ends_with("#exit-with-code") {
        // An `u8`: of the word only that much is passed.
        true => Some(*given & 0xff),
        // A `result`: its discriminant is the status.
        false => (0..=1).contains(given).then_some(*given),
    }
}
