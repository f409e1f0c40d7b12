//! Running ahead, and noting meanwhile when outer functions come to their lines: those on
//! the stack that wait for calls which take long.
//!
//! A frame that runs a little between long calls, again and again, may come to no line that
//! a step looks for: without this, a step back over all those calls would have to run to
//! each place between two of them.

use super::{Over, Seek, at_instruction};
use crate::component::ModuleId;
use crate::replay::variant::Variant;
use crate::replay::{Code, Tick};
use crate::source::ModuleSource;
use crate::timeline::Module;
use crate::timeline::processes::replayer::here::{Here, Kind};
use crate::timeline::processes::replayer::near::frames_of;
use crate::timeline::processes::replayer::next::{Edit, Places};
use crate::timeline::processes::replayer::span::Span;
use crate::timeline::processes::wire::ask::RunAhead;
use crate::timeline::processes::wire::found::{Ahead, PlaceVisits, Reached};
use crate::timeline::travel::lines::{self, RowsCache};
use crate::timeline::travel::predicates::{Predicates, Stopped};
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

/// The stack is looked at as often as this: about 2 ms of replay.
const LOOK: u64 = 1 << 16;
/// To look at one frame takes less than a thirtieth of so many ticks.
const LOOK_FOR_EACH_FRAME: u64 = 1 << 10;
/// A place may be visited so often at first, and once more each time that the stack has been
/// looked at so often: one that is visited more costs more than it tells.
const VISITS: u64 = 64;
const LOOKS_FOR_A_VISIT: u64 = 16;
/// So many visits are kept of one place, and of all.
const KEPT: usize = 1 << 14;
const KEPT_OF_ALL: usize = 1 << 20;
/// So many functions are watched.
const FUNCTIONS: usize = 512;

type Place = (ModuleId, u32);

/// The visits of the lines of outer functions.
#[derive(Default)]
pub(in super::super) struct Outer {
    /// Whether the guest can be stopped before an instruction.
    has_hooks: bool,
    next_look: Tick,
    looks: u64,
    /// The functions on the stack at the last look, outermost first, by their entries.
    stack: Vec<Option<Place>>,
    modules: HashMap<ModuleId, Option<Module>>,
    rows: RowsCache,
    functions: HashSet<Place>,
    places: HashMap<Place, Watched>,
    kept: usize,
    /// A place that has just turned out to be hot.
    hot: Option<Place>,
}

struct Watched {
    visits: PlaceVisits,
    /// How often it may still be visited, and the look that this is of.
    left: u64,
    look: u64,
}

impl Outer {
    /// Looks at the stack: who has waited since the last look. Answers where breakpoints
    /// must be from now on, too.
    fn look(&mut self, here: &mut Here<'_, '_>) -> Places {
        let now = here.tick();
        let frames = frames_of(here);
        let each = LOOK_FOR_EACH_FRAME.saturating_mul(frames.len() as u64);
        self.next_look = Tick(now.0.saturating_add(LOOK.max(each)));
        self.looks += 1;
        let entry = |module: ModuleId, pc| {
            let code = here.modules.get(module.0 as usize).map(|m| &m.code)?;
            Some((module, code.entry_of(pc)?))
        };
        let outermost_first = frames.iter().rev();
        let stack: Vec<_> = outermost_first.map(|f| entry(f.module, f.pc)).collect();
        let before = std::mem::replace(&mut self.stack, stack);
        let same = before.iter().zip(&self.stack).take_while(|(a, b)| a == b);
        // The innermost frame does not wait for another.
        let shorter = before.len().min(self.stack.len()).saturating_sub(1);
        let waiting: Vec<Place> = same.take(shorter).filter_map(|(_, now)| *now).collect();
        let mut places = Places::new();
        for function in waiting {
            if self.functions.len() < FUNCTIONS && self.functions.insert(function) {
                places.extend(self.watch(function, now, here));
            }
        }
        places
    }

    fn watch(&mut self, (id, entry): Place, now: Tick, here: &mut Here<'_, '_>) -> Places {
        let module = self.modules.entry(id).or_insert_with(|| {
            let bytes = here.module(id)?;
            let code = Code::read(bytes.clone()).ok()?;
            let source = ModuleSource::read(bytes).ok()?;
            Some(Module { code, source })
        });
        let rows = module
            .as_ref()
            .and_then(|module| lines::rows_around(&self.rows, module, id, entry));
        let Some(rows) = rows else {
            return Places::new();
        };
        let places = rows.rows.iter().map(|row| row.pc).chain([rows.entry]);
        let mut added = Places::new();
        for pc in places {
            let watched = Watched {
                visits: PlaceVisits {
                    place: (id, pc),
                    since: Tick(now.0 + 1),
                    ticks: Vec::new(),
                    until: None,
                },
                left: VISITS,
                look: self.looks,
            };
            if self.places.insert((id, pc), watched).is_none() {
                added.push((id, pc));
            }
        }
        added
    }

    fn visit(&mut self, place: Place, now: Tick) {
        let Some(watched) = self.places.get_mut(&place) else {
            return;
        };
        let earned = (self.looks - watched.look) / LOOKS_FOR_A_VISIT;
        watched.look += earned * LOOKS_FOR_A_VISIT;
        watched.left = (watched.left + earned).min(VISITS);
        let visits = &mut watched.visits;
        if watched.left == 0 || visits.ticks.len() >= KEPT || self.kept >= KEPT_OF_ALL {
            visits.until = Some(now);
            self.hot = Some(place);
            return;
        }
        watched.left -= 1;
        if visits.ticks.last() != Some(&now) {
            visits.ticks.push(now);
            self.kept += 1;
        }
    }
}

impl Seek for Outer {
    type Errand = RunAhead;
    type Found = ();

    fn begin(&mut self, _span: &Span, here: &mut Here<'_, '_>) -> Places {
        self.has_hooks = here.store.data().variant() == Variant::Debug;
        self.next_look = Tick(here.tick().0.saturating_add(LOOK));
        Places::new()
    }

    fn next_tick(&self, _now: Tick) -> Option<Tick> {
        self.has_hooks.then_some(self.next_look)
    }

    fn find(&mut self, here: &mut Here<'_, '_>) -> Option<()> {
        at_instruction(here)
    }

    fn arrive(
        &mut self,
        (): (),
        _span: &Span,
        here: &mut Here<'_, '_>,
        _predicates: &mut dyn Predicates,
    ) -> ControlFlow<()> {
        if here.kind == Kind::Breakpoint
            && let Some(place) = here.place()
        {
            self.visit(place, here.tick());
        }
        ControlFlow::Continue(())
    }

    fn tick(&mut self, here: &mut Here<'_, '_>) -> Edit {
        match self.has_hooks && here.tick() >= self.next_look {
            true => Edit::adding(self.look(here)),
            false => Edit::default(),
        }
    }

    fn at_breakpoint(&mut self) -> Edit {
        Edit {
            remove: self.hot.take().into_iter().collect(),
            ..Edit::default()
        }
    }

    fn end(self, _span: &Span, at: Reached) -> Over<Ahead> {
        let visits = self.places.into_values().map(|watched| watched.visits);
        Over::quietly(Ahead {
            at,
            visits: visits.collect(),
        })
    }
}
