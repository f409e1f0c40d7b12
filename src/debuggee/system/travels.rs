//! How a system is moved: one node, or all of them at once, and whoever has to come along.

use super::story::{Found, Goal};
use super::tags;
use super::views::StoryWanted;
use super::{Member, System};
use crate::debuggee::{
    BecameKnown, DataId, DebuggeeError, FrameId, History, LineVisit, LiveRun, Mark, MessageEnd,
    MessagesTold, MessagesWanted, Output, Preparing, SourceOrigin, SourcePoint, StepInTarget,
    StopText, SystemView, ThreadId, ThreadView, TimeOfHost, Travels, WhichRequest,
};
use crate::replay::{Phase, Position};
use crate::system::conversation::Place;
use crate::system::message::NodeId;
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::{Direction, Fraction, Motion, Reason, Step, Stop, Writes};
use std::path::Path;

type Result<T> = std::result::Result<T, DebuggeeError>;

/// The place of a moment: what others can tell of it.
pub(super) fn place_of(stop: &Stop) -> Place {
    match stop.position.phase {
        Phase::Calling => Place::in_call(stop.event),
        // The call that is answered is one of those that were made.
        Phase::Answered | Phase::Before | Phase::End => Place::after(stop.event),
    }
}

/// The way to a place. Between two hostcalls it is not the first instruction that is meant, but any:
/// what is sent is sent in the calls.
pub(super) fn motion_to(place: Place) -> Motion {
    match place {
        Place {
            events: 0,
            in_call: false,
        } => Motion::Start,
        Place {
            events,
            in_call: true,
        } => Motion::Event(events),
        Place {
            events,
            in_call: false,
        } => Motion::Event(events - 1),
    }
}

impl Member {
    /// The same node, not open.
    pub(super) fn closed(&self) -> Member {
        Member {
            name: self.name.clone(),
            opener: self.opener.clone(),
            place: self.place,
            stop: None,
            open: None,
        }
    }
}

impl System {
    /// The present node has come to a stop: others follow so far as they must, and it is told who.
    pub(super) fn arrived(
        &mut self,
        stop: Stop,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        let stop = self.numbered(self.present, stop);
        self.settled(stop, output, interrupt)
    }

    /// The same, of a stop whose breakpoints have the client's numbers.
    pub(super) fn settled(
        &mut self,
        stop: Stop,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        let node = self.present;
        let place = place_of(&stop);
        let from = self.member(node)?.place;
        self.place(node, place);
        self.remember(node, stop.clone());
        self.stop = stop;
        self.last = node;
        self.moved_with.clear();
        // Until others have followed, it is the first of several motions that they follow from.
        self.unsettled.get_or_insert(from);
        // Else they do before another node is looked at or moved.
        if let Some(found) = self.story.soon(interrupt) {
            self.follow_along(&found, output, interrupt)?;
        }
        Ok(self.stop.clone())
    }

    /// Has the others follow the last motion, if it was not known then who has to.
    pub(super) fn settle(&mut self, output: &dyn Output, interrupt: &Interrupt) -> Result<()> {
        if self.unsettled.is_none() {
            return Ok(());
        }
        // Where it cannot be found out, nobody has to.
        match self.story.wait(interrupt) {
            Ok(found) => self.follow_along(&found, output, interrupt),
            Err(DebuggeeError::Interrupted) => Err(DebuggeeError::Interrupted),
            Err(_) => Ok(()),
        }
    }

