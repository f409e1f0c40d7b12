//! Long work of commands, with its progress on a terminal.

use crate::replay::Compiled;
use crate::replay::variant::{CacheDir, Variant};
use crate::trace::Trace;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::path::Path;
use std::sync::Arc;

/// Opens a recording and compiles it for replaying it whole.
pub(super) fn open_to_replay(file: &Path) -> anyhow::Result<(Arc<Trace>, Compiled)> {
    let trace = Arc::new(Trace::open(file)?);
    let progress = CompileProgress::new();
    let cache = CacheDir::open_default()?;
    let compiled = Compiled::prepare(&trace, &cache, Variant::Plain, &|done, all| {
        progress.update(done, all);
    })?;
    progress.finish();
    Ok((trace, compiled))
}

/// A bar for the compilation of a recording's modules, in bytes of code.
struct CompileProgress {
    bar: ProgressBar,
}

impl CompileProgress {
    fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        // A template that does not parse would only change how the bar looks.
        if let Ok(style) =
            ProgressStyle::with_template("compiling the recording {bar:30} {bytes}/{total_bytes}")
        {
            bar.set_style(style);
        }
        CompileProgress { bar }
    }

    fn update(&self, done: usize, all: usize) {
        self.bar.set_length(all as u64);
        self.bar.set_position(done as u64);
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
