//! The core modules of a recording, compiled.

use super::variant::{self, CacheDir, Prepared, Variant, VariantError};
use crate::trace::Trace;
use std::sync::Arc;

/// The core modules of a recording, compiled in one variant.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// What they are compiled to.
    pub variant: Variant,
    /// By [`ModuleId`](super::ModuleId).
    pub modules: Vec<Prepared>,
}

impl Compiled {
    /// Compiles the recording's core modules, or finds them in the cache. For a
    /// recording that only the clock ends, [`Variant::Fast`] gives [`Variant::Exact`].
    ///
    /// # Errors
    ///
    /// If a module cannot be compiled or the cache cannot be written.
    pub fn prepare(
        trace: &Trace,
        cache: &CacheDir,
        variant: Variant,
        progress: &dyn Fn(usize, usize),
    ) -> Result<Compiled, VariantError> {
        let variant = variant.for_outcome(trace.outcome());
        Compiled::prepare_modules(&modules(trace), cache, variant, progress)
    }

    /// The same, of modules that are in place of the recording's, for a beginning.
    ///
    /// # Errors
    ///
    /// As [`Compiled::prepare`].
    pub fn prepare_modules(
        modules: &[Arc<[u8]>],
        cache: &CacheDir,
        variant: Variant,
        progress: &dyn Fn(usize, usize),
    ) -> Result<Compiled, VariantError> {
        Ok(Compiled {
            variant,
            modules: variant::prepare(cache, modules, variant, progress)?,
        })
    }

    /// Finds the recording's core modules in the cache, if they are compiled all.
    ///
    /// # Errors
    ///
    /// If Wasmtime does not support this machine.
    pub fn find(
        trace: &Trace,
        cache: &CacheDir,
        variant: Variant,
    ) -> Result<Option<Compiled>, VariantError> {
        let variant = variant.for_outcome(trace.outcome());
        let found = variant::find(cache, &modules(trace), variant)?;
        Ok(found.map(|modules| Compiled { variant, modules }))
    }
}

fn modules(trace: &Trace) -> Vec<Arc<[u8]>> {
    trace.component().modules().map(Arc::from).collect()
}