    /// Moves the others so far as they must where the node stands that was moved last.
    fn follow_along(
        &mut self,
        found: &Found,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<()> {
        let Some(from) = self.unsettled.take() else {
            return Ok(());
        };
        let to = self.member(self.last)?.place;
        let mut before: Vec<Place> = self.members.iter().map(|member| member.place).collect();
        if let Some(place) = before.get_mut(self.last.0 as usize) {
            *place = from;
        }
        let needed = found.consistent(self.last, to, &before);
        for (other, place) in needed {
            self.place(other, place);
            if let Some(member) = self.members.get_mut(other.0 as usize) {
                self.moved_with.push(other);
                member.stop = None;
                if let Some(open) = &mut member.open {
                    // It stands in the call that is the last thing it has to have done.
                    member.place = place_of(&open.travel(&motion_to(place), output, interrupt)?);
                }
            }
        }
        Ok(())
    }

    pub(super) fn place(&mut self, node: NodeId, place: Place) {
        if let Some(member) = self.members.get_mut(node.0 as usize) {
            member.place = place;
        }
    }

    /// A stop of a node, with the breakpoints as the client numbers them.
    pub(super) fn numbered(&self, node: NodeId, stop: Stop) -> Stop {
        let reason = match &stop.reason {
            Reason::Breakpoints(own) => Reason::Breakpoints(self.wanted.known(node, own)),
            other => other.clone(),
        };
        Stop { reason, ..stop }
    }

    /// Where a node stands and why, with breakpoints as the client numbers them.
    pub(super) fn stop_of(&mut self, node: NodeId) -> Result<Stop> {
        match self.member(node)?.stop.clone() {
            Some(stop) => Ok(stop),
            None => {
                let here = self.node(node)?.here().clone();
                Ok(self.numbered(node, here))
            }
        }
    }

    pub(super) fn remember(&mut self, node: NodeId, stop: Stop) {
        if let Some(member) = self.members.get_mut(node.0 as usize) {
            member.stop = Some(stop);
        }
    }

    /// A step into what is sent arrives where it is received, and one back into what is received
    /// where it was sent: as a step into a call does.
    fn end_of_message(&self, direction: Direction) -> Option<(NodeId, Goal)> {
        let found = self.story.known()?;
        let place = place_of(&self.stop);
        found.other_end(self.present, place, direction).ok()
    }

    /// All nodes, to a part of the way through the order of the system.
    fn all_to(
        &mut self,
        part: Fraction,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        let found = self.story.wait(interrupt)?;
        self.unsettled = None;
        self.moved_with.clear();
        for (node, place) in self.ids().zip(found.places_at(part)) {
            let Some(member) = self.members.get_mut(node.0 as usize) else {
                continue;
            };
            if member.place != place && node != self.present {
                self.moved_with.push(node);
            }
            member.place = place;
            member.stop = None;
            if let Some(open) = &mut member.open {
                let motion = match found.events(node) {
                    Some(all) if place == Place::after(all) => Motion::End,
                    _ => motion_to(place),
                };
                member.place = place_of(&open.travel(&motion, output, interrupt)?);
            }
        }
        self.stop = self.stop_of(self.present)?;
        Ok(self.stop.clone())
    }

    /// Has another node be the present one, and tells the way to where it is to go.
    pub(super) fn aim(
        &mut self,
        node: NodeId,
        goal: Goal,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Motion> {
        self.settle(output, interrupt)?;
        self.ensure(node, output, interrupt)?;
        let motion = match goal {
            Goal::Motion(motion) => motion,
            Goal::Request(number) => {
                let which = WhichRequest::Number(number);
                self.node(node)?.to_request(which)?.1
            }
        };
        self.turn_to(node)?;
        Ok(motion)
    }

    /// Another node is the present one: should it go nowhere, it stands where it stood.
    fn turn_to(&mut self, node: NodeId) -> Result<()> {
        if node != self.present {
            self.stop = self.stop_of(node)?;
            self.present = node;
            self.moved_with.clear();
        }
        Ok(())
    }
}

impl Travels for System {
    fn travel(
        &mut self,
        motion: &Motion,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop> {
        // What was said of the next motion does not hold of those after it.
        let is_alone = std::mem::take(&mut self.is_alone) || self.is_twin;
        if let Motion::Continue(direction) = motion
            && !is_alone
            && self.members.len() > 1
        {
            return self.run_all(*direction, output, interrupt);
        }
        let node = self.present;
        self.ensure(node, output, interrupt)?;
        self.tell_elsewhere(node, interrupt)?;
        if let Motion::Line(direction, Step::Into) = motion
            && place_of(&self.stop).in_call
            && let Some((other, goal)) = self.end_of_message(*direction)
        {
            let motion = self.aim(other, goal, output, interrupt)?;
            return self.travel(&motion, output, interrupt);
        }
        if let Motion::Fraction(part) = motion
            && !is_alone
            && self.members.len() > 1
        {
            return self.all_to(*part, output, interrupt);
        }
        let stop = self.here_mut()?.travel(motion, output, interrupt)?;
        self.arrived(stop, output, interrupt)
    }

    fn threads(&self) -> Vec<ThreadView> {
        self.views()
    }

    fn stacks(&mut self) -> Result<Vec<ThreadView>> {
        self.stack_views()
    }

    fn thread(&self) -> ThreadId {
        System::thread_of(self.present)
    }

    fn main_thread(&self) -> ThreadId {
        System::thread_of(self.present)
    }

    fn select(
        &mut self,
        thread: ThreadId,
        alone: bool,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<()> {
        let node = self.node_of(thread)?;
        self.is_alone = alone;
        self.ensure(node, output, interrupt)?;
        if node != self.present {
            self.settle(output, interrupt)?;
        }
        self.turn_to(node)?;
        let own = System::own_of(thread);
        self.here_mut()?.select(own, alone, output, interrupt)
    }

    fn open_all(&mut self, output: &dyn Output, interrupt: &Interrupt) -> Result<()> {
        for node in self.ids() {
            self.ensure(node, output, interrupt)?;
        }
        Ok(())
    }

    fn is_open(&self, thread: ThreadId) -> bool {
        let node = self.node_of(thread).and_then(|node| self.member(node));
        node.is_ok_and(|member| member.open.is_some())
    }

    fn follow(
        &mut self,
        direction: Direction,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Motion> {
        let found = self.story.wait(interrupt)?;
        let place = place_of(&self.stop);
        let (other, goal) = found.other_end(self.present, place, direction)?;
        self.aim(other, goal, output, interrupt)
    }

    fn messages(&mut self, wanted: &MessagesWanted, interrupt: &Interrupt) -> Result<MessagesTold> {
        self.messages_told(wanted, interrupt)
    }

    fn to_message(
        &mut self,
        number: u64,
        end: MessageEnd,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Motion> {
        self.way_to_message(number, end, output, interrupt)
    }

    fn to_part(&mut self, part: Fraction, interrupt: &Interrupt) -> Result<Motion> {
        self.way_to_part(part, interrupt)
    }

    fn system(&mut self, buckets: usize) -> SystemView {
        self.overview(buckets)
    }

    fn preparing(&mut self) -> Option<Preparing> {
        if self.story_wanted == StoryWanted::Asked {
            self.story_wanted = StoryWanted::Awaited;
            return Some(Box::new(self.story.coming()));
        }
        self.here_mut().ok()?.preparing()
    }

    fn become_longer(&mut self) -> Result<bool> {
        let mut is_longer = false;
        for node in self.ids() {
            if let Ok(open) = self.node(node) {
                is_longer |= open.become_longer()?;
            }
        }
        Ok(is_longer)
    }

    fn run(&self) -> Option<LiveRun> {
        None
    }

    fn became_known(&mut self) -> BecameKnown {
        self.here_mut()
            .map(|here| here.became_known())
            .unwrap_or_default()
    }

    fn here(&self) -> &Stop {
        &self.stop
    }

    fn describe_stop(&mut self) -> StopText {
        let mut text = self
            .here_mut()
            .map(|here| here.describe_stop())
            .unwrap_or_default();
        let mut others: Vec<String> = self.told_of_messages().into_iter().collect();
        if !self.moved_with.is_empty() {
            let names: Vec<String> = self
                .moved_with
                .iter()
                .filter_map(|node| {
                    let member = self.member(*node).ok()?;
                    Some(format!("{} to event {}", member.name, member.place.events))
                })
                .collect();
            others.push(format!("moved along: {}", names.join(", ")));
        }
        text.others = (!others.is_empty()).then(|| others.join("; "));
        text
    }

    fn time(&self) -> Option<TimeOfHost> {
        let here = self.member(self.present).ok()?;
        here.open.as_ref()?.time()
    }

    fn recording(&self) -> Option<&Path> {
        let here = self.member(self.present).ok()?;
        here.open.as_ref()?.recording()
    }

    fn history(&self) -> History {
        let here = self.member(self.present).ok();
        let open = here.and_then(|member| member.open.as_ref());
        open.map_or_else(
            || History {
                name: here.map_or_else(String::new, |member| member.name.clone()),
                events: 0,
                damage: None,
                end: None,
                ending: String::new(),
                is_growing: false,
            },
            |open| open.history(),
        )
    }

    fn checkpoints(&mut self) -> Vec<(u64, Position)> {
        self.here_mut()
            .map(|here| here.checkpoints())
            .unwrap_or_default()
    }

    fn mark(&mut self, name: Option<&str>) -> Mark {
        let (position, event) = (self.stop.position, self.stop.event);
        match self.here_mut() {
            Ok(here) => here.mark(name),
            Err(_) => Mark {
                name: name.unwrap_or_default().to_owned(),
                position,
                event,
            },
        }
    }

    fn unmark(&mut self, name: &str) -> bool {
        self.here_mut().is_ok_and(|here| here.unmark(name))
    }

    fn marks(&self) -> Vec<Mark> {
        let here = self.member(self.present).ok();
        let open = here.and_then(|member| member.open.as_ref());
        open.map(|open| open.marks()).unwrap_or_default()
    }

    fn to_write(&mut self, of: &DataId, writes: Writes, direction: Direction) -> Result<Motion> {
        let (node, own) = tags::untag(self.present, &of.0);
        let motion = self
            .node(node)?
            .to_write(&DataId(own.to_owned()), writes, direction)?;
        self.turn_to(node)?;
        Ok(motion)
    }

    fn out_of(&mut self, frame: FrameId, direction: Direction) -> Result<Motion> {
        let (node, frame) = self.frames.frame(frame)?;
        let motion = self.node(node)?.out_of(frame, direction)?;
        self.turn_to(node)?;
        Ok(motion)
    }

    fn line_visits(
        &mut self,
        source: &SourceOrigin,
        point: SourcePoint,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Vec<LineVisit>> {
        let (_, own) = tags::of_source(self.present, source);
        self.here_mut()?.line_visits(&own, point, output, interrupt)
    }

    fn step_in_targets(&mut self, frame: FrameId) -> Result<Vec<StepInTarget>> {
        let (node, own) = self.frames.frame(frame)?;
        let mut targets = self.node(node)?.step_in_targets(own)?;
        targets.extend(self.messages_ahead(frame)?);
        Ok(targets)
    }
}
