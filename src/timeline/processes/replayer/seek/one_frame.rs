//! The last line start of one frame, which still lives where the search ends.
//!
//! Which frame a moment is in takes a walk over the stack to tell, and most of a run back
//! passes thousands of moments. Here none is walked: frames of the function are told apart by
//! where they are on the guest's stack. The one that stands at the bound has been where it is
//! since it was entered, and entries are seen: what was at the same address before is gone.

use super::line_tracker::{Followed, LineTracker};
use crate::component::ModuleId;
use crate::replay::Tick;
use crate::replay::frames::{self, ModuleCode};
use crate::timeline::processes::replayer::here::Here;
use crate::timeline::processes::replayer::next::Places;
use crate::timeline::processes::wire::found::Hit;
use crate::timeline::travel::predicates::Stopped;
use std::collections::HashMap;

/// Frames of one function, one of which counts.
pub(super) struct OneFrame {
    depth: u32,
    /// Where it stands at the bound.
    stands_at: (ModuleId, u32),
    /// What is watched, by offsets in the compiled modules, as debug events tell.
    watched: HashMap<(ModuleId, u32), (ModuleId, u32)>,
    /// What is known of a frame that was there when the search began, and was the one.
    initial: Followed,
    by_number: HashMap<usize, Followed>,
    /// When a frame was at that place last, and which.
    stood: Option<(Tick, usize)>,
}

impl OneFrame {
    /// Of the frame at a depth that will stand at a place.
    pub(super) fn new(
        depth: u32,
        stands_at: (ModuleId, u32),
        tracker: &LineTracker,
        modules: &[ModuleCode],
    ) -> OneFrame {
        let places = tracker.places().chain([stands_at]);
        let watched = places.filter_map(|(id, pc)| {
            let module = modules.get(id.0 as usize)?;
            Some(((id, module.offsets.to_rewritten(pc)?), (id, pc)))
        });
        OneFrame {
            depth,
            stands_at,
            watched: watched.collect(),
            initial: tracker.followed(),
            by_number: HashMap::new(),
            stood: None,
        }
    }

    /// Where breakpoints must be.
    pub(super) fn places(&self) -> Places {
        self.watched.values().copied().collect()
    }

    /// The place of a breakpoint; `None` where it has slipped forward from code that no one
    /// can reach.
    pub(super) fn place(&self, here: &mut Here<'_, '_>) -> Option<(ModuleId, u32)> {
        let compiled = frames::compiled_place(here.store)?;
        self.watched.get(&compiled).copied()
    }

    /// Some frame of the function has come to a place before the bound.
    pub(super) fn pass(
        &mut self,
        tracker: &mut LineTracker,
        (module, pc): (ModuleId, u32),
        here: &mut Here<'_, '_>,
    ) {
        let Some(number) = here.frame_number() else {
            return;
        };
        if (module, pc) == self.stands_at {
            self.stood = Some((here.tick(), number));
        }
        let at = here.moment_at(self.depth, pc);
        let frames = self.by_number.entry(number);
        let frames = frames.or_insert_with(|| self.initial.clone());
        tracker.following(frames, |tracker| tracker.pass(module, pc, at));
    }

    /// The frame has come to the bound, where it stands.
    pub(super) fn come_to_bound(&mut self, tracker: &mut LineTracker, here: &mut Here<'_, '_>) {
        let (module, pc) = self.stands_at;
        self.stood = here.frame_number().map(|number| (here.tick(), number));
        let Some((_, number)) = self.stood else {
            return;
        };
        let at = here.moment_at(self.depth, pc);
        let frames = self.by_number.entry(number);
        let frames = frames.or_insert_with(|| self.initial.clone());
        tracker.following(frames, |tracker| tracker.end(module, pc, at));
    }

    /// The last line start of the frame that stood at the place in the tick of the bound, and
    /// the deepest of the frames that count which were there when the search began; nothing
    /// if none stood there.
    pub(super) fn end(
        mut self,
        tracker: &mut LineTracker,
        bound: Tick,
    ) -> Option<(Option<Hit>, u32)> {
        let (_, number) = self.stood.filter(|(tick, _)| *tick == bound)?;
        let frames = self.by_number.get_mut(&number);
        let frames = frames.unwrap_or(&mut self.initial);
        Some(tracker.following(frames, |tracker| (tracker.last(), tracker.depth_before())))
    }
}
