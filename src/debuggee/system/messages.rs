//! The messages of a system as a list, in its order, with what could not become a message where
//! that began.

use super::message_rows::{Telling, first_site};
use super::story::Found;
use crate::debuggee::{DebuggeeError, MessageEnd, MessagesPart, MessagesTold, MessagesWanted};
use crate::system::conversation::{End, EndKind, Place, Way};
use crate::system::message::{EndId, Message, NodeId, OtherEnd, Site};
use crate::system::words;
use crate::timeline::Interrupt;

/// Between two looks whether anybody still wants to know, so many rows are looked through.
const STRIDE: usize = 4096;

/// So many of the messages that contradict each other are told.
const MOST_TOLD: usize = 8;

/// The rows of the list, in the order of the system.
#[derive(Debug, Default)]
pub(super) struct MessageList {
    rows: Vec<ListedRow>,
    /// Of each message, the number of its row.
    numbers: Vec<u64>,
}

#[derive(Debug, Clone, Copy)]
struct ListedRow {
    /// Where it is in the order: where it was sent, and where received.
    from: u64,
    to: u64,
    of: RowOf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RowOf {
    /// A message, by its place among all.
    Message(usize),
    /// A contradiction, by its place among all.
    Contradiction(usize),
    /// A conversation without another end.
    Alone(EndId),
}

impl MessageList {
    pub(super) fn of(found: &Found) -> MessageList {
        let (matches, order) = found.parts();
        let messages = matches.messages();
        let rank = |site: &Site| found.rank_of(site.end.node, site.place);
        let ranks = |message: &Message| (rank(&message.from), rank(&message.to));
        let of_messages = messages.iter().enumerate().map(|(at, message)| {
            let (from, to) = ranks(message);
            let of = RowOf::Message(at);
            ListedRow { from, to, of }
        });
        let of_contradictions = order.contradictions().iter().enumerate();
        let of_contradictions = of_contradictions.filter_map(|(at, contradiction)| {
            let (from, to) = ranks(messages.get(contradiction.left_out)?);
            let of = RowOf::Contradiction(at);
            Some(ListedRow { from, to, of })
        });
        let alone = found.alone().map(|(id, end, _)| {
            let from = rank(&first_site(id, end));
            let of = RowOf::Alone(id);
            ListedRow { from, to: from, of }
        });
        let mut rows: Vec<ListedRow> = of_messages.chain(of_contradictions).chain(alone).collect();
        let place = |row: &ListedRow| match row.of {
            RowOf::Contradiction(at) => {
                let contradiction = order.contradictions().get(at);
                // Just behind the message that it is about.
                (contradiction.map_or(usize::MAX, |of| of.left_out), row.of)
            }
            RowOf::Message(at) => (at, row.of),
            RowOf::Alone(_) => (usize::MAX, row.of),
        };
        rows.sort_by_key(|row| (row.from, row.to, place(row)));
        let mut numbers = vec![0; messages.len()];
        for (row, number) in rows.iter().zip(1..) {
            if let RowOf::Message(at) = row.of
                && let Some(of) = numbers.get_mut(at)
            {
                *of = number;
            }
        }
        MessageList { rows, numbers }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// What a row is about, by its place.
    pub(super) fn row(&self, at: usize) -> Option<RowOf> {
        self.rows.get(at).map(|row| row.of)
    }

    /// The number of a message's row, by its place among all messages.
    pub(super) fn number(&self, message: usize) -> Option<u64> {
        self.numbers.get(message).copied()
    }
}

impl Found {
    /// Conversations whose other end is in none of the recordings, or not told apart. What a
    /// program prints goes to a terminal, mostly: it counts only where somebody else reads.
    pub fn alone(&self) -> impl Iterator<Item = (EndId, &End, &OtherEnd)> {
        let is_of = |kind: EndKind, node: NodeId| {
            self.ends().any(|of| {
                of.node != node && self.end(of).is_some_and(|end| end.kind == kind.opposite())
            })
        };
        self.ends().filter_map(move |id| {
            let (end, other) = (self.end(id)?, self.other(id)?);
            let is_alone = matches!(other, OtherEnd::Outside | OtherEnd::Ambiguous(_));
            (is_alone && (!end.kind.is_standard() || is_of(end.kind, id.node)))
                .then_some((id, end, other))
        })
    }

    /// A conversation without another end, in one line.
    pub fn line_alone(&self, id: EndId, end: &End, other: &OtherEnd) -> String {
        let why = match other {
            OtherEnd::Ambiguous(candidates) => {
                format!(
                    "nothing tells which of these it is with: {}",
                    self.candidates(candidates)
                )
            }
            _ => "its other end is in none of these recordings".to_owned(),
        };
        let (name, began) = (self.name(id.node), end.began.events);
        format!("{name} event {began}  {}: {why}", words::end(end))
    }

