//! Streams and futures on their way: from who gives them to who receives them.

use super::apply::At;
use super::state::{Caller, Channel, ChannelId, Copying, End, Frame, Holder, Item, Side, Tasks};
use super::step::Passed;
use crate::component::Answerer;

impl Tasks {
    pub(super) fn is_answered_here(&self, at: At<'_>) -> bool {
        let crossing = at.component.crossing(at.crossing);
        crossing.is_some_and(|crossing| {
            let answerer = at.component.answerer(at.instance, crossing);
            matches!(answerer, Answerer::Component(..))
        })
    }

    /// What a task hands to its caller.
    pub(super) fn hand_back(&mut self, at: At<'_>, caller: Caller, passed: &[Passed]) {
        if passed.is_empty() {
            return;
        }
        let Caller::Call {
            instance, event, ..
        } = caller
        else {
            self.give(at, passed, false);
            return;
        };
        let given = self.give(at, passed, true);
        for frame in &mut self.frames {
            match frame {
                Frame::Call {
                    event: of, carried, ..
                } if *of == event => {
                    carried.back = given;
                    return;
                }
                _ => {}
            }
        }
        let holdings = self.holdings.get_mut(&instance);
        let items = holdings.into_iter().flat_map(|of| of.items.values_mut());
        for item in items {
            if let Item::Subtask(subtask) = item
                && subtask.event == event
            {
                subtask.carried.back = given;
                return;
            }
        }
    }

    /// Streams and futures that leave an instance; `is_awaited` if another one of the recording is to
    /// receive them.
    pub(super) fn give(
        &mut self,
        at: At<'_>,
        passed: &[Passed],
        is_awaited: bool,
    ) -> Vec<ChannelId> {
        let mut given = Vec::new();
        for one in passed {
            let id = match self.take(at, one.index) {
                Some(Item::End(end)) => end.channel,
                _ => self.see(unseen(at, one)),
            };
            let to = Holder::Given {
                event: at.event,
                by: at.crossing,
            };
            self.moved(id, Side::Readable, to, is_awaited);
            given.push(id);
        }
        given
    }

    /// Streams and futures that come to an instance; these have been carried to it.
    pub(super) fn receive(&mut self, at: At<'_>, passed: &[Passed], carried: &[ChannelId]) {
        for (place, one) in passed.iter().enumerate() {
            let known = carried.get(place).copied();
            let id = known.filter(|id| self.channels.contains_key(id));
            let id = id.unwrap_or_else(|| self.see(unseen(at, one)));
            let holder = Holder::Instance(at.instance, one.index);
            self.moved(id, Side::Readable, holder, false);
            self.hold(at, one.index, id, Side::Readable);
        }
    }

    /// What goes on at the end that is not this one.
    pub(super) fn other_copying(&mut self, id: ChannelId, side: Side) -> Option<&mut Copying> {
        let Holder::Instance(instance, index) = self.channels.get(&id)?.holder(side.other()) else {
            return None;
        };
        match self.holdings.get_mut(&instance)?.items.get_mut(&index)? {
            Item::End(end) => end.copying.as_mut(),
            _ => None,
        }
    }

    pub(super) fn see(&mut self, channel: Channel) -> ChannelId {
        self.channels_seen += 1;
        let id = ChannelId(self.channels_seen);
        self.channels.insert(id, channel);
        id
    }

    pub(super) fn hold(&mut self, at: At<'_>, index: u32, channel: ChannelId, side: Side) {
        let end = End {
            channel,
            side,
            copying: None,
            moved: None,
            count: 0,
            other_dropped: None,
            came: at.event,
            task: at.task,
            used: at.event,
            set: None,
        };
        self.insert(at, index, Item::End(end));
    }

    /// An end has another holder. What nobody holds any more is forgotten.
    pub(super) fn moved(&mut self, id: ChannelId, side: Side, holder: Holder, is_awaited: bool) {
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        *channel.holder_mut(side) = holder;
        channel.is_awaited = is_awaited;
        let is_held = |holder| matches!(holder, Holder::Instance(..));
        if !is_held(channel.readable) && !is_held(channel.writable) && !channel.is_awaited {
            self.channels.remove(&id);
        }
    }
}

/// A stream or future whose beginning has not been seen.
fn unseen(at: At<'_>, passed: &Passed) -> Channel {
    let outside = Holder::Outside {
        event: at.event,
        by: at.crossing,
    };
    Channel {
        kind: passed.kind,
        element: passed.element.clone(),
        made: at.event,
        task: at.task,
        readable: outside,
        writable: outside,
        is_awaited: false,
    }
}
