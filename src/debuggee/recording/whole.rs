//! What is found out of the whole recording: its twin, and the visits of places.

use super::Recording;
use super::measured::Measure;
use super::texts::path_of;
use crate::debuggee::failure::Failure;
use crate::debuggee::origin::Origin;
use crate::debuggee::{
    Debuggee, DebuggeeError, FrameId, Looks, Output, SourceCounts, Travels, Visiting, VisitsOf,
    VisitsTold, Whole,
};
use crate::inspect::expression::Expression;
use crate::inspect::past::difference::{Difference, difference};
use crate::inspect::profile::Profile;
use crate::replay::Tick;
use crate::timeline::travel::motion::{Breakpoint, BreakpointId, Motion, Place, Stop};
use crate::timeline::{Interrupt, Pass, Progress, Telling, Timeline, ToldVisit};
use crate::trace::Trace;
use std::path::Path;
use std::sync::Arc;

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
    fn counts(
        &mut self,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<SourceCounts, DebuggeeError> {
        self.count_all(output, interrupt)
    }

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
        let texts = of.condition.iter().chain(&telling.messages);
        self.tell_turns(texts.map(String::as_str), interrupt)?;
        let progress = |pass: Pass| {
            output.progress(pass.percent(), "going through the recording");
        };
        let visits = self
            .timeline
            .told_visits(breakpoint, telling, interrupt, &progress)?;
        Ok(VisitsTold { place, visits })
    }

    fn origin(
        &mut self,
        expression: &str,
        frame: Option<FrameId>,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Origin, DebuggeeError> {
        let frame = frame.map(|frame| self.running(frame)).transpose()?;
        self.origin_of(expression, frame, output, interrupt)
    }

    fn failure(
        &mut self,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Failure, DebuggeeError> {
        self.take_in_growth()?;
        self.why_failed(output, interrupt)
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

    fn profile(
        &mut self,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Arc<Profile>, DebuggeeError> {
        self.take_in_growth()?;
        self.measured_profile(Measure::Ticks, output, interrupt)
    }

    fn heap(
        &mut self,
        until: Option<Tick>,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Arc<Profile>, DebuggeeError> {
        self.take_in_growth()?;
        self.measured_profile(Measure::Heap { until }, output, interrupt)
    }

    fn compared(
        &mut self,
        other: &Path,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<(Difference, Box<dyn Debuggee>), DebuggeeError> {
        let failed = |error: &dyn std::fmt::Display| DebuggeeError::other(error.to_string());
        self.take_in_growth()?;
        let own = self.timeline.trace().clone();
        let trace = Trace::open(other).map_err(|error| failed(&error))?;
        // With its debug information, if it is the same program.
        let trace = trace
            .with_component(own.component().clone())
            .map_err(|error| {
                failed(&format!(
                    "{} is of another program: {error}",
                    other.display()
                ))
            })?;
        let trace = Arc::new(trace);
        output.progress(None, "comparing the recordings");
        let found = difference(&own, &trace, &|| !interrupt.is_raised());
        let found = found.map_err(|error| failed(&error))?;
        if interrupt.is_raised() {
            return Err(DebuggeeError::Interrupted);
        }
        let progress = |compiled: Progress| {
            output.progress(Some(compiled.percent()), "compiling the recording");
        };
        let timeline = Timeline::open(
            trace,
            &self.timeline.options_of_twin(),
            interrupt,
            &progress,
        )?;
        Ok((found, Box::new(self.beside(timeline))))
    }

    fn write_here(&mut self) -> Option<(Option<String>, String)> {
        let change = self.timeline.changes_here().first()?.clone();
        let writer = self.told_writer().or_else(|| self.calling());
        Some((writer, self.told_change(&change)))
    }
}