    /// A contradiction, in one line.
    pub fn line_against(&self, message: &Message, cycle: &[&Message]) -> String {
        let told = cycle.iter().take(MOST_TOLD).map(|of| self.line(of));
        let mut told: Vec<String> = told.collect();
        if let Some(more @ 1..) = cycle.len().checked_sub(MOST_TOLD) {
            told.push(format!("and {more} more"));
        }
        format!(
            "contradiction: {} would be received before it was sent, as {}",
            self.line(message),
            told.join("; ")
        )
    }

    pub(super) fn names_of(&self, ends: &[EndId]) -> Vec<String> {
        ends.iter()
            .map(|of| self.name(of.node).to_owned())
            .collect()
    }

    /// Where a place is in the order of the system: at its very beginning a node has not even been
    /// told what comes before its first hostcall.
    pub(super) fn rank_of(&self, node: NodeId, place: Place) -> u64 {
        self.rank(node, place.max(Place::in_call(0)))
    }

    /// A part of the list; `places` are where the nodes stand, of which one is now.
    pub(super) fn told(
        &self,
        wanted: &MessagesWanted,
        present: NodeId,
        places: &[Place],
        interrupt: &Interrupt,
    ) -> Result<MessagesTold, DebuggeeError> {
        let list = self.list();
        let at = |node: NodeId| places.get(node.0 as usize).copied().unwrap_or_default();
        let now = self.rank(present, at(present));
        let now = list.rows.partition_point(|row| row.from <= now);
        let telling = Telling {
            found: self,
            list,
            places,
        };
        let mut fitting: Vec<usize> = Vec::new();
        for at in 0..list.len() {
            if at.is_multiple_of(STRIDE) && interrupt.is_raised() {
                return Err(DebuggeeError::Interrupted);
            }
            if wanted.filter.is_empty() || telling.line(at).contains(&wanted.filter) {
                fitting.push(at);
            }
        }
        let total = fitting.len();
        let behind_now = fitting.partition_point(|at| *at < now);
        let (before, chosen): (usize, Vec<usize>) = match wanted.part {
            MessagesPart::From { number, count } => {
                let first = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
                let before = fitting.partition_point(|at| *at < first);
                (
                    before,
                    fitting.iter().skip(before).take(count).copied().collect(),
                )
            }
            MessagesPart::Around { each } => {
                let before = behind_now.saturating_sub(each);
                let until = total.min(behind_now.saturating_add(each));
                let shown = fitting.get(before..until).unwrap_or_default();
                (before, shown.to_vec())
            }
            MessagesPart::Between { from, to, most } => {
                let goes_on = |at: &&usize| {
                    let row = list.rows.get(**at);
                    row.is_some_and(|row| {
                        let (sent, received) = (self.part(row.from), self.part(row.to));
                        sent.min(received) <= to && sent.max(received) >= from
                    })
                };
                let inside: Vec<usize> = fitting.iter().filter(goes_on).copied().collect();
                let before = inside
                    .first()
                    .map_or(0, |first| fitting.partition_point(|at| at < first));
                (before, thinned(&inside, most))
            }
        };
        Ok(MessagesTold {
            total,
            before,
            now: now as u64,
            rows: chosen
                .into_iter()
                .filter_map(|at| telling.row(at))
                .collect(),
            notes: self.notes(),
        })
    }

    /// How much of the order comes before a place where a node stands, of 1.
    pub(super) fn part_at(&self, node: NodeId, place: Place) -> f64 {
        self.part(self.rank(node, place))
    }

    /// How much of the order a rank is, of 1.
    pub(super) fn part(&self, rank: u64) -> f64 {
        let (_, order) = self.parts();
        rank as f64 / order.len().max(1) as f64
    }

    /// The numbers of the messages that a hostcall sends, with where they are received.
    pub(super) fn sent_in(
        &self,
        node: NodeId,
        event: u64,
    ) -> impl Iterator<Item = (u64, &Message)> {
        let (matches, _) = self.parts();
        let list = self.list();
        let sent = matches.sent_at(node, event);
        sent.filter_map(move |message| {
            let is_it = |row: &ListedRow| match row.of {
                RowOf::Message(at) => matches.messages().get(at) == Some(message),
                _ => false,
            };
            let from = self.rank_of(node, message.from.place);
            let first = list.rows.partition_point(|row| row.from < from);
            let rows = list.rows.get(first..).unwrap_or_default();
            let at = rows
                .iter()
                .take_while(|row| row.from == from)
                .position(is_it)?;
            Some(((first + at) as u64 + 1, message))
        })
    }

