//! Where a program gives up: a panic of Rust, Zig or Go, a failed assertion, `abort`,
//! `std::terminate`; and what it says of why.

use super::breakpoints::{state, unverified};
use super::stack::ShownFrame;
use super::{DebuggeeError, Recording};
use crate::component::ModuleId;
use crate::debuggee::{BreakpointState, Stream};
use crate::replay::frames::Frame;
use crate::replay::{Phase, Position};
use crate::source::{Beginning, ModuleSource, Written};
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::{
    Breakpoint, BreakpointId, Direction, Motion, Place, Reason, Stop,
};
use std::collections::HashSet;
use std::time::Duration;

/// The functions that a program gives up by, in groups: the first of each group that a module
/// has is where all of its kind come by, after the message has been printed.
const WAYS: [&[&str]; 5] = [
    // Rust; without its standard library, what core calls first.
    &[
        "rust_panic",
        "__rustc::rust_panic",
        "std::panicking::rust_panic",
        "core::panicking::panic_fmt",
    ],
    // C and C++: assertions and uncaught exceptions end here, too.
    &["abort", "std::terminate", "__assert_fail", "__assert"],
    // Zig, by version.
    &[
        "defaultPanic",
        "debug.defaultPanic",
        "default_panic",
        "builtin.default_panic",
    ],
    // Go: TinyGo has two of them.
    &["runtime._panic", "runtime.gopanic"],
    &["runtime.runtimePanicAt"],
];
/// So many hostcalls back the message is looked for.
const CALLS_BACK: u64 = 64;
/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long at the end of the run, where the stop is told without it if need be.
const AT_THE_END: Duration = Duration::from_millis(300);
/// Of a message, so much is told.
const LONGEST: usize = 500;

/// What stops at panics.
#[derive(Debug, Clone)]
pub(super) struct Panics {
    pub(super) id: BreakpointId,
    /// A part of the messages that are meant; empty for all.
    part: String,
    /// Where the functions begin by which the program gives up.
    places: Vec<Place>,
    /// Those functions.
    functions: HashSet<(ModuleId, u32)>,
}

/// Where the session is, as panics go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Giving {
    Outside,
    /// At the first instruction of the function by which the program gives up.
    Begins,
    /// In what that function does.
    Up,
}

impl Recording {
    /// Stops wherever the program gives up, for a reason that has this in its message.
    pub(super) fn break_at_panics(
        &mut self,
        id: BreakpointId,
        part: Option<&str>,
    ) -> BreakpointState {
        let places = self.panic_places();
        if places.is_empty() {
            let nowhere = "the program has no function by which it would panic or abort; \
                           where it fails, it traps";
            return unverified(id, nowhere.into());
        }
        self.panics = Some(Panics {
            id,
            part: part.unwrap_or_default().trim().to_owned(),
            functions: self.functions_at(&places),
            places,
        });
        state(id)
    }

    fn panic_places(&self) -> Vec<Place> {
        let modules = (0..).map(ModuleId).zip(self.timeline.modules().iter());
        let places = modules.flat_map(|(module, of)| {
            let ways = WAYS.iter().flat_map(|names| way_of(&of.source, names));
            ways.map(move |beginning| Place::Code {
                module,
                pc: beginning.pc,
            })
        });
        places.collect()
    }

    fn functions_at(&self, places: &[Place]) -> HashSet<(ModuleId, u32)> {
        let functions = places.iter().filter_map(|place| match place {
            Place::Code { module, pc } => {
                let source = &self.timeline.module(*module)?.source;
                Some((*module, source.function_index_at(*pc)?))
            }
            _ => None,
        });
        functions.collect()
    }

    /// Where the session is, as panics go.
    pub(super) fn panic_here(&mut self) -> Result<Giving, DebuggeeError> {
        let Some(panics) = &self.panics else {
            return Ok(Giving::Outside);
        };
        let (places, functions) = (panics.places.clone(), panics.functions.clone());
        let frames = self.timeline.frames()?;
        let is_of = |frame: &Frame| functions.contains(&(frame.module, frame.function));
        let Some((innermost, outer)) = frames.split_first() else {
            return Ok(Giving::Outside);
        };
        let (module, pc) = (innermost.module, innermost.pc);
        // A function that is nothing but a trap ends the run where it begins.
        let is_entry = self.timeline.here().position.phase == Phase::Before
            && places.contains(&Place::Code { module, pc });
        Ok(match outer.iter().any(is_of) {
            true => Giving::Up,
            false if is_entry => Giving::Begins,
            false if is_of(innermost) => Giving::Up,
            false => Giving::Outside,
        })
    }

