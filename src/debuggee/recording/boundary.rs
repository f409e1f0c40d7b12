//! The frames of the stack between guest code and what is outside of it: calls out of
//! the guest, and calls into it.

use super::Recording;
use crate::component::{Component, Crossing, CrossingKind};
use crate::debuggee::{DebuggeeError, FrameId};
use crate::inspect::hostcall::call::{self, AskedFor};
use crate::replay::boundary::{Open, Way};
use crate::trace::{EventKind, Trace};

/// A crossing in progress as a frame.
#[derive(Debug, Clone)]
pub(super) struct CrossingFrame {
    /// Its index among the crossings in progress, from the outermost.
    pub(super) index: usize,
    pub(super) open: Open,
    pub(super) title: String,
}

/// Crossings count down from the largest number that clients take.
const LAST: u32 = i32::MAX as u32 - 1;
/// Events that the call is looked for in which memory is asked for.
const MAX_LOOK_AHEAD: usize = 10_000;

impl CrossingFrame {
    /// The same as long as the crossing is in progress.
    pub(super) fn id(&self) -> FrameId {
        FrameId(LAST.saturating_sub(self.index as u32))
    }
}

impl Recording {
    /// The crossings in progress, outermost first.
    pub(super) fn crossing_frames(&mut self) -> Result<Vec<CrossingFrame>, DebuggeeError> {
        let open = self.timeline.boundary()?;
        let trace = self.timeline.trace();
        let component = trace.component();
        let frames = open.iter().enumerate().map(|(index, crossing)| {
            let title = match component.crossing(crossing.crossing) {
                Some(known) => {
                    let around = open.get(..index).unwrap_or_default();
                    let asked_for = asked_for(trace, known, crossing, around);
                    call::title(known, &crossing.args, asked_for.as_ref())
                }
                None => String::new(),
            };
            CrossingFrame {
                index,
                open: crossing.clone(),
                title,
            }
        });
        let mut frames: Vec<CrossingFrame> = frames.collect();
        self.name_requests(&mut frames);
        Ok(frames)
    }
}

/// What a `realloc` makes room for: the result of the call out that it is made in, or
/// the arguments of the call into the guest that follows.
fn asked_for(trace: &Trace, crossing: &Crossing, open: &Open, around: &[Open]) -> Option<AskedFor> {
    if crossing.kind != CrossingKind::Realloc {
        return None;
    }
    let component = trace.component();
    if let Some(outer) = around.last()
        && outer.way == Way::Out
        && outer.instance == open.instance
    {
        let name = &component.crossing(outer.crossing)?.name;
        return Some(AskedFor::ResultOf(name.to_string()));
    }
    let name = entered_next(trace, component, open)?;
    Some(AskedFor::ArgumentsOf(name))
}

/// The function of the same instance that is called next after this `realloc`.
fn entered_next(trace: &Trace, component: &Component, open: &Open) -> Option<String> {
    let mut cursor = match open.event.checked_sub(1) {
        Some(before) => trace.events_from(before).ok()?,
        None => trace.events(),
    };
    let mut is_past = false;
    for _ in 0..MAX_LOOK_AHEAD {
        let event = cursor.next().ok()??;
        let EventKind::Enter(args) = &event.kind else {
            continue;
        };
        if event.instance != open.instance {
            continue;
        }
        is_past |= event.crossing == open.crossing && *args == open.args;
        let entered = component.crossing(event.crossing)?;
        if is_past && entered.kind == CrossingKind::Lift {
            return Some(entered.name.to_string());
        }
    }
    None
}
