//! Long work of commands, with its progress on a terminal.

use super::recording_file::RecordingFile;
use super::style::is_dumb;
use crate::component::{Component, component_bytes};
use crate::replay::Compiled;
use crate::replay::variant::{CacheDir, Variant};
use crate::trace::Trace;
use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::path::Path;
use std::sync::Arc;

/// Opens a recording and compiles it for replaying it whole; with another build of
/// its component, if one is given.
pub(super) fn open_to_replay(
    recording: &RecordingFile,
    component: Option<&Path>,
) -> anyhow::Result<(Arc<Trace>, Compiled)> {
    let trace = open_trace(recording, component)?;
    let progress = CompileProgress::new();
    let cache = CacheDir::open_default()?;
    let variant = Variant::for_whole(trace.outcome());
    let compiled = Compiled::prepare(&trace, &cache, variant, &|done, all| {
        progress.update(done, all);
    })?;
    progress.finish();
    Ok((trace, compiled))
}

/// Opens a recording; with another build of its component, if one is given.
pub(super) fn open_trace(
    recording: &RecordingFile,
    component: Option<&Path>,
) -> anyhow::Result<Arc<Trace>> {
    let mut trace = recording.open()?;
    if let Some(path) = component {
        let component = Component::parse(component_bytes(path)?)
            .with_context(|| format!("cannot replay with {}", path.display()))?;
        trace = trace
            .with_component(Arc::new(component))
            .with_context(|| format!("cannot replay with {}", path.display()))?;
    }
    Ok(Arc::new(trace))
}

/// A bar for the compilation of a recording's modules, in bytes of code.
pub(super) struct CompileProgress {
    bar: ProgressBar,
}

impl CompileProgress {
    pub(super) fn new() -> Self {
        let target = match is_dumb() {
            true => ProgressDrawTarget::hidden(),
            false => ProgressDrawTarget::stderr(),
        };
        let bar = ProgressBar::with_draw_target(None, target);
        // A template that does not parse would only change how the bar looks.
        if let Ok(style) =
            ProgressStyle::with_template("compiling the recording {bar:30} {bytes}/{total_bytes}")
        {
            bar.set_style(style);
        }
        CompileProgress { bar }
    }

    pub(super) fn update(&self, done: usize, all: usize) {
        self.bar.set_length(all as u64);
        self.bar.set_position(done as u64);
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
