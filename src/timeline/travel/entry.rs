//! Where a program begins for who has written it: in `main`, or in what its exports call,
//! not in what libraries and generators put before that.

use super::super::{Interrupt, Result, Timeline, TimelineError};
use super::Ran;
use super::motion::{Place, Reason, Stop};
use super::search::Search;
use crate::component::ModuleId;
use crate::replay::frames::Frame;
use crate::replay::{Phase, Position};
use crate::source::{Function, InlinedCall, SourceLine, Written, is_glue, is_library};
use crate::timeline::Module;
use crate::timeline::processes::wire::run::{LineWatch, StopAt, Watch};

/// Names of the function where a program of someone's own begins.
const MAIN: [&str; 3] = ["main", "__main_argc_argv", "__original_main"];

/// A function, as debug information tells of it, whether or not it is inlined.
struct Named<'a> {
    name: &'a str,
    short: Option<&'a str>,
    linkage: Option<&'a str>,
    declared: Option<SourceLine>,
}

impl<'a> Named<'a> {
    fn function(module: &Module, function: &'a Function) -> Named<'a> {
        let source = &module.source;
        // Not all compilers say where they are declared.
        let begins = || source.line_at(source.body_start(function));
        Named {
            name: &function.name,
            short: Some(&function.short_name),
            linkage: function.linkage_name.as_deref(),
            declared: function.declared.or_else(begins),
        }
    }

    fn inlined(call: &'a InlinedCall) -> Named<'a> {
        Named {
            name: &call.name,
            short: None,
            linkage: None,
            declared: call.declared,
        }
    }

    fn is_main(&self) -> bool {
        let last = self.name.rsplit(['.', ':']).next();
        // `main.main` is Go's, `main.run` is not.
        let is_whole = last == Some(self.name) || self.name.ends_with("::main");
        let short = self.short.or(last.filter(|_| is_whole));
        self.name == "main.main"
            || [short, self.linkage]
                .iter()
                .flatten()
                .any(|name| MAIN.contains(name))
    }
}

/// What is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beginning {
    Main,
    /// Any function that is the program's own.
    Own,
}

impl Beginning {
    fn is(self, module: &Module, named: &Named<'_>) -> bool {
        let path = named.declared.map(|at| module.source.file(at.file));
        let is_own = path.is_some_and(|path| is_own(named.name, path));
        is_own && (self == Beginning::Own || named.is_main())
    }

    /// Where such functions begin, inlined or not.
    fn places(self, id: ModuleId, module: &Module) -> Vec<Place> {
        let source = &module.source;
        let may_be = |written: Written<'_>| {
            let named = Named {
                name: written.whole,
                short: written.declared,
                linkage: written.linkage,
                declared: None,
            };
            self == Beginning::Own || named.is_main()
        };
        let begin = source.beginnings(&may_be).into_iter().filter(|one| {
            // Not all compilers say where they are declared.
            let declared = one.declared.or_else(|| source.line_at(one.pc));
            declared.is_some_and(|at| is_own(&one.name, source.file(at.file)))
        });
        begin
            .map(|one| Place::Code {
                module: id,
                pc: one.pc,
            })
            .collect()
    }
}

/// Where functions begin that are `main`, inlined or not.
pub(in crate::timeline) fn mains(id: ModuleId, module: &Module) -> Vec<Place> {
    Beginning::Main.places(id, module)
}

/// Where functions begin that a library calls `main` by, through a table: no call says so.
pub(in crate::timeline) fn callers_of_main(id: ModuleId, module: &Module) -> Vec<Place> {
    const RUST: [&str; 2] = ["lang_start", "__rust_begin_short_backtrace"];
    let is_meant = |written: Written<'_>| RUST.iter().any(|name| written.whole.contains(name));
    let begin = module.source.beginnings(&is_meant).into_iter();
    let places = begin.map(|one| Place::Code {
        module: id,
        pc: one.pc,
    });
    places.collect()
}

fn is_own(name: &str, path: &str) -> bool {
    !is_library(path) && !is_glue(name, path)
}

