//! Looking for the functions that are entered.

use super::{Over, Seek, at_instruction};
use crate::component::ModuleId;
use crate::replay::Tick;
use crate::timeline::processes::replayer::here::Here;
use crate::timeline::processes::replayer::next::{Edit, Places};
use crate::timeline::processes::replayer::span::Span;
use crate::timeline::processes::wire::ask::ListEntered;
use crate::timeline::processes::wire::found::Reached;
use crate::timeline::travel::predicates::Predicates;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// The functions that have been entered, by their first instructions: each begins a tick.
#[derive(Default)]
pub(in super::super) struct Entered(BTreeSet<(ModuleId, u32)>);

impl Seek for Entered {
    type Errand = ListEntered;
    type Found = ();

    fn begin(&mut self, _span: &Span, _here: &mut Here<'_, '_>) -> Places {
        Places::new()
    }

    fn next_tick(&self, now: Tick) -> Option<Tick> {
        Some(Tick(now.0 + 1))
    }

    fn find(&mut self, here: &mut Here<'_, '_>) -> Option<()> {
        at_instruction(here)
    }

    fn arrive(
        &mut self,
        (): (),
        _span: &Span,
        _here: &mut Here<'_, '_>,
        _predicates: &mut dyn Predicates,
    ) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn tick(&mut self, here: &mut Here<'_, '_>) -> Edit {
        if let Some((module, pc)) = here.place()
            && let Some(code) = here.modules.get(module.0 as usize).map(|m| &m.code)
            && code.entry_of(pc) == Some(pc)
        {
            self.0.insert((module, pc));
        }
        Edit::default()
    }

    fn end(self, _span: &Span, _at: Reached) -> Over<Vec<(ModuleId, u32)>> {
        Over::quietly(self.0.into_iter().collect())
    }
}
