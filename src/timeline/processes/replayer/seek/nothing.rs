//! Looking for nothing: a run to some place.

use super::{Over, Seek, at_instruction};
use crate::timeline::processes::replayer::here::Here;
use crate::timeline::processes::replayer::next::Places;
use crate::timeline::processes::replayer::span::Span;
use crate::timeline::processes::wire::found::{LastHit, Reached, RunEnd};
use crate::timeline::processes::wire::run::Run;
use crate::timeline::travel::predicates::Predicates;
use std::ops::ControlFlow;

/// Looks for nothing.
pub(in super::super) struct Nothing;

impl Seek for Nothing {
    type Errand = Run;
    type Found = ();

    fn begin(&mut self, _span: &Span, _here: &mut Here<'_, '_>) -> Places {
        Places::new()
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

    fn end(self, _span: &Span, at: Reached) -> Over<RunEnd> {
        Over::quietly(RunEnd {
            at,
            hit: LastHit::None,
            depth: None,
        })
    }
}