    /// An end of a row: whose it is, and where.
    pub(super) fn site(&self, number: u64, end: MessageEnd) -> Result<Site, DebuggeeError> {
        let list = self.list();
        let at = number
            .checked_sub(1)
            .and_then(|at| usize::try_from(at).ok());
        let row = at.and_then(|at| list.rows.get(at)).ok_or_else(|| {
            DebuggeeError::other(format!(
                "there is no message {number}: there are {} (`messages` lists them)",
                list.len()
            ))
        })?;
        let (matches, order) = self.parts();
        let message = match row.of {
            RowOf::Message(at) => matches.messages().get(at),
            RowOf::Contradiction(at) => order
                .contradictions()
                .get(at)
                .and_then(|of| matches.messages().get(of.left_out)),
            RowOf::Alone(id) => {
                let site = self.end(id).map(|of| first_site(id, of));
                let is_this = |site: &Site| (site.way == Way::Sent) == (end == MessageEnd::Sent);
                return site.filter(is_this).ok_or_else(|| {
                    DebuggeeError::other(format!(
                        "message {number} has only one end in these recordings: {}",
                        Telling {
                            found: self,
                            list,
                            places: &[]
                        }
                        .line(number as usize - 1)
                    ))
                });
            }
        };
        let site = message.map(|message| match end {
            MessageEnd::Sent => message.from,
            MessageEnd::Received => message.to,
        });
        site.ok_or_else(|| DebuggeeError::other(format!("there is no message {number}")))
    }
}

/// At most so many, evenly.
fn thinned(all: &[usize], most: usize) -> Vec<usize> {
    let step = all.len().div_ceil(most.max(1)).max(1);
    all.iter().step_by(step).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::debuggee::system::Heard;
    use crate::debuggee::{MessageKind, MessageRow, MessageSite};
    use crate::system::conversation::{Conversations, Head, Start};
    use crate::trace::HostTimes;

    /// The head of a request, said or heard in a hostcall.
    fn head(target: &str, event: u64) -> Option<Head> {
        Some(Head {
            place: Place::in_call(event),
            event: Some(event),
            start: Start::Request {
                method: Some("GET".into()),
                target: Some(target.into()),
            },
            headers: vec![("x-request-id".into(), format!("id-of-{target}"))],
        })
    }

    /// The same of all that is asked.
    fn shared(mut end: End) -> End {
        end.authority = Some("shop:80".into());
        end
    }

    fn asks(target: &str, event: u64) -> End {
        let mut end = End::new(EndKind::HttpClient, Place::in_call(event));
        end.sent.head = head(target, event);
        shared(end)
    }

    fn is_asked(target: &str, event: u64) -> End {
        let mut end = End::new(EndKind::HttpServer, Place::in_call(event));
        end.received.head = head(target, event);
        shared(end)
    }

    fn found(nodes: Vec<Vec<End>>) -> Found {
        let names = (0..nodes.len()).map(|node| format!("n{node}")).collect();
        let heard = nodes.into_iter().map(|ends| Heard {
            conversations: Conversations {
                ends,
                events: 100,
                cut_short: None,
            },
            times: HostTimes::default(),
        });
        Found::of(names, heard.collect())
    }

    fn told(found: &Found, part: MessagesPart, places: &[Place]) -> MessagesTold {
        let wanted = MessagesWanted {
            filter: String::new(),
            part,
        };
        let present = NodeId(0);
        found
            .told(&wanted, present, places, &Interrupt::new())
            .expect("a list")
    }

    const ALL: MessagesPart = MessagesPart::From {
        number: 0,
        count: 1000,
    };

    fn kinds(told: &MessagesTold) -> Vec<&'static str> {
        let kind = |row: &MessageRow| match row.kind {
            MessageKind::Message { .. } => "message",
            MessageKind::Outside => "outside",
            MessageKind::Ambiguous { .. } => "ambiguous",
            MessageKind::Contradiction { .. } => "contradiction",
        };
        told.rows.iter().map(kind).collect()
    }

