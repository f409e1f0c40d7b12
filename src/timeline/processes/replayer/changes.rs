//! When bytes are written, exactly, near where it is known that they are.
//!
//! A pass has found the ticks in which that is. Later runs look closer in those: there,
//! a breakpoint stands behind each instruction that writes to memory, in the functions that
//! run, and the bytes are compared. Where writes count that change nothing, one stands before
//! it, too: there its operands tell where it will write.

use super::here::{Here, Kind};
use super::near::frames_of;
use super::next::{Edit, Places};
use super::watched::Watched;
use super::writes::{about_to_write, writes_around};
use crate::component::ModuleId;
use crate::replay::Tick;
use crate::replay::probes::Received;
use crate::timeline::processes::wire::breaks::ChangeWatch;
use crate::timeline::processes::wire::found::{Change, ChangedTicks};
use crate::timeline::travel::motion::Writes;
use crate::timeline::travel::predicates::Stopped;
use std::collections::HashSet;
use std::ops::Range;
use wasmtime::Memory;

/// Breakpoints are taken away if they are not wanted for so many ticks. To remove one
/// takes 13 µs.
const FAR: u64 = 1 << 14;

/// What is looked for in a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Looking {
    No,
    /// What the tick before has left for its first moment.
    First,
    Yes,
}

/// Bytes, writes to which are places of a breakpoint.
struct ChangePlace {
    /// Of the breakpoint.
    index: usize,
    bytes: Watched,
    ticks: ChangedTicks,
    looking: Looking,
    writes: Writes,
    /// They are written before the next moment, be it with what they hold; if that counts.
    is_written: bool,
}

impl ChangePlace {
    /// In the clock's hook: whether there has been a write right before this moment.
    fn begin_tick(&mut self, now: Tick, here: &mut Here<'_, '_>) -> bool {
        let (store, modules) = (&mut *here.store, here.modules);
        let is_due =
            self.looking == Looking::Yes && (self.is_written || self.bytes.differs(store, modules));
        self.looking = match (self.ticks.contains(now), is_due) {
            (true, _) => Looking::Yes,
            (false, true) => Looking::First,
            (false, false) => Looking::No,
        };
        if !is_due && self.looking == Looking::Yes {
            // What has been until now was not looked for.
            self.bytes.look(here.store, here.modules);
        }
        is_due
    }

    fn look(&mut self, here: &mut Here<'_, '_>) -> Option<Change> {
        let is_written = std::mem::take(&mut self.is_written);
        if self.looking == Looking::No {
            return None;
        }
        if self.looking == Looking::First {
            self.looking = Looking::No;
        }
        let change = self.bytes.look(here.store, here.modules);
        change.or_else(|| is_written.then(|| self.bytes.unchanged()))
    }

    /// Whether it matters that they are written with what they hold.
    fn looks_for_all(&self) -> bool {
        self.looking == Looking::Yes && self.writes == Writes::All
    }
}

/// The changes among the places of breakpoints.
pub(super) struct ChangePlaces {
    places: Vec<ChangePlace>,
    /// Functions in which breakpoints stand, by their first instructions.
    functions: HashSet<(ModuleId, u32)>,
    /// Where they stand. Where one is for good, it is not one of these.
    installed: HashSet<(ModuleId, u32)>,
    for_good: HashSet<(ModuleId, u32)>,
}

impl ChangePlaces {
    /// `for_good` has the places where breakpoints stand anyway.
    pub(super) fn new(
        changes: Vec<ChangeWatch>,
        for_good: impl Iterator<Item = (ModuleId, u32)>,
    ) -> ChangePlaces {
        let for_good = match changes.is_empty() {
            true => HashSet::new(),
            false => for_good.collect(),
        };
        let places = changes.into_iter().map(|change| ChangePlace {
            index: change.index,
            bytes: Watched::new(change.range),
            ticks: change.ticks,
            looking: Looking::No,
            writes: change.writes,
            is_written: false,
        });
        ChangePlaces {
            places: places.collect(),
            functions: HashSet::new(),
            installed: HashSet::new(),
            for_good,
        }
    }

    pub(super) fn are_any(&self) -> bool {
        !self.places.is_empty()
    }

    pub(super) fn is_looking(&self) -> bool {
        self.places.iter().any(|p| p.looking != Looking::No)
    }

