//! What is told of a system as a whole: where its nodes stand, what they said to each other, and
//! the ways along that.

use super::System;
use super::travels::{motion_to, place_of};
use crate::debuggee::{
    DebuggeeError, FrameId, MessageEnd, MessagesTold, MessagesWanted, NodeView, Output,
    StepInTarget, SystemView, WayIn,
};
use crate::system::conversation::Place;
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::{Fraction, Motion};

type Result<T> = std::result::Result<T, DebuggeeError>;

/// So many messages that one call sends are offered to step into.
const MOST_TARGETS: usize = 16;
/// What a message says is cut off in the name of a target.
const LONGEST_SAID: usize = 40;

impl System {
    pub(super) fn overview(&mut self, buckets: usize) -> SystemView {
        let found = self.story.known();
        let activity = found
            .as_ref()
            .filter(|_| buckets > 0)
            .map(|found| found.parts().1.activity(buckets))
            .unwrap_or_default();
        let places = self.members.iter().map(|member| {
            let here = member.open.as_ref().map(|open| place_of(open.here()));
            here.unwrap_or(member.place)
        });
        let places: Vec<Place> = places.collect();
        let threads = self.views().into_iter();
        let nodes = self
            .ids()
            .zip(threads)
            .zip(places)
            .map(|((id, thread), place)| {
                let open = self
                    .members
                    .get(id.0 as usize)
                    .and_then(|of| of.open.as_ref());
                let known = found.as_ref();
                NodeView {
                    thread,
                    event: place.events,
                    events: open
                        .map(|open| open.history().events)
                        .or_else(|| known?.events(id)),
                    part: known.map(|found| found.part_at(id, place)),
                    is_open: open.is_some(),
                    activity: activity.get(id.0 as usize).cloned().unwrap_or_default(),
                }
            });
        SystemView {
            nodes: nodes.collect(),
            messages: found.as_ref().map(|found| found.list().len()),
            steps: found.as_ref().map(|found| found.parts().1.len()),
        }
    }

    pub(super) fn messages_told(
        &mut self,
        wanted: &MessagesWanted,
        interrupt: &Interrupt,
    ) -> Result<MessagesTold> {
        let Some(found) = self.story.told()? else {
            if self.story_wanted == StoryWanted::No {
                self.story_wanted = StoryWanted::Asked;
            }
            return Err(DebuggeeError::NotYet);
        };
        let places: Vec<Place> = self.members.iter().map(|member| member.place).collect();
        found.told(wanted, self.present, &places, interrupt)
    }

    pub(super) fn way_to_message(
        &mut self,
        number: u64,
        end: MessageEnd,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Motion> {
        let found = self.story.wait(interrupt)?;
        let site = found.site(number, end)?;
        self.aim(site.end.node, found.goal(&site), output, interrupt)
    }

    pub(super) fn way_to_part(&mut self, part: Fraction, interrupt: &Interrupt) -> Result<Motion> {
        let found = self.story.wait(interrupt)?;
        let places = found.places_at(part);
        let place = places.get(self.present.0 as usize);
        Ok(motion_to(place.copied().unwrap_or_default()))
    }

    /// What the node sends in the hostcall in which it stands, if it is known by now where that is
    /// received. Which of its frames is asked about makes no difference: all of them are in that
    /// call.
    pub(super) fn messages_ahead(&mut self, frame: FrameId) -> Result<Vec<StepInTarget>> {
        let (node, _) = self.frames.frame(frame)?;
        let place = place_of(self.node(node)?.here());
        let Some(found) = self.story.known().filter(|_| place.in_call) else {
            return Ok(Vec::new());
        };
        let sent = found.sent_in(node, place.events).take(MOST_TARGETS);
        let targets = sent.map(|(number, message)| {
            let to = &message.to;
            let name = found.name(to.end.node);
            let at = match to.event {
                Some(event) => format!("event {event}"),
                None => format!("before event {}", to.place.events),
            };
            let said: String = found.said(message).chars().take(LONGEST_SAID).collect();
            StepInTarget {
                label: format!("→ received in {name}, {at} ({said})"),
                way: WayIn::Received(number),
            }
        });
        Ok(targets.collect())
    }
}

/// Whether somebody has asked what is not known before the story is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum StoryWanted {
    #[default]
    No,
    /// Somebody has.
    Asked,
    /// And something waits for it.
    Awaited,
}
