//! Where a session is in its life.

use super::asking::Asking;
use super::opening::Opening;
use crate::dap::protocol::Request;
use crate::debuggee::Debuggee;
use crate::timeline::interrupt::Interrupt;
use crate::timeline::travel::motion::Motion;

/// The states, and what leads from one to another.
///
/// ```text
///  Fresh ──initialize──▶ Ready ◀──failed── Opening ──opened──▶ Configuring
///                          └──launch, attach──▲                     │
///                                                        configurationDone
///                                                                   ▼
///            Stopped ◀──────────────── moved ───────────────────  Moving
///              ▲│└──────── continue, next, stepBack, goto … ─────────▲
///      answered│▼ hostcalls, gotoTargets, …
///             Asking
///
///  any ──terminate──▶ Ended          any ──disconnect, gone──▶ the thread ends
/// ```
pub(super) enum State {
    /// Nothing has been said yet.
    Fresh,
    /// There is nothing to debug yet.
    Ready,
    /// A worker records, reads or compiles.
    Opening(Opening),
    /// The debuggee is there; the client sets its breakpoints.
    Configuring(Box<dyn Debuggee>),
    /// A worker travels.
    Moving(Moving),
    /// A worker looks something up that takes long.
    Asking(Asking),
    /// At a moment that can be looked at.
    Stopped(Box<dyn Debuggee>),
    /// `terminated` has been sent.
    Ended,
}

/// A motion under way.
pub(super) struct Moving {
    pub(super) motions: Vec<Motion>,
    pub(super) interrupt: Interrupt,
    /// The request that began it, for `cancel`.
    pub(super) request: i64,
    /// The client asked to stop; otherwise an interruption only lets waiting
    /// requests in, and the motion runs again.
    pub(super) pausing: bool,
    pub(super) waiting: Vec<Request>,
}
