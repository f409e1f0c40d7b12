//! What is found out of the whole recording: its twin, and the visits of places.

use super::Recording;
use super::texts::path_of;
use crate::debuggee::{
    Debuggee, DebuggeeError, Looks, Output, Travels, Visiting, VisitsOf, VisitsTold, Whole,
};
use crate::inspect::expression::Expression;
use crate::timeline::travel::motion::{Breakpoint, BreakpointId, Motion, Place, Stop};
use crate::timeline::{Interrupt, Pass, Telling, ToldVisit};

impl Recording {
    /// What is visited, and where that is.
    fn places_visited(&self, of: &VisitsOf) -> Result<(String, Vec<Place>), DebuggeeError> {
        match of {
            VisitsOf::Line { source, line } => {
                let (places, point) = self.source_places(source, *line);
                let path = path_of(source);
                let path = path.as_deref().unwrap_or("this listing");
                let file = path.rsplit('/').next().unwrap_or(path);
                let point = point.ok_or_else(|| {
                    DebuggeeError::other(format!("{path} has no code at or after line {line}"))
                })?;
                Ok((format!("{file}:{}", point.line), places))
            }
            VisitsOf::Function(name) => self.function_meant(name).map_err(DebuggeeError::Other),
            VisitsOf::Writes(data, writes) => {
                let range = super::data::understood(data)?;
                Ok((range.to_string(), vec![writes.place(range)]))
            }
        }
    }
}

impl Whole for Recording {
    fn twin(&mut self, interrupt: &Interrupt) -> Result<Box<dyn Debuggee>, DebuggeeError> {
        let timeline = self.timeline.twin(interrupt)?;
        Ok(Box::new(self.beside(timeline)))
    }

    fn told_visits(
        &mut self,
        of: &Visiting,
        telling: &Telling,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<VisitsTold, DebuggeeError> {
        self.take_in_growth()?;
        if let Some(condition) = &of.condition {
            Expression::parse(condition).map_err(|error| {
                DebuggeeError::other(format!("the condition is not understood: {error}"))
            })?;
        }
        let (place, places) = self.places_visited(&of.of)?;
        let breakpoint = Breakpoint {
            condition: of.condition.clone(),
            ..Breakpoint::new(BreakpointId(0), places)
        };
        let progress = |pass: Pass| {
            output.progress(pass.percent(), "going through the recording");
        };
        let visits = self
            .timeline
            .told_visits(breakpoint, telling, interrupt, &progress)?;
        Ok(VisitsTold { place, visits })
    }

    fn go_to_visit(
        &mut self,
        visit: &ToldVisit,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        let stop = self.travel(&Motion::Position(visit.position), output, interrupt)?;
        self.timeline.stand_for(visit.changed.clone());
        // The frame shows what wrote.
        self.forget_stack();
        Ok(stop)
    }

    fn write_here(&mut self) -> Option<(Option<String>, String)> {
        let change = self.timeline.changes_here().first()?.clone();
        let writer = self.told_writer().or_else(|| self.calling());
        Some((writer, self.told_change(&change)))
    }
}
