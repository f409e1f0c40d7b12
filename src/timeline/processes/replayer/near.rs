//! Where breakpoints must be for what may happen next on the stack.

use super::here::Here;
use super::next::Places;
use crate::component::ModuleId;
use crate::replay::Position;
use crate::replay::frames::{self, Frame, ModuleCode};
use std::collections::HashSet;

/// The frames here, innermost first.
pub(super) fn frames_of(here: &mut Here<'_, '_>) -> Vec<Frame> {
    let doing = here.kind.doing(here.store.data());
    frames::frames(here.store, here.modules, doing)
}

/// The frame that has so many at it and outside of it.
fn at_depth(frames: &[Frame], depth: u32) -> Option<&Frame> {
    let inside = (frames.len() as u32).checked_sub(depth)?;
    frames.get(inside as usize)
}

fn catches(modules: &[ModuleCode], frame: &Frame) -> bool {
    let module = modules.get(frame.module.0 as usize);
    module.is_some_and(|m| m.code.catches(frame.pc))
}

/// The instructions of the function that holds `pc`.
pub(super) fn instructions_at(modules: &[ModuleCode], id: ModuleId, pc: u32) -> Places {
    let module = modules.get(id.0 as usize);
    let instructions = module.and_then(|m| m.code.instructions_around(pc));
    let instructions = instructions.iter().flat_map(|i| i.iter());
    instructions.map(|pc| (id, *pc)).collect()
}

/// The instructions of a frame's function.
fn instructions(modules: &[ModuleCode], frame: &Frame) -> Places {
    instructions_at(modules, frame.module, frame.pc)
}

/// The instructions of the functions at the innermost frame, and around it; of all
/// on the stack, if an exception may leave any frame for one that catches. A run to a bound
/// is around that.
pub(super) fn instructions_near(bound: Option<Position>, here: &mut Here<'_, '_>) -> Places {
    let frames = frames_of(here);
    let modules: &[ModuleCode] = here.modules;
    let mut seen = HashSet::new();
    let mut functions: Vec<&Frame> = frames.iter().collect();
    functions.retain(|frame| seen.insert((frame.module, frame.function)));
    if !functions.iter().any(|frame| catches(modules, frame)) {
        let depth = bound.map_or(frames.len() as u32, |bound| bound.depth);
        let around = [depth.saturating_sub(1), depth, depth.saturating_add(1)];
        let near = around
            .into_iter()
            .filter_map(|depth| at_depth(&frames, depth));
        functions = near.collect();
    }
    functions
        .into_iter()
        .flat_map(|frame| instructions(modules, frame))
        .collect()
}

/// Where the frame at a depth, or one further out, goes on when what it calls is
/// over: after the call, or, as an exception does not go there, anywhere in a
/// function that catches, or after the call of one, which may be left by what it catches.
pub(super) fn places_after_return(depth: u32, here: &mut Here<'_, '_>) -> Places {
    let frames = frames_of(here);
    let returned = at_depth(&frames, depth).map(|frame| (frame.module, frame.next));
    let mut places: Places = returned.into_iter().collect();
    let inside = frames.len().saturating_sub(depth as usize);
    let outside = frames.get(inside..).unwrap_or_default();
    for (frame, caller) in outside
        .iter()
        .zip(outside.iter().skip(1).map(Some).chain([None]))
    {
        if catches(here.modules, frame) {
            places.extend(instructions(here.modules, frame));
            places.extend(caller.map(|caller| (caller.module, caller.next)));
        }
    }
    places
}
