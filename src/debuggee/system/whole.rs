//! What is found out of the whole recording of the present node.

use super::tags;
use super::{Member, System};
use crate::debuggee::failure::Failure;
use crate::debuggee::origin::Origin;
use crate::debuggee::{
    DataId, Debuggee, DebuggeeError, FrameId, Output, SourceCounts, SourceOrigin, Visiting,
    VisitsOf, VisitsTold, Whole,
};
use crate::inspect::past::difference::Difference;
use crate::inspect::profile::Profile;
use crate::replay::Tick;
use crate::timeline::travel::motion::Stop;
use crate::timeline::{Interrupt, Telling, ToldVisit};
use std::path::Path;
use std::sync::Arc;

type Result<T> = std::result::Result<T, DebuggeeError>;

impl Whole for System {
    /// A system of which the present node alone is open: its names mean the same.
    fn twin(&mut self, interrupt: &Interrupt) -> Result<Box<dyn Debuggee>> {
        let present = self.present;
        let twin = self.here_mut()?.twin(interrupt)?;
        let stop = twin.here().clone();
        let mut members: Vec<Member> = self.members.iter().map(Member::closed).collect();
        if let Some(member) = members.get_mut(present.0 as usize) {
            member.open = Some(twin);
        }
        Ok(Box::new(System {
            members,
            present,
            story: self.story.clone(),
            wanted: super::stops::Wanted::default(),
            spoken_of: super::elsewhere::SpokenOf::default(),
            is_alone: false,
            is_twin: true,
            stop,
            frames: self.frames.clone(),
            last: present,
            unsettled: None,
            moved_with: Vec::new(),
            story_wanted: super::views::StoryWanted::No,
        }))
    }

    fn told_visits(
        &mut self,
        of: &Visiting,
        telling: &Telling,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<VisitsTold> {
        let here = self.present;
        for text in telling.messages.iter().chain(&of.condition) {
            self.heed(text);
        }
        self.tell_elsewhere(here, interrupt)?;
        let own = Visiting {
            of: match &of.of {
                VisitsOf::Line { source, line } => VisitsOf::Line {
                    source: own_source(self, source),
                    line: *line,
                },
                VisitsOf::Function(name) => VisitsOf::Function(name.clone()),
                VisitsOf::Writes(data, writes) => {
                    let (_, own) = tags::untag(here, &data.0);
                    VisitsOf::Writes(DataId(own.to_owned()), *writes)
                }
            },
            condition: of.condition.clone(),
        };
        self.here_mut()?
            .told_visits(&own, telling, output, interrupt)
    }

    fn go_to_visit(
        &mut self,
        visit: &ToldVisit,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        let stop = self.here_mut()?.go_to_visit(visit, output, interrupt)?;
        self.arrived(stop, output, interrupt)
    }

    fn counts(&mut self, output: &dyn Output, interrupt: &Interrupt) -> Result<SourceCounts> {
        self.here_mut()?.counts(output, interrupt)
    }

    fn profile(&mut self, output: &dyn Output, interrupt: &Interrupt) -> Result<Arc<Profile>> {
        self.here_mut()?.profile(output, interrupt)
    }

    fn heap(
        &mut self,
        until: Option<Tick>,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Arc<Profile>> {
        self.here_mut()?.heap(until, output, interrupt)
    }

    fn compared(
        &mut self,
        other: &Path,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<(Difference, Box<dyn Debuggee>)> {
        self.here_mut()?.compared(other, output, interrupt)
    }

    fn origin(
        &mut self,
        expression: &str,
        frame: Option<FrameId>,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Origin> {
        let (node, frame) = self.of_frame(frame)?;
        let found = self
            .node(node)?
            .origin(expression, frame, output, interrupt)?;
        self.take_stock();
        Ok(found)
    }

    fn failure(&mut self, output: &dyn Output, interrupt: &Interrupt) -> Result<Failure> {
        let found = self.here_mut()?.failure(output, interrupt)?;
        self.take_stock();
        Ok(found)
    }

    fn write_here(&mut self) -> Option<(Option<String>, String)> {
        self.here_mut().ok()?.write_here()
    }
}

fn own_source(system: &System, source: &SourceOrigin) -> SourceOrigin {
    tags::of_source(system.present, source).1
}

impl System {
    /// The present node has been moved by what was asked of it.
    fn take_stock(&mut self) {
        if let Ok(here) = self.here_mut() {
            let here = here.here().clone();
            self.stop = here.clone();
            let node = self.present;
            self.place(node, super::travels::place_of(&here));
            self.remember(node, here);
        }
    }
}
