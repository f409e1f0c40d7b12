//! Progress of long work, on a terminal only.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar for the compilation of a recording's modules, in bytes of code.
pub(super) struct CompileProgress {
    bar: ProgressBar,
}

impl CompileProgress {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
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
