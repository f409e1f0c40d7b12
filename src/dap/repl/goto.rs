//! `rr goto …`: to any moment.

use super::{Effect, Entry, Run, no_arguments};
use crate::dap::debuggee::Debuggee;
use crate::replay::{Phase, Position, Tick};
use crate::timeline::motion::Motion;

const fn entry(
    words: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: Run,
) -> Entry {
    Entry {
        words,
        arguments,
        about,
        run,
    }
}

pub(super) const EVENT: Entry = entry(
    "goto event",
    "N",
    "go to hostcall N, the first one being 0",
    event,
);
pub(super) const POSITION: Entry = entry(
    "goto position",
    "TICK:DEPTH:PC",
    "go to a position that `rr where` has told",
    position,
);
pub(super) const START: Entry = entry("goto start", "", "go to the very beginning", |_, more| {
    simple(more, "the start", Motion::Start)
});
pub(super) const ENTRY: Entry = entry("goto entry", "", "go to where `main` begins", |_, more| {
    simple(more, "the entry", Motion::Entry)
});
pub(super) const END: Entry = entry(
    "goto end",
    "",
    "go to the end of the recording",
    |_, more| simple(more, "the end", Motion::End),
);

fn simple(arguments: &str, place: &str, motion: Motion) -> Result<Effect, String> {
    no_arguments(arguments)?;
    let say = format!("going to {place}");
    Ok(Effect::Travel { say, motion })
}

fn event(debuggee: &mut dyn Debuggee, arguments: &str) -> Result<Effect, String> {
    let events = debuggee.history().events;
    let number: u64 = arguments
        .parse()
        .map_err(|_| format!("`{arguments}` is no event number"))?;
    if number >= events {
        return Err(match events {
            0 => "the recording has no events".to_owned(),
            _ => format!("there is no event {number}: the last one is {}", events - 1),
        });
    }
    let say = format!("going to event {number}");
    let motion = Motion::Event(number);
    Ok(Effect::Travel { say, motion })
}

fn position(_: &mut dyn Debuggee, arguments: &str) -> Result<Effect, String> {
    let position = parse(arguments).ok_or_else(|| {
        format!("`{arguments}` is no position: copy one that `rr where` has told, like 12:3:0x1f4")
    })?;
    let say = format!("going to {position}");
    let motion = Motion::Position(position);
    Ok(Effect::Travel { say, motion })
}

/// Reads what [`Position`] displays.
fn parse(text: &str) -> Option<Position> {
    let (text, phase) = match text.split_once('+') {
        None => (text, Phase::Before),
        Some((text, "call")) => (text, Phase::Calling),
        Some((text, "answer")) => (text, Phase::Answered),
        Some((text, "end")) => (text, Phase::End),
        Some(_) => return None,
    };
    let mut parts = text.split(':');
    let (tick, depth, pc) = (parts.next()?, parts.next()?, parts.next()?);
    let position = Position {
        tick: Tick(tick.parse().ok()?),
        depth: depth.parse().ok()?,
        pc: u32::from_str_radix(pc.strip_prefix("0x")?, 16).ok()?,
        phase,
    };
    parts.next().is_none().then_some(position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_is_told() {
        for phase in [Phase::Before, Phase::Calling, Phase::Answered, Phase::End] {
            for (tick, depth, pc) in [(0, 0, 0), (u64::MAX, u32::MAX, u32::MAX), (7, 2, 500)] {
                let position = Position {
                    tick: Tick(tick),
                    depth,
                    pc,
                    phase,
                };
                assert_eq!(parse(&position.to_string()), Some(position));
            }
        }
        for wrong in ["", "1", "1:2", "1:2:3", "1:2:0x3:4", "-1:2:0x3", "1:2:0x3+"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
