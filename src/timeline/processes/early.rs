//! The beginning of a large program that has never been debugged: what runs before `main` is
//! compiled first, and the session stands there while all the rest is compiled.
//!
//! There everything can be looked at, as the code is that of the debug variant. A motion to
//! anywhere else waits for the rest, and moves over to it.

use super::compiling::{Compiling, Progress};
use super::debugging::Debugging;
use crate::component::{Component, ModuleId};
use crate::instrument::prelude::prelude;
use crate::replay::Compiled;
use crate::replay::variant::{self, Variant};
use crate::timeline::interrupt::Interrupt;
use crate::timeline::travel::entry;
use crate::timeline::travel::motion::{Place, Stop};
use crate::timeline::{First, Module, Options, Result, Timeline, read_modules};
use crate::trace::Trace;
use std::sync::Arc;

/// What a session begins with, and what becomes of it.
pub(in crate::timeline) struct Begun {
    pub(in crate::timeline) compiled: Compiled,
    pub(in crate::timeline) debugging: Debugging,
}

/// Compiles a recording, or so much of it that a session can begin.
pub(in crate::timeline) fn begin(
    trace: &Arc<Trace>,
    modules: &[Module],
    options: &Options,
    interrupt: &Interrupt,
    progress: &dyn Fn(Progress),
) -> Result<Begun> {
    let variant = options.first_variant(modules);
    let cache = &options.cache;
    if variant == Variant::Debug
        && let Some(left) = what_runs_first(trace.component(), modules, options)
    {
        if let Some(compiled) = Compiled::find(trace, cache, variant)? {
            return Ok(Begun {
                compiled,
                debugging: Debugging::Ready,
            });
        }
        // On all cores: the rest must not take them yet.
        match Compiled::prepare_modules(&left, cache, variant, &|_, _| {}) {
            Ok(compiled) => {
                let compiling = Compiling::start(trace.clone(), cache.clone(), variant)?;
                return Ok(Begun {
                    compiled,
                    debugging: Debugging::Compiling(compiling),
                });
            }
            Err(error) => tracing::warn!("what runs before main is not compiled first: {error}"),
        }
    }
    let compiling = Compiling::start(trace.clone(), cache.clone(), variant)?;
    Ok(Begun {
        compiled: compiling.finish(interrupt, progress)?,
        debugging: Debugging::starting_with(variant),
    })
}

/// The modules with what runs before `main`, if there is much else in much code.
fn what_runs_first(
    component: &Component,
    modules: &[Module],
    options: &Options,
) -> Option<Vec<Arc<[u8]>>> {
    let code: usize = modules.iter().map(|module| module.code.length()).sum();
    if options.first != First::Suitable || code < options.compiled_whole {
        return None;
    }
    let (mut kept, mut all) = (0, 0);
    let mut left = Vec::with_capacity(modules.len());
    for ((id, module), bytes) in (0..).map(ModuleId).zip(modules).zip(component.modules()) {
        let until = offsets(&entry::mains(id, module));
        if until.is_empty() {
            kept += module.code.length();
            all += module.code.length();
            left.push(Arc::from(bytes));
            continue;
        }
        let part = prelude(bytes, &until, &offsets(&entry::callers_of_main(id, module))).ok()?;
        kept += part.kept;
        all += part.all;
        left.push(Arc::from(part.module));
    }
    tracing::debug!("{kept} of {all} bytes of code run before main");
    (kept < all - all / 3).then_some(left)
}

fn offsets(places: &[Place]) -> Vec<u32> {
    let offset = |place: &Place| match place {
        Place::Code { pc, .. } => Some(*pc),
        _ => None,
    };
    places.iter().filter_map(offset).collect()
}

impl Timeline {
    /// Compiles what sessions with recordings of this component will begin with, and then the
    /// rest, on a thread of its own: for while it is recorded. What cannot be done is left to
    /// [`Timeline::open`], which says why.
    pub fn compile_ahead(
        find: impl FnOnce() -> Option<Component> + Send + 'static,
        options: &Options,
    ) {
        let options = options.clone();
        let thread = std::thread::Builder::new().name("compiling-ahead".into());
        let ahead = move || -> Option<()> {
            let component = find()?;
            let modules = read_modules(&component).ok()?;
            let variant = options.first_variant(&modules);
            let whole: Vec<Arc<[u8]>> = component.modules().map(Arc::from).collect();
            let (cache, unheard) = (&options.cache, |_, _| {});
            if variant == Variant::Debug
                && let Some(left) = what_runs_first(&component, &modules, &options)
                && variant::find(cache, &whole, variant).ok()?.is_none()
            {
                Compiled::prepare_modules(&left, cache, variant, &unheard).ok()?;
            }
            Compiled::prepare_modules(&whole, cache, variant, &unheard).ok()?;
            Some(())
        };
        if let Err(error) = thread.spawn(ahead) {
            tracing::debug!("nothing is compiled while the program is recorded: {error}");
        }
    }

    /// Only what runs before `main` is compiled yet.
    pub(in crate::timeline) fn is_early(&self) -> bool {
        self.load.variant == Variant::Debug && !matches!(self.debugging, Debugging::Ready)
    }

    /// Goes to where the program begins, if only what runs before that is compiled yet. `None`
    /// if all of it is, or if there is more before `main` than could be seen:
    /// [`Timeline::travel`] goes there then.
    ///
    /// # Errors
    ///
    /// If interrupted.
    pub fn enter_early(&mut self, interrupt: &Interrupt) -> Result<Option<Stop>> {
        if !self.is_early() {
            return Ok(None);
        }
        match self.reach_main_or_stay(interrupt)? {
            Ok(stop) => Ok(stop),
            Err(error) => {
                tracing::debug!("more runs before main than was compiled: {error}");
                Ok(None)
            }
        }
    }
}
