//! Steps back by line that stay in the innermost frame: most of them.
//!
//! Where its last line began takes breakpoints in its own function only, and a look at where
//! on the guest's stack each visit is: no walks over the stack. Each stretch ends now, since it
//! is there that the frame is known, so the longer ones go over the shorter ones again.

use super::super::{Interrupt, Result, Timeline};
use crate::replay::frames::Frame;
use crate::replay::{Position, Tick};
use crate::timeline::processes::wire::found::Hit;
use crate::timeline::processes::wire::run::{LineWatch, OutOf, StopAt, Watch};

/// How many ticks before now the stretches begin. In the longest one, tens of thousands of
/// visits take some tens of milliseconds.
const NEAR: [u64; 5] = [16, 128, 1 << 10, 1 << 13, 1 << 15];

/// Where the last line start of the innermost frame is.
pub(super) enum InFrame {
    Hit(Hit),
    /// There is none: it has been entered since.
    Began,
    /// Before this moment, or in the callers.
    Earlier(Position),
}

impl Timeline {
    /// Looks near the present for the last line start of the innermost frame, if lines are
    /// stepped in that.
    pub(super) fn back_in_frame(
        &mut self,
        frames: &[Frame],
        depth: u32,
        out_of: Option<OutOf>,
        interrupt: &Interrupt,
    ) -> Result<InFrame> {
        let here = self.here.position;
        if self.has_been_split()? {
            // It was at another depth before.
            return Ok(InFrame::Earlier(here));
        }
        let innermost = frames.first().filter(|_| depth == frames.len() as u32);
        let function = innermost.and_then(|frame| Some((frame, self.rows_of(frame)?)));
        let Some((frame, rows)) = function.filter(|_| depth == here.depth) else {
            return Ok(InFrame::Earlier(here));
        };
        let watch = Watch::Lines(LineWatch {
            out_of,
            in_frame_at: Some((frame.module, frame.pc)),
            ..LineWatch::of(
                depth,
                vec![rows.as_ref().clone()],
                self.sight_of(frames, depth),
            )
        });
        let mut earlier = here;
        for ticks in NEAR {
            let tick = here.tick.0.saturating_sub(ticks).max(1);
            let process = self.at_tick(Tick(tick), interrupt)?;
            let from = process.at.position;
            if from >= here {
                continue;
            }
            let stop = StopAt::LastBefore(here);
            let ran = self.run(process, watch.clone(), stop, Vec::new(), interrupt)?;
            match (ran.hit, ran.depth) {
                (Some(hit), _) => return Ok(InFrame::Hit(hit)),
                // It could not be told from others.
                (None, None) => break,
                (None, Some(before)) if before < depth => return Ok(InFrame::Began),
                (None, Some(_)) => earlier = from,
            }
            // It has called something long.
            let quiet = self.quiet_before(Some(depth), &[], earlier.tick);
            if tick == 1 || quiet.is_some() {
                break;
            }
        }
        Ok(InFrame::Earlier(earlier))
    }
}
