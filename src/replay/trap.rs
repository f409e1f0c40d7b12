//! Where a guest has trapped that runs without debug hooks, and frames as the engine
//! tells them.

use wasmtime::{FrameInfo, Module, Trap, WasmBacktrace};

/// A frame as the engine tells of it.
#[derive(Debug, Clone)]
pub(super) struct RawFrame {
    pub(super) module: Module,
    /// In the compiled module.
    pub(super) function: u32,
    /// Of the call, or of the instruction that trapped.
    pub(super) offset: u32,
}

impl RawFrame {
    fn of(frame: &FrameInfo) -> Option<RawFrame> {
        Some(RawFrame {
            module: frame.module().clone(),
            function: frame.func_index(),
            offset: u32::try_from(frame.module_offset()?).ok()?,
        })
    }

    /// The frames of a backtrace, innermost first.
    pub(super) fn all(trace: &WasmBacktrace) -> Vec<RawFrame> {
        trace.frames().iter().filter_map(RawFrame::of).collect()
    }
}

/// Where a guest has trapped: its frames are gone when this is asked for.
#[derive(Debug)]
pub(super) struct TrapSite {
    frames: Vec<RawFrame>,
    is_exact: bool,
}

impl TrapSite {
    pub(super) fn of(error: &wasmtime::Error) -> Option<TrapSite> {
        let frames = RawFrame::all(error.downcast_ref::<WasmBacktrace>()?);
        // The clock is written back before these instructions, and not before others
        // that may trap.
        let is_exact = matches!(
            error.downcast_ref::<Trap>(),
            Some(Trap::UnreachableCodeReached | Trap::UncaughtException)
        );
        Some(TrapSite { frames, is_exact })
    }

    /// The frames that it had, innermost first.
    pub(super) fn frames(&self) -> &[RawFrame] {
        &self.frames
    }

    /// Whether the clock told the tick of the trap.
    pub(super) fn is_exact(&self) -> bool {
        self.is_exact
    }
}