impl Timeline {
    /// `main`, or else the first function that is the program's own, or else the first line
    /// that runs, or else the first hostcall.
    pub(super) fn reach_entry(&mut self, interrupt: &Interrupt) -> Result<Stop> {
        for beginning in [Beginning::Main, Beginning::Own] {
            if let Some(stop) = self.reach(beginning, interrupt)? {
                return Ok(stop);
            }
        }
        if self.begin_at(self.entries(), interrupt)? {
            self.unbegun = self.all_unbegun()?;
            return Ok(self.here.clone());
        }
        let copy = self.copy_at_or_before(Position::START)?;
        let stop = StopAt::Event(0);
        let Ran { process, .. } = self.run(copy, Watch::Nothing, stop, Vec::new(), interrupt)?;
        Ok(self.settle(process, Reason::Arrived))
    }

    fn beginnings(&self, beginning: Beginning) -> Vec<Place> {
        let modules = (0..).map(ModuleId).zip(self.modules.iter());
        let own = modules.filter(|(id, _)| !self.stepping.foreign.contains(id));
        own.flat_map(|(id, module)| beginning.places(id, module))
            .collect()
    }

    /// Where the functions begin that are the program's own.
    pub(super) fn own_beginnings(&self) -> Vec<Place> {
        self.beginnings(Beginning::Own)
    }

    /// Stands in the outermost body here that is the program's own.
    pub(super) fn stand_in_own(&mut self, interrupt: &Interrupt) -> Result<Stop> {
        self.stand_in(Beginning::Own, interrupt)
    }

    fn reach(&mut self, beginning: Beginning, interrupt: &Interrupt) -> Result<Option<Stop>> {
        let places = self.beginnings(beginning);
        match self.begin_at(places, interrupt)? {
            true => self.stand_in(beginning, interrupt).map(Some),
            false => Ok(None),
        }
    }

    /// To `main`; if that fails, or leads elsewhere, nothing has moved. What it fails of is the
    /// inner error.
    ///
    /// # Errors
    ///
    /// If interrupted.
    pub(in crate::timeline) fn reach_main_or_stay(
        &mut self,
        interrupt: &Interrupt,
    ) -> Result<Result<Option<Stop>>> {
        let begun = self.standing();
        let reached = self.reach(Beginning::Main, interrupt);
        if let Ok(Some(stop)) = &reached
            && stop.position.phase == Phase::Before
        {
            return Ok(reached);
        }
        self.stand_again(&begun)?;
        match reached {
            Err(TimelineError::Interrupted) => Err(TimelineError::Interrupted),
            Err(error) => Ok(Err(error)),
            Ok(_) => Ok(Ok(None)),
        }
    }

    /// To the first of some places, from the start; whether it comes to any.
    fn begin_at(&mut self, places: Vec<Place>, interrupt: &Interrupt) -> Result<bool> {
        if places.is_empty() {
            return Ok(false);
        }
        let watch = self.watch_places(places);
        let copy = self.copy_at_or_before(Position::START)?;
        let ran = self.run(copy, watch, StopAt::First, Vec::new(), interrupt)?;
        if ran.hit.is_some() {
            self.settle(ran.process, Reason::Arrived);
        }
        Ok(ran.hit.is_some())
    }

    /// Stands in the outermost body here that is looked for: what is inlined into it, and
    /// begins with it, is ahead; if something has begun before, on to the next line of its own.
    fn stand_in(&mut self, beginning: Beginning, interrupt: &Interrupt) -> Result<Stop> {
        let frames = self.frames()?;
        let Some(frame) = frames.first().copied() else {
            return Ok(self.here.clone());
        };
        let inside = self.bodies_inside(beginning, &frame);
        let beginning = self.all_unbegun()?;
        if inside <= beginning {
            self.unbegun = inside;
            return Ok(self.here.clone());
        }
        self.unbegun = inside;
        let depth = frames.len() as u32;
        let functions = self.watched_rows(&frames, depth);
        let watch = Watch::Lines(LineWatch::of(
            depth,
            functions,
            self.sight_of(&frames, depth),
        ));
        self.forward(&Search::at_most(depth, watch), interrupt)
    }

    /// How many bodies are inlined, around the place of a frame, into the outermost one that
    /// is looked for.
    fn bodies_inside(&self, beginning: Beginning, frame: &Frame) -> u32 {
        let Some(module) = self.module(frame.module) else {
            return 0;
        };
        let calls = module.source.inlined_at(frame.pc);
        let function = module.source.function_at(frame.pc);
        if function.is_some_and(|f| beginning.is(module, &Named::function(module, f))) {
            return calls.len() as u32;
        }
        let is = |call: &InlinedCall| beginning.is(module, &Named::inlined(call));
        calls.iter().rposition(is).unwrap_or(0) as u32
    }
}