    #[test]
    fn what_is_received_before_it_is_sent_is_told_behind_a_message() {
        // Each is asked only after the other has answered to what it asked.
        let found = found(vec![
            vec![is_asked("/there", 3), asks("/here", 5)],
            vec![is_asked("/here", 3), asks("/there", 5)],
        ]);
        let list = told(&found, ALL, &[Place::default(); 2]);
        let mut all = kinds(&list);
        let against = list.rows.iter().position(
            |row| matches!(&row.kind, MessageKind::Contradiction { cycle } if cycle.len() == 2),
        );
        let against = against.expect("a contradiction");
        let [message, row] = [&list.rows[against - 1], &list.rows[against]];
        assert_eq!(
            (&row.sent, &row.received),
            (&message.sent, &message.received)
        );
        assert!(row.line.contains(&message.line), "{}", row.line);
        all.sort_unstable();
        assert_eq!(all, ["contradiction", "message", "message"]);
        let MessageKind::Contradiction { cycle } = &row.kind else {
            panic!("{row:?}");
        };
        for number in cycle {
            let of = &list.rows[*number as usize - 1];
            assert_eq!(of.number, *number);
            assert!(matches!(of.kind, MessageKind::Message { .. }), "{of:?}");
        }
    }

    #[test]
    fn what_has_no_other_end_and_what_has_several_are_told_where_they_began() {
        // Two ask the same of one that tells no more than that, and one asks somebody else.
        let found = found(vec![
            vec![asks("/same", 2), asks("/elsewhere", 9)],
            vec![asks("/same", 4)],
            vec![is_asked("/same", 6)],
        ]);
        let list = told(&found, ALL, &[Place::default(); 3]);
        let mut all = kinds(&list);
        all.sort_unstable();
        assert_eq!(all, ["ambiguous", "ambiguous", "ambiguous", "outside"]);
        for row in &list.rows {
            // One of the ends is known.
            assert_ne!(row.sent.is_some(), row.received.is_some(), "{row:?}");
            let end = match row.sent {
                Some(_) => [MessageEnd::Sent, MessageEnd::Received],
                None => [MessageEnd::Received, MessageEnd::Sent],
            };
            assert!(found.site(row.number, end[0]).is_ok());
            let why = found.site(row.number, end[1]).expect_err("no such end");
            assert!(why.to_string().contains("only one end"), "{why}");
        }
        let outside = list
            .rows
            .iter()
            .find(|row| row.kind == MessageKind::Outside);
        let outside = outside.expect("one").sent.as_ref().expect("it is sent");
        assert_eq!((&*outside.node, outside.event), ("n0", 9));
        let of_server = list.rows.iter().find(|row| row.received.is_some());
        let MessageKind::Ambiguous { candidates } = &of_server.expect("one").kind else {
            panic!("{of_server:?}");
        };
        assert_eq!(candidates, &["n0", "n1"]);
    }

    #[test]
    fn parts_of_the_list_are_parts_of_it() {
        let targets: Vec<String> = (0..60).map(|number| format!("/{number}")).collect();
        let of = |make: fn(&str, u64) -> End| {
            let ends = targets.iter().zip(0..).map(|(target, at)| make(target, at));
            ends.collect::<Vec<_>>()
        };
        let found = found(vec![of(asks), of(is_asked)]);
        let places = [Place::in_call(20), Place::in_call(20)];
        let all = told(&found, ALL, &places);
        assert_eq!((all.rows.len(), all.total, all.before), (60, 60, 0));
        assert_eq!(all.now, 21);
        for (row, number) in all.rows.iter().zip(1..) {
            assert_eq!(row.number, number);
            let site = row.sent.as_ref().expect("a message");
            assert_eq!(site.is_past, number <= all.now, "{row:?}");
        }
        let around = told(&found, MessagesPart::Around { each: 5 }, &places);
        assert_eq!(around.rows, all.rows[16..26]);
        assert_eq!(around.before, 16);
        let (number, count) = (31, 7);
        let page = told(&found, MessagesPart::From { number, count }, &places);
        assert_eq!((&page.rows[..], page.before), (&all.rows[30..37], 30));
        // All that goes on there, or every so many of it.
        let (from, to) = (0.1, 0.2);
        let goes_on = |row: &&MessageRow| {
            let part = |site: &Option<MessageSite>| site.as_ref().map_or(0.0, |site| site.part);
            part(&row.sent) <= to && part(&row.received) >= from
        };
        let expected: Vec<&MessageRow> = all.rows.iter().filter(goes_on).collect();
        assert!(expected.len() > 4 && expected.len() < 60, "{expected:?}");
        let most = 1000;
        let between = told(&found, MessagesPart::Between { from, to, most }, &places);
        assert_eq!(between.rows.iter().collect::<Vec<_>>(), expected);
        let most = 3;
        let thin = told(&found, MessagesPart::Between { from, to, most }, &places);
        assert!(!thin.rows.is_empty() && thin.rows.len() <= most);
        assert!(thin.rows.iter().all(|row| expected.contains(&row)));
    }
}