    /// A run begins here: where breakpoints must be.
    pub(super) fn begin(&mut self, here: &mut Here<'_, '_>) -> Places {
        if !self.are_any() {
            return Vec::new();
        }
        let now = here.tick();
        for place in &mut self.places {
            place.begin_tick(now, here);
        }
        // In the clock's hook the breakpoint at this instruction is still to come.
        if here.kind == Kind::Breakpoint {
            self.expect(here);
        }
        match self.is_looking() {
            true => self.on_the_stack(here),
            false => Vec::new(),
        }
    }

    /// In the clock's hook.
    pub(super) fn tick(&mut self, here: &mut Here<'_, '_>) -> Edit {
        let mut edit = Edit::default();
        if !self.are_any() {
            return edit;
        }
        let now = here.tick();
        let were_looking = self.is_looking();
        let mut is_due = false;
        for place in &mut self.places {
            is_due |= place.begin_tick(now, here);
        }
        if !self.is_looking() {
            let next = self.next_tick(now);
            if next.is_none_or(|next| next.0 - now.0 > FAR) {
                self.functions.clear();
                edit.remove = self.installed.drain().collect();
            }
            return edit;
        }
        edit.add = match were_looking {
            false => self.on_the_stack(here),
            true => self.in_function(here),
        };
        if is_due {
            let first = here.place().into_iter().collect();
            edit.add.extend(self.not_yet(first));
        }
        edit
    }

    /// The next tick after `now` at which to look.
    pub(super) fn next_tick(&self, now: Tick) -> Option<Tick> {
        let next = self.places.iter().filter_map(|place| match place.looking {
            Looking::Yes => Some(Tick(now.0 + 1)),
            Looking::No | Looking::First => place.ticks.next_after(now),
        });
        next.min()
    }

    /// At a moment that is not the clock's: the breakpoints whose bytes have changed,
    /// and how.
    pub(super) fn look(&mut self, here: &mut Here<'_, '_>) -> Vec<(usize, Change)> {
        let places = self.places.iter_mut();
        let found = places
            .filter_map(|place| Some((place.index, place.look(here)?)))
            .collect();
        if here.kind == Kind::Breakpoint {
            self.expect(here);
        }
        found
    }

    /// Before an instruction: which bytes it is going to write, if it is one that does.
    fn expect(&mut self, here: &mut Here<'_, '_>) {
        if !self.places.iter().any(ChangePlace::looks_for_all) {
            return;
        }
        let Some((memory, written)) = about_to_write(here) else {
            return;
        };
        self.note_written(here, memory, &written);
    }

    /// The far side has written.
    pub(super) fn received(&mut self, here: &mut Here<'_, '_>, received: &Received) {
        let end = received.address.saturating_add(received.length);
        self.note_written(here, received.memory, &(received.address..end));
    }

    fn note_written(&mut self, here: &mut Here<'_, '_>, memory: Memory, written: &Range<u64>) {
        let looking = self.places.iter_mut().filter(|p| p.looks_for_all());
        for place in looking.filter(|place| place.bytes.meet(written)) {
            place.is_written |= place.bytes.are_in(memory, here.store, here.modules);
        }
    }

    /// At what writes to memory, in all functions on the stack: any may go on
    /// within the tick.
    fn on_the_stack(&mut self, here: &mut Here<'_, '_>) -> Places {
        let frames = frames_of(here);
        let mut places = Vec::new();
        for frame in frames {
            places.extend(self.at_writes(here, frame.module, frame.pc));
        }
        places
    }

    /// The same, in the innermost one.
    fn in_function(&mut self, here: &mut Here<'_, '_>) -> Places {
        match here.place() {
            Some((module, pc)) => self.at_writes(here, module, pc),
            None => Vec::new(),
        }
    }

    fn at_writes(&mut self, here: &mut Here<'_, '_>, module: ModuleId, pc: u32) -> Places {
        let Some(code) = here.modules.get(module.0 as usize).map(|m| m.code.clone()) else {
            return Vec::new();
        };
        let entry = code.entry_of(pc);
        if !entry.is_some_and(|entry| self.functions.insert((module, entry))) {
            return Vec::new();
        }
        let component = here.component();
        let bytes = component.module(module).unwrap_or_default();
        let writes = writes_around(bytes, &code, pc);
        let needs_before = self.places.iter().any(|place| place.writes == Writes::All);
        let places = writes.flat_map(|(at, behind)| {
            let before = needs_before.then_some(at);
            before.into_iter().chain([behind])
        });
        self.not_yet(places.map(|pc| (module, pc)).collect())
    }

    /// Those where no breakpoint stands.
    fn not_yet(&mut self, places: Places) -> Places {
        let mut places = places;
        places.retain(|place| !self.for_good.contains(place) && self.installed.insert(*place));
        places
    }
}