    /// A motion that has passed a panic ends at it. Who gives up never returns: a motion has
    /// passed a panic if it leads into one, or back out of one; so nobody has to look for
    /// panics in what lies between.
    pub(super) fn stop_at_panic(
        &mut self,
        (begun, was): (Position, Giving),
        led: Stop,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        self.forget_stack();
        if self.panics.is_none() || interrupt.is_raised() || led.reason == Reason::Paused {
            return Ok(led);
        }
        let is = self.panic_here()?;
        let is_forward = begun <= led.position;
        match (was, is) {
            (_, Giving::Begins) => {
                self.panicked = Some(self.panic_message());
                return Ok(led);
            }
            (Giving::Outside, Giving::Up) if is_forward => {}
            (Giving::Up, Giving::Outside) if !is_forward => {
                self.timeline
                    .travel(&Motion::Position(begun), &Interrupt::new())?;
            }
            _ => return Ok(led),
        }
        let found = self.back_to_panic(interrupt);
        self.apply();
        self.forget_stack();
        match found {
            Ok(Some(stop)) => Ok(stop),
            // Not one that is meant, or interrupted.
            Ok(None) | Err(_) => {
                let there = Motion::Position(led.position);
                Ok(self.timeline.travel(&there, &Interrupt::new())?)
            }
        }
    }

    /// From within a panic to where it begins, if its message is one that is meant.
    fn back_to_panic(&mut self, interrupt: &Interrupt) -> Result<Option<Stop>, DebuggeeError> {
        let Some(panics) = self.panics.clone() else {
            return Ok(None);
        };
        let only = Breakpoint::new(panics.id, panics.places);
        self.timeline.set_breakpoints(vec![only]);
        let back = Motion::Continue(Direction::Backward);
        loop {
            let stop = self.timeline.travel(&back, interrupt)?;
            self.forget_stack();
            if !matches!(stop.reason, Reason::Breakpoints(_)) {
                return Ok(None);
            }
            if self.panic_here()? == Giving::Begins {
                let message = self.panic_message();
                let told = message.as_deref().unwrap_or_default().to_lowercase();
                let is_meant = told.contains(&panics.part.to_lowercase());
                self.panicked = is_meant.then_some(message);
                return Ok(is_meant.then_some(stop));
            }
        }
    }

    /// The names of the functions on the stack as debug information has them.
    fn frame_names(&mut self) -> Result<Vec<String>, DebuggeeError> {
        let frames = self.timeline.frames()?;
        let name = |frame: &Frame| {
            let source = &self.timeline.module(frame.module)?.source;
            Some(match source.function_at(frame.pc) {
                Some(function) => function.name.clone(),
                None => source.shown_name(frame.function),
            })
        };
        Ok(frames.iter().filter_map(name).collect())
    }

    /// What the program says of why it gives up: what it is called with, or has printed.
    fn panic_message(&mut self) -> Option<String> {
        let message = self.printed_message().or_else(|| self.passed_message())?;
        let line: String = message
            .trim()
            .chars()
            .map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
            .take(LONGEST)
            .collect();
        (!line.is_empty()).then_some(line)
    }

    /// The argument of the function by which it gives up, if that is a text.
    fn passed_message(&mut self) -> Option<String> {
        let innermost = self.stack().ok()?.iter().find_map(|frame| match frame {
            ShownFrame::Guest(_) => Some(frame.id()),
            ShownFrame::Crossing(_) => None,
        })?;
        let argument = |name: &&str| {
            let value = self.evaluate_in(name, Some(innermost), Default::default());
            let text = value.ok()?.value;
            let text = text.split_once('"')?.1.rsplit_once('"')?.0.to_owned();
            (!text.is_empty()).then_some(text)
        };
        ["msg", "message", "expr", "assertion"]
            .iter()
            .find_map(argument)
    }

    fn printed_message(&mut self) -> Option<String> {
        self.message_printed(PATIENCE).ok()?
    }

    /// What the program has printed of why, lately.
    fn message_printed(&mut self, patience: Duration) -> Result<Option<String>, DebuggeeError> {
        let here = self.timeline.here().event;
        let calls = here.saturating_sub(CALLS_BACK)..here;
        let printed = self.printed_by(&calls, patience)?;
        let mut text = Vec::new();
        for piece in printed
            .iter()
            .filter(|piece| piece.stream == Stream::Stderr)
        {
            text.extend_from_slice(&piece.bytes);
        }
        Ok(message_in(&String::from_utf8_lossy(&text)))
    }

