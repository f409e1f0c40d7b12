//! Whose turn it is here, and by which functions a task takes its turns.

use super::{DebuggeeError, Recording};
use crate::component::{Crossing, CrossingId, CrossingKind, Instance, ModuleId};
use crate::inspect::tasks::turns;
use crate::replay::boundary::{Open, Way};
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::Place;
use crate::timeline::travel::turns::Turns;
use std::sync::Arc;

/// So many instructions of a function without lines are waited for.
const MOST_INSTRUCTIONS: usize = 1 << 10;

/// A task's turn: one call of its function, or of its callback.
#[derive(Debug, Clone)]
pub(super) struct Turn {
    /// How many calls into the guest had been made with it.
    pub(super) serial: u64,
    /// The task's number.
    pub(super) task: u64,
    pub(super) instance: Instance,
    /// The exported function, whichever of both is called.
    pub(super) function: CrossingId,
    /// How many calls into the guest are around it, and itself.
    pub(super) depth: usize,
    pub(super) open: Open,
}

impl Recording {
    /// Which task each call into the guest is a part of.
    ///
    /// # Errors
    ///
    /// If interrupted.
    pub(super) fn turns(&mut self, interrupt: &Interrupt) -> Result<Arc<Turns>, DebuggeeError> {
        if let Some(known) = &self.turns {
            return Ok(known.clone());
        }
        let found = turns(self.timeline.trace(), interrupt).ok_or(DebuggeeError::Interrupted)?;
        let found = Arc::new(found);
        self.turns = Some(found.clone());
        Ok(found)
    }

    /// The number of the task whose code runs here, or is in a hostcall; 0 if there is none.
    pub(super) fn task_here(&mut self, interrupt: &Interrupt) -> Result<u64, DebuggeeError> {
        let turns = self.turns(interrupt)?;
        Ok(turns.task(self.timeline.turn()?))
    }

    /// Breakpoints whose conditions or messages speak of tasks are told of them.
    pub(super) fn tell_turns<'t>(
        &mut self,
        mut texts: impl Iterator<Item = &'t str>,
        interrupt: &Interrupt,
    ) -> Result<(), DebuggeeError> {
        if texts.any(Turns::is_meant) {
            let turns = self.turns(interrupt)?;
            self.timeline.set_turns(Turns::clone(&turns));
        }
        Ok(())
    }

    /// The same, of those that are set.
    pub(super) fn tell_turns_to_breakpoints(
        &mut self,
        interrupt: &Interrupt,
    ) -> Result<(), DebuggeeError> {
        let texts = self.breakpoints.all().flat_map(|b| [&b.condition, &b.log]);
        let texts: Vec<String> = texts.flatten().cloned().collect();
        self.tell_turns(texts.iter().map(String::as_str), interrupt)
    }

    /// The turn that runs here, if it is one of a task that may be called back.
    pub(super) fn turn_here(
        &mut self,
        interrupt: &Interrupt,
    ) -> Result<Option<Turn>, DebuggeeError> {
        let component = self.timeline.trace().component().clone();
        let is_callback = |crossing: &Crossing| crossing.kind == CrossingKind::Callback;
        if !component.crossings().iter().any(is_callback) {
            return Ok(None);
        }
        let entered = self.entered()?;
        let Some(open) = entered.last() else {
            return Ok(None);
        };
        let function = match component.crossing(open.crossing) {
            Some(crossing) if is_callback(crossing) => CrossingId(crossing.id.0 + 1),
            Some(crossing)
                if crossing.kind == CrossingKind::Lift
                    && self.callback_of(crossing.id).is_some() =>
            {
                crossing.id
            }
            _ => return Ok(None),
        };
        let serial = self.timeline.turn()?;
        let task = self.turns(interrupt)?.task(serial);
        Ok((task != 0).then(|| Turn {
            serial,
            task,
            instance: open.instance,
            function,
            depth: entered.len(),
            open: open.clone(),
        }))
    }

    /// The callback of an exported function.
    pub(super) fn callback_of(&self, function: CrossingId) -> Option<CrossingId> {
        // Callbacks are numbered right before the functions that they belong to.
        let before = CrossingId(function.0.checked_sub(1)?);
        let component = self.timeline.trace().component();
        let (callback, function) = (component.crossing(before)?, component.crossing(function)?);
        let is_it = callback.kind == CrossingKind::Callback
            && function.kind == CrossingKind::Lift
            && callback.body == function.body;
        is_it.then_some(before)
    }

    /// The calls into the guest that are in progress, outermost first.
    pub(super) fn entered(&mut self) -> Result<Vec<Open>, DebuggeeError> {
        let open = self.timeline.boundary()?.into_iter();
        Ok(open.filter(|open| open.way == Way::In).collect())
    }

    /// The core function that is called by a call into the guest: its module, and its first
    /// instruction.
    pub(super) fn core_function(
        &self,
        instance: Instance,
        crossing: CrossingId,
    ) -> Option<(ModuleId, u32)> {
        let component = self.timeline.trace().component();
        let (id, name) = component.called(instance, crossing)?;
        let code = &self.timeline.module(id)?.code;
        Some((id, code.entry_of_export(name)?))
    }

    /// The functions by which a turn may be taken.
    fn functions_of(&self, turn: &Turn) -> Vec<(ModuleId, u32)> {
        let callback = self.callback_of(turn.function);
        let both = [callback, Some(turn.function)].into_iter().flatten();
        both.filter_map(|crossing| self.core_function(turn.instance, crossing))
            .collect()
    }

    /// Where a callback begins, as a step into it stops.
    pub(super) fn beginnings_of(&self, turn: &Turn) -> Vec<Place> {
        let callback = self.callback_of(turn.function);
        let called = callback.and_then(|callback| self.core_function(turn.instance, callback));
        let begins = called.map(|(module, entry)| {
            let source = self.timeline.module(module).map(|module| &module.source);
            let pc = source.and_then(|source| Some(source.body_start(source.function_at(entry)?)));
            Place::Code {
                module,
                pc: pc.unwrap_or(entry),
            }
        });
        begins.into_iter().collect()
    }

    /// Where either of both may be when it returns.
    pub(super) fn ends_of(&self, turn: &Turn) -> Vec<Place> {
        let mut places = Vec::new();
        for (id, entry) in self.functions_of(turn) {
            let Some(module) = self.timeline.module(id) else {
                continue;
            };
            // What has called others ends in the middle of a line.
            let all = module.code.instructions_around(entry).unwrap_or_default();
            let last = all.get(all.len().saturating_sub(MOST_INSTRUCTIONS)..);
            let mut pcs: Vec<u32> = last.unwrap_or_default().to_vec();
            if let Some(function) = module.source.function_at(entry) {
                let statements = module.source.statements(function.range.clone()).iter();
                pcs.extend(statements.map(|statement| statement.pc));
            }
            pcs.sort_unstable();
            pcs.dedup();
            places.extend(pcs.into_iter().map(|pc| Place::Code { module: id, pc }));
        }
        places
    }
}
