//! What crossings log of the answers that they bring: written before they return,
//! or later, when the guest is told.
//!
//! A function lowered with `async` and a read of a stream or future may return
//! before the far side has written its result. The wrapper then notes in the
//! recorder's table what is owed, under the index of the waitable. Each crossing that
//! lets the guest run again logs what has come of it since it was left, and the one that
//! tells the guest of its completion logs all of it.

use super::wrapper::{Slot, Wrapper, header};
use crate::component::status::{self, CODE_BITS, CODE_MASK, CopyResult, EventCode, SubtaskState};
use crate::component::{Builtin, CrossingKind, Transmit};
use crate::trace::raw::Kind;
use std::fmt::Write as _;

/// The event of which the guest is told where it is told of none, with its waitable and
/// its code.
const NO_EVENT: &str = "(i32.const 0) (i32.const 0) (i32.const 0)";
/// [`status::BLOCKED`] as the text format writes it.
const BLOCKED: i32 = status::BLOCKED.cast_signed();

impl Wrapper<'_, '_> {
    /// Logs what the far side has written for the call that has just returned, and what
    /// has come of what it owes.
    pub(super) fn answered(&mut self) {
        let crossing = self.wrap.crossing;
        match &crossing.kind {
            CrossingKind::Lower if crossing.is_async => {
                self.arrived(NO_EVENT);
                self.lowered();
            }
            CrossingKind::Builtin(Builtin::Stream(Transmit::Read, _)) => {
                self.arrived(NO_EVENT);
                self.read_stream();
            }
            CrossingKind::Builtin(Builtin::Future(Transmit::Read, _)) => {
                self.arrived(NO_EVENT);
                self.read_future();
            }
            CrossingKind::Builtin(Builtin::SubtaskCancel) => self.cancelled(EventCode::Subtask),
            CrossingKind::Builtin(Builtin::Stream(Transmit::CancelRead, _)) => {
                self.cancelled(EventCode::StreamRead);
            }
            CrossingKind::Builtin(Builtin::Future(Transmit::CancelRead, _)) => {
                self.cancelled(EventCode::FutureRead);
            }
            CrossingKind::Builtin(Builtin::WaitableSetWait | Builtin::WaitableSetPoll) => {
                self.area();
                self.told_in_memory();
            }
            _ => {
                self.arrived(NO_EVENT);
                self.area();
            }
        }
    }

    /// Logs what has come of what is owed when the guest is called; a callback is told
    /// of an event.
    pub(super) fn told(&mut self) {
        self.arrived(match self.wrap.crossing.kind {
            CrossingKind::Callback => "(local.get $p0) (local.get $p1) (local.get $p2)",
            _ => NO_EVENT,
        });
    }

    /// The same for an event whose index and code lie in the return area.
    fn told_in_memory(&mut self) {
        let Some(Slot { k, .. }) = self.slot else {
            return;
        };
        self.arrived(&format!(
            "(local.get $r0) (i32.load $g{k} (local.get $p1)) (i32.load $g{k} offset=4 (local.get $p1))"
        ));
    }

    fn arrived(&mut self, event: &str) {
        if self.wrap.may_be_owed {
            _ = write!(
                self.text,
                "\n (if (global.get $pending) (then (call $arrived {event})))"
            );
        }
    }

    fn area(&mut self) {
        let Some(area) = self.wrap.crossing.return_area else {
            return;
        };
        let last = self.wrap.crossing.signature.params.len().saturating_sub(1);
        let append = self.append(last, &format!("(i64.const {})", area.size));
        self.text.push_str(&append);
    }

    /// A function lowered with `async` answers a state, and above it the index of
    /// the subtask unless it has returned.
    fn lowered(&mut self) {
        let Some(area) = self.wrap.crossing.return_area else {
            return;
        };
        let last = self.wrap.crossing.signature.params.len().saturating_sub(1);
        let append = self.append(last, &format!("(i64.const {})", area.size));
        let waitable = format!("(i32.shr_u (local.get $r0) (i32.const {CODE_BITS}))");
        let size = u64::from(area.size);
        let owed = self.owed(&waitable, last, size, "(i64.const 1)", EventCode::Subtask);
        let returned = SubtaskState::Returned.code();
        _ = write!(
            self.text,
            "\n (if (i32.eq (i32.and (local.get $r0) (i32.const {CODE_MASK})) (i32.const {returned})) (then {append}) (else {owed}))"
        );
    }

    /// The answer of a stream counts the elements that have been copied.
    fn read_stream(&mut self) {
        let count = format!("(i32.shr_u (local.get $r0) (i32.const {CODE_BITS}))");
        let elements = self.address("p", 2);
        self.read(EventCode::StreamRead, &elements, |wrapper, size| {
            let length = format!("(i64.mul (i64.extend_i32_u {count}) (i64.const {size}))");
            wrapper.append(1, &length)
        });
    }

    /// A future has its value if its copy is completed.
    fn read_future(&mut self) {
        let completed = CopyResult::Completed.code();
        self.read(EventCode::FutureRead, "(i64.const 1)", |wrapper, size| {
            let append = wrapper.append(1, &format!("(i64.const {size})"));
            format!("(if (i32.eq (local.get $r0) (i32.const {completed})) (then {append}))")
        });
    }

    /// Logs what a read has written, given the size of an element, or notes that so many
    /// elements are owed.
    fn read(
        &mut self,
        event: EventCode,
        elements: &str,
        append: impl FnOnce(&Self, u64) -> String,
    ) {
        let size = self.wrap.crossing.element_size().unwrap_or(0);
        if size == 0 {
            return;
        }
        let append = append(self, size);
        let owed = self.owed("(local.get $p0)", 1, size, elements, event);
        _ = write!(
            self.text,
            "\n (if (i32.eq (local.get $r0) (i32.const {BLOCKED})) (then {owed}) (else {append}))"
        );
    }

    /// A cancellation that does not block tells how the operation ended.
    fn cancelled(&mut self, event: EventCode) {
        let told = format!(
            "(select (i32.const 0) (i32.const {}) (i32.eq (local.get $r0) (i32.const {BLOCKED}))) (local.get $p0) (local.get $r0)",
            event.code()
        );
        self.arrived(&told);
    }

    /// Logs the memory at the address in parameter `i`.
    fn append(&self, i: usize, length: &str) -> String {
        let Some(Slot { k, .. }) = self.slot else {
            return String::new();
        };
        let header = header(Kind::Write, self.wrap.crossing.id);
        let address = self.address("p", i);
        format!("\n (call $append{k} (i32.const {header}) {address} {length})")
    }

    /// Notes that so many elements of `size` bytes are owed at the address in parameter
    /// `i`.
    fn owed(
        &self,
        waitable: &str,
        i: usize,
        size: u64,
        elements: &str,
        event: EventCode,
    ) -> String {
        let Some(Slot { memory, .. }) = self.slot else {
            return String::new();
        };
        let header = header(Kind::Write, self.wrap.crossing.id);
        let address = self.address("p", i);
        let event = event.code();
        format!(
            "(call $note-pending {waitable} (i32.const {event}) (i32.const {header}) {address} (i64.const {size}) (i64.mul {elements} (i64.const {size})) (i32.const {}))",
            memory.index
        )
    }
}