    /// Where a run has ended in a trap because the program gave up: what it said of why.
    pub(super) fn gave_up(&mut self) -> Result<Option<String>, DebuggeeError> {
        let names = self.frame_names()?;
        match names.iter().any(|name| is_way(name)) {
            true => self.message_printed(AT_THE_END),
            false => Ok(None),
        }
    }
}

/// The functions of a module that have the first of these names that one has.
fn way_of(source: &ModuleSource, names: &[&str]) -> Vec<Beginning> {
    let found = names.iter().map(|name| {
        let is_meant = |written: Written<'_>| written.whole == *name;
        let described = source.beginnings(&is_meant);
        match described.is_empty() {
            true => source.undescribed_beginnings(&is_meant),
            false => described,
        }
    });
    let mut found = found.filter(|beginnings| !beginnings.is_empty());
    found.next().unwrap_or_default()
}

pub(super) fn is_way(name: &str) -> bool {
    WAYS.iter().any(|names| names.contains(&name))
}

/// The last words of what languages print when they give up.
fn message_in(printed: &str) -> Option<String> {
    let at = |mark: &str| printed.rfind(mark).map(|at| (at, at + mark.len()));
    // `thread 'main' (1) panicked at src/main.rs:3:5:` and the message on lines of its own, or,
    // before Rust 1.73, `panicked at 'message', src/main.rs:3:5`.
    let rust = at("panicked at ").and_then(|(at, end)| {
        let rest = printed.get(end..)?;
        let message = match rest.strip_prefix('\'') {
            Some(old) => old.lines().next()?.rsplit_once("', ")?.0,
            None => {
                let (_, message) = rest.split_once('\n')?;
                let ends = ["\nnote: ", "note: run with", "\nstack backtrace:"];
                let end = ends.iter().filter_map(|end| message.find(end)).min();
                message.get(..end.unwrap_or(message.len()))?
            }
        };
        Some((at, message))
    });
    let line = |mark: &str, from_mark: bool| {
        let (at, end) = at(mark)?;
        let from = if from_mark { at } else { end };
        Some((at, printed.get(from..)?.lines().next()?))
    };
    let found = [
        rust,
        // musl, and glibc's way.
        line("Assertion failed: ", true),
        line(": Assertion `", false),
        // C++.
        line("libc++abi: ", false),
        line("terminate called ", true),
        // Zig and Go.
        line("panic: ", false),
    ];
    let last = found.into_iter().flatten().max_by_key(|(at, _)| *at);
    last.map(|(_, message)| message.trim().to_owned())
        .filter(|message| !message.is_empty())
}

#[cfg(test)]
mod tests {
    use super::message_in;

    #[test]
    fn messages_are_found_in_what_was_printed() {
        for (printed, message) in [
            (
                "\nthread 'main' (1) panicked at src/main.rs:86:20:\nattempt to subtract with \
                 overflow\nnote: run with `RUST_BACKTRACE=1` environment variable\n",
                Some("attempt to subtract with overflow"),
            ),
            (
                "thread 'main' panicked at a.rs:1:2:\nassertion `left == right` failed\n  left: 1\n \
                 right: 2\nnote: run with `RUST_BACKTRACE=1`",
                Some("assertion `left == right` failed\n  left: 1\n right: 2"),
            ),
            (
                "thread 'main' panicked at 'no such item', src/main.rs:3:5\nnote: x",
                Some("no such item"),
            ),
            (
                "thread 'main' panicked at a.rs:1:2:\nfirst\nnote: run with x\nthread 'main' \
                 panicked at a.rs:1:9:\nsecond\n",
                Some("second"),
            ),
            (
                "go on\nAssertion failed: x > 0 (main.c: half: 12)\n",
                Some("Assertion failed: x > 0 (main.c: half: 12)"),
            ),
            (
                "libc++abi: terminating due to uncaught exception of type int\n",
                Some("terminating due to uncaught exception of type int"),
            ),
            (
                "thread 1 panic: integer overflow\n/a.zig:3:4\n",
                Some("integer overflow"),
            ),
            (
                "panic: runtime error: index out of range\n",
                Some("runtime error: index out of range"),
            ),
            ("all is well\n", None),
            ("panicked at ", None),
        ] {
            assert_eq!(message_in(printed).as_deref(), message, "{printed}");
        }
    }
}
