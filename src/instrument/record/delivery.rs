//! What crossings log of the answers that they bring: written before they return,
//! or later, when the guest is told.
//!
//! A function lowered with `async` and a read of a stream or future may return
//! before the far side has written its result. The wrapper then notes in the
//! recorder's table what is owed, under the index of the waitable; the crossing
//! that tells the guest of its completion logs it first.

use super::wrapper::{Slot, Wrapper, header};
use crate::component::{Builtin, CrossingKind, Transmit};
use crate::trace::raw::Kind;
use std::fmt::Write as _;

/// Event codes of the canonical ABI for what may be owed.
const SUBTASK: u32 = 1;
const STREAM_READ: u32 = 2;
const FUTURE_READ: u32 = 4;
/// The state of a subtask whose result is there.
const RETURNED: u32 = 2;
/// What a copy or a cancellation answers that has not been completed.
const BLOCKED: i32 = -1;

impl Wrapper<'_, '_> {
    /// Logs what the far side has written for the call that has just returned.
    pub(super) fn answered(&mut self) {
        let crossing = self.wrap.crossing;
        match &crossing.kind {
            CrossingKind::Lower if crossing.is_async => self.lowered(),
            CrossingKind::Builtin(Builtin::Stream(Transmit::Read, _)) => self.read(STREAM_READ),
            CrossingKind::Builtin(Builtin::Future(Transmit::Read, _)) => self.read(FUTURE_READ),
            CrossingKind::Builtin(Builtin::SubtaskCancel) => self.cancelled(SUBTASK),
            CrossingKind::Builtin(Builtin::Stream(Transmit::CancelRead, _)) => {
                self.cancelled(STREAM_READ);
            }
            CrossingKind::Builtin(Builtin::Future(Transmit::CancelRead, _)) => {
                self.cancelled(FUTURE_READ);
            }
            CrossingKind::Builtin(Builtin::WaitableSetWait | Builtin::WaitableSetPoll) => {
                self.area();
                self.told_in_memory();
            }
            _ => self.area(),
        }
    }

    /// Logs what is owed for the event that a callback is told of.
    pub(super) fn told(&mut self) {
        self.text.push_str(
            "\n (if (global.get $pending) (then (call $deliver (local.get $p0) (local.get $p1) (local.get $p2))))",
        );
    }

    /// The same for an event whose index and code lie in the return area.
    fn told_in_memory(&mut self) {
        let Some(Slot { k, .. }) = self.slot else {
            return;
        };
        _ = write!(
            self.text,
            "\n (if (global.get $pending) (then (call $deliver (local.get $r0) (i32.load $g{k} (local.get $p1)) (i32.load $g{k} offset=4 (local.get $p1)))))"
        );
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
        let waitable = "(i32.shr_u (local.get $r0) (i32.const 4))";
        let owed = self.owed(waitable, last, u64::from(area.size), SUBTASK);
        _ = write!(
            self.text,
            "\n (if (i32.eq (i32.and (local.get $r0) (i32.const 15)) (i32.const {RETURNED})) (then {append}) (else {owed}))"
        );
    }

    fn read(&mut self, event: u32) {
        let size = self.wrap.crossing.element_size().unwrap_or(0);
        if size == 0 {
            return;
        }
        let append = match event {
            STREAM_READ => self.append(
                1,
                &format!("(i64.mul (i64.extend_i32_u (i32.shr_u (local.get $r0) (i32.const 4))) (i64.const {size}))"),
            ),
            // The code of a future is 0 where there is a value.
            _ => format!(
                "(if (i32.eqz (local.get $r0)) (then {}))",
                self.append(1, &format!("(i64.const {size})"))
            ),
        };
        let owed = self.owed("(local.get $p0)", 1, size, event);
        _ = write!(
            self.text,
            "\n (if (i32.eq (local.get $r0) (i32.const {BLOCKED})) (then {owed}) (else {append}))"
        );
    }

    /// A cancellation that does not block tells how the operation ended.
    fn cancelled(&mut self, event: u32) {
        _ = write!(
            self.text,
            "\n (if (i32.and (i32.ne (global.get $pending) (i32.const 0)) (i32.ne (local.get $r0) (i32.const {BLOCKED}))) (then (call $deliver (i32.const {event}) (local.get $p0) (local.get $r0))))"
        );
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

    /// Notes that `size` bytes (for a stream: each element's) are owed at the
    /// address in parameter `i`.
    fn owed(&self, waitable: &str, i: usize, size: u64, event: u32) -> String {
        let Some(Slot { memory, .. }) = self.slot else {
            return String::new();
        };
        let header = header(Kind::Write, self.wrap.crossing.id);
        let address = self.address("p", i);
        format!(
            "(call $note-pending {waitable} (i32.const {event}) (i32.const {header}) {address} (i64.const {size}) (i32.const {}))",
            memory.index
        )
    }
}
