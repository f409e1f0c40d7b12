//! The levels of evidence, for each family of conversations.

use super::facts::{
    ADDRESS, AUTHORITY, BACK, CLIENT_PORT, FORTH, Facts, HEADERS, HeaderNames, METHOD, Mask,
    SERVER_PORT, STATUS, TARGET,
};
use super::groups::{Side, groups};
use super::settling::{Settled, settle};
use super::{Everybody, Found};
use crate::system::conversation::{End, EndKind};

/// Conversations of one kind, between a left side that begins and a right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Http,
    Tcp,
    Standard,
}

impl Family {
    pub(super) const ALL: [Family; 3] = [Family::Http, Family::Tcp, Family::Standard];

    fn left(self) -> EndKind {
        match self {
            Family::Http => EndKind::HttpClient,
            Family::Tcp => EndKind::TcpConnected,
            Family::Standard => EndKind::StandardOutput,
        }
    }

    fn levels(self, names: &HeaderNames) -> Vec<Level> {
        let strict = |requires| Level {
            requires,
            ..Level::default()
        };
        let elsewhere = |requires| Level {
            requires,
            ignores: ADDRESS,
            ..Level::default()
        };
        let asked = METHOD | TARGET;
        match self {
            Family::Http => {
                let identities = names.identities().map(|field| Level {
                    requires: field,
                    ignores: !field,
                    is_loose: true,
                    by_identity: true,
                });
                let others = [
                    strict(AUTHORITY | asked | STATUS),
                    strict(AUTHORITY | asked),
                    elsewhere(asked | STATUS),
                    elsewhere(asked),
                    strict(0),
                    Level {
                        requires: asked,
                        ignores: ADDRESS | HEADERS,
                        is_loose: true,
                        by_identity: false,
                    },
                ];
                identities.chain(others).collect()
            }
            Family::Tcp => vec![
                strict(CLIENT_PORT | SERVER_PORT),
                strict(SERVER_PORT | FORTH | BACK),
                strict(SERVER_PORT | FORTH),
                strict(SERVER_PORT | BACK),
                strict(SERVER_PORT),
                elsewhere(FORTH | BACK),
                elsewhere(FORTH),
                elsewhere(BACK),
            ],
            Family::Standard => vec![strict(FORTH)],
        }
    }
}

/// What counts as evidence.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Level {
    /// What both must know.
    pub(super) requires: Mask,
    /// What may differ.
    pub(super) ignores: Mask,
    /// Whether headers may differ, too.
    pub(super) is_loose: bool,
    /// Whether it is an identity in a header that tells.
    pub(super) by_identity: bool,
}

impl Level {
    /// Whether addresses that differ do not matter.
    pub(super) fn ignores_addresses(&self) -> bool {
        self.ignores & ADDRESS == ADDRESS
    }
}

/// `None` if `go_on` says so.
pub(super) fn match_family(
    all: &Everybody<'_>,
    family: Family,
    found: &mut Found,
    go_on: &dyn Fn() -> bool,
) -> Option<()> {
    let names = match family {
        Family::Http => HeaderNames::of(*all),
        _ => HeaderNames::default(),
    };
    let (mut lefts, mut rights) = (Facts::default(), Facts::default());
    for (id, end) in all.ends() {
        let is_left = end.kind == family.left();
        if !(is_left || end.kind == family.left().opposite()) || came_to_nothing(end) {
            continue;
        }
        let Some(party) = all.party(id) else { continue };
        match is_left {
            true => lefts.learn(&party, true, &names),
            false => rights.learn(&party, false, &names),
        }
    }
    let mut settled = Settled::new(all, &lefts, &rights, found);
    for level in family.levels(&names) {
        // What a large group settles may leave small ones.
        for last in [false, true] {
            let left = Side {
                facts: &lefts,
                is_taken: &settled.left_taken,
            };
            let right = Side {
                facts: &rights,
                is_taken: &settled.right_taken,
            };
            let groups = groups(&left, &right, level.requires, level.ignores, go_on)?;
            let mut some_large = false;
            for (group, counted) in groups.iter().zip(1_u32..) {
                if counted.is_multiple_of(1024) && !go_on() {
                    return None;
                }
                some_large |= settle(&mut settled, group, &level, last);
            }
            if !some_large {
                break;
            }
        }
    }
    Some(())
}

/// A connection that was refused has no other end.
fn came_to_nothing(end: &End) -> bool {
    let silent = end.sent.pieces.is_empty() && end.received.pieces.is_empty();
    end.kind == EndKind::TcpConnected && end.error.is_some() && silent
}
