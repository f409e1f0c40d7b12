//! The stack as a person sees it: a hostcall on top, inlined calls as frames of
//! their own.

use super::boundary::CrossingFrame;
use super::hostcalls::line_of;
use super::{Recording, address};
use crate::component::ModuleId;
use crate::debuggee::{
    DebuggeeError, Frame, FrameId, FramePlace, Frames, ModuleView, Presentation, SourcePoint,
    SourceRef, Window,
};
use crate::replay::Phase;
use crate::replay::boundary::Way;
use crate::replay::frames::Frame as CoreFrame;
use crate::source::{InlinedCall, SourceLine};
use crate::timeline::Module;
use crate::timeline::travel::motion::Reason;
use std::collections::BTreeMap;

/// A frame as shown.
#[derive(Debug, Clone)]
pub(super) enum ShownFrame {
    /// A call out of the guest or into it.
    Crossing(CrossingFrame),
    Guest(GuestPlace),
}

/// A frame of guest code, or of a call inlined into one.
#[derive(Debug, Clone)]
pub(super) struct GuestPlace {
    /// Its index among the core frames.
    pub(super) index: usize,
    pub(super) core: CoreFrame,
    /// How many guest frames are outside it.
    pub(super) outside: u32,
    /// 0 for the innermost inlined body.
    pub(super) inlined: usize,
    name: String,
    pub(super) line: Option<SourceLine>,
}

impl GuestPlace {
    /// The function, or the inlined call, as its language spells it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// The frame of a stop where no code of the program runs; those of code have larger numbers.
pub(super) const NOWHERE: FrameId = FrameId(0);
/// Inlined calls within one frame that get numbers of their own.
const MAX_INLINED: u32 = 256;
/// So many damaged parts of a module's debug information are named.
const MOST_DAMAGE: usize = 3;

impl ShownFrame {
    pub(super) fn id(&self) -> FrameId {
        match self {
            ShownFrame::Crossing(frame) => frame.id(),
            ShownFrame::Guest(place) => {
                let inlined = (place.inlined as u32).min(MAX_INLINED - 1);
                FrameId(place.outside.saturating_mul(MAX_INLINED) + inlined)
            }
        }
    }
}

/// Where a hostcall is listed.
fn listed_at(event: u64) -> FramePlace {
    let (source, point) = line_of(event);
    FramePlace { source, point }
}

pub(super) fn point(line: SourceLine) -> SourcePoint {
    SourcePoint {
        line: u64::from(line.line),
        column: (line.column > 0).then_some(u64::from(line.column)),
    }
}

impl Recording {
    /// The whole stack at this stop, innermost first.
    pub(super) fn stack(&mut self) -> Result<&[ShownFrame], DebuggeeError> {
        if self.stack.is_none() {
            let stack = self.read_stack()?;
            self.stack = Some(stack);
        }
        Ok(self.stack.as_deref().unwrap_or_default())
    }

    /// Whether the session has come here for a write, and the next line begins right behind
    /// it: a step from the line that wrote leads here.
    pub(super) fn begins_line_after_write(&mut self) -> Result<bool, DebuggeeError> {
        if self.timeline.changes_here().is_empty() {
            return Ok(false);
        }
        let ahead = self.timeline.unbegun() as usize;
        let frames = self.timeline.frames()?;
        let begins = frames.first().and_then(|frame| {
            let writer = self.timeline.writer(frame)?;
            let module = self.timeline.module(frame.module)?;
            let line = |pc| module.source.line_at(pc).filter(|line| line.line != 0);
            let (wrote, next) = (line(writer)?, line(frame.pc)?);
            let is_next = wrote.line_key() != next.line_key();
            Some(is_next && is_in_same_body(module, writer, frame.pc, ahead))
        });
        Ok(begins.unwrap_or(false))
    }

    /// `apply at ledger.c:50`, or a hostcall: what has written where the session has come to
    /// a write.
    pub(super) fn told_writer(&mut self) -> Option<String> {
        if self.timeline.here().position.phase == Phase::Answered {
            return crate::debuggee::Looks::calling(self);
        }
        let frame = *self.timeline.frames().ok()?.first()?;
        let writer = self.timeline.writer(&frame)?;
        let guest = self.stack().ok()?.iter().find_map(|shown| match shown {
            ShownFrame::Guest(guest) => Some(guest.clone()),
            ShownFrame::Crossing(_) => None,
        })?;
        let source = &self.timeline.module(frame.module)?.source;
        let Some(line) = source.line_at(writer).filter(|line| line.line != 0) else {
            return Some(guest.name);
        };
        let file = source.file(line.file);
        let file = file.rsplit('/').next().unwrap_or(file);
        Some(format!("{} at {file}:{}", guest.name, line.line))
    }

    fn read_stack(&mut self) -> Result<Vec<ShownFrame>, DebuggeeError> {
        let mut stack = Vec::new();
        let mut crossings = self.crossing_frames()?;
        let frames = self.timeline.frames()?;
        let ahead = self.timeline.unbegun() as usize;
        for (index, core) in frames.iter().enumerate() {
            let outside = (frames.len() - index) as u32;
            while let Some(inner) = crossings.pop_if(|inner| inner.open.outside >= outside) {
                stack.push(ShownFrame::Crossing(inner));
            }
            let Some(module) = self.timeline.module(core.module) else {
                continue;
            };
            let ahead = if index == 0 { ahead } else { 0 };
            // Who has come to a write wants to see what wrote, not what comes next.
            let writer = (index == 0).then(|| self.timeline.writer(core)).flatten();
            let shown = writer.filter(|writer| is_in_same_body(module, *writer, core.pc, ahead));
            let bodies = bodies(module, *core, shown, (index, outside), ahead);
            stack.extend(bodies.map(ShownFrame::Guest));
        }
        let outermost = crossings.into_iter().rev();
        stack.extend(outermost.map(ShownFrame::Crossing));
        Ok(stack)
    }

    pub(super) fn shown_frames(&mut self, window: Window) -> Result<Frames, DebuggeeError> {
        let stack = self.stack()?.to_vec();
        let below = self.logical()?;
        let above = stack.len().max(1);
        let levels = window.levels.unwrap_or(usize::MAX);
        let mut frames: Vec<Frame> = match stack.is_empty() {
            true => (window.start == 0 && levels > 0)
                .then(|| self.nowhere())
                .into_iter()
                .collect(),
            false => {
                let shown = stack.iter().skip(window.start).take(levels);
                shown.map(|frame| self.show(frame)).collect()
            }
        };
        let shown = below
            .iter()
            .enumerate()
            .skip(window.start.saturating_sub(above))
            .take(levels.saturating_sub(frames.len()));
        let shown: Vec<Frame> = shown
            .map(|(number, frame)| self.show_logical(number, frame))
            .collect();
        frames.extend(shown);
        if window.start == 0
            && let (Some(ShownFrame::Crossing(call)), Some(first)) =
                (stack.first(), frames.first_mut())
            && call.open.way == Way::Out
            && !stack.iter().any(|frame| self.is_own(frame))
        {
            // Nothing of the program's own is there to be looked at: that is the call itself,
            // where it is listed. Editors show no frame without a source by themselves.
            first.place = Some(listed_at(call.open.event));
        }
        Ok(Frames {
            frames,
            total: above + below.len(),
        })
    }

    /// What is shown where no code of the program runs: many clients take a stop without
    /// frames for none, and offer no way on from there.
    fn nowhere(&self) -> Frame {
        Frame {
            id: NOWHERE,
            name: match &self.timeline.here().reason {
                Reason::End(_) => {
                    let outcome = self.timeline.trace().outcome();
                    format!("end of the recording: the program {outcome}")
                }
                Reason::Start => "start of the recording: nothing has run yet".to_owned(),
                Reason::Arrived | Reason::Paused | Reason::Breakpoints(_) => {
                    "between calls: no code of the program runs here".to_owned()
                }
            },
            place: None,
            instruction: None,
            module: None,
            presentation: Presentation::Label,
        }
    }

    /// Whether a frame is of code that one wants to see.
    pub(super) fn is_own(&self, frame: &ShownFrame) -> bool {
        match frame {
            ShownFrame::Crossing(_) => false,
            ShownFrame::Guest(guest) => self.presentation_of(guest) == Presentation::Normal,
        }
    }

    fn presentation_of(&self, guest: &GuestPlace) -> Presentation {
        match guest.line {
            None if self.any_lines() => Presentation::Subtle,
            Some(line) if self.is_of_library(guest.core.module, line) => Presentation::Subtle,
            _ => Presentation::Normal,
        }
    }

    fn show(&self, frame: &ShownFrame) -> Frame {
        match frame {
            ShownFrame::Crossing(crossing) => Frame {
                id: frame.id(),
                name: crossing.title.clone(),
                place: None,
                instruction: None,
                module: None,
                presentation: Presentation::Normal,
            },
            ShownFrame::Guest(guest) => Frame {
                id: frame.id(),
                name: guest.name.clone(),
                place: self.place_of(guest),
                instruction: Some(address::code(guest.core.module, guest.core.pc)),
                module: Some(guest.core.module.0.to_string()),
                presentation: self.presentation_of(guest),
            },
        }
    }

    /// Whether a line is of a library, and those are subdued.
    pub(super) fn is_of_library(&self, module: ModuleId, line: SourceLine) -> bool {
        let module = self.timeline.module(module);
        self.just_my_code
            && module.is_some_and(|module| self.is_library(module.source.file(line.file)))
    }

    /// A frame's line, or else its instruction in the text of its function.
    fn place_of(&self, guest: &GuestPlace) -> Option<FramePlace> {
        let id = guest.core.module;
        match guest.line {
            Some(line) => {
                let module = self.timeline.module(id)?;
                Some(self.place_in_source(id, module, line, Some(guest.core.function)))
            }
            None => self.place_in_listing(id, guest.core.function, guest.core.pc),
        }
    }

    /// The frame with this id, or the innermost one that has lines.
    pub(super) fn frame(&mut self, id: Option<FrameId>) -> Result<ShownFrame, DebuggeeError> {
        self.frame_there(id)?
            .ok_or_else(|| DebuggeeError::other("there is no such frame here"))
    }

    /// The same; `None` if it is not there.
    pub(super) fn frame_there(
        &mut self,
        id: Option<FrameId>,
    ) -> Result<Option<ShownFrame>, DebuggeeError> {
        let stack = self.stack()?;
        let found = match id {
            Some(id) => stack.iter().find(|frame| frame.id() == id),
            None => stack
                .iter()
                .find(|f| matches!(f, ShownFrame::Guest(place) if place.line.is_some()))
                .or(stack.first()),
        };
        Ok(found.cloned())
    }

    /// The crossing of this frame, or, of a frame of guest code, the one that the guest
    /// is in, or that it runs in; `None` if there is none.
    pub(super) fn crossing_around(
        &mut self,
        id: Option<FrameId>,
    ) -> Result<Option<CrossingFrame>, DebuggeeError> {
        let stack = self.stack()?;
        let asked = stack.iter().find_map(|frame| match frame {
            ShownFrame::Crossing(crossing) if Some(crossing.id()) == id => Some(crossing),
            _ => None,
        });
        let innermost = stack.iter().find_map(|frame| match frame {
            ShownFrame::Crossing(crossing) => Some(crossing),
            ShownFrame::Guest(_) => None,
        });
        Ok(asked.or(innermost).cloned())
    }

    /// The innermost frame of guest code, one with lines if there is any.
    pub(super) fn caller(&mut self) -> Option<GuestPlace> {
        let stack = self.stack().ok()?;
        let guests = stack.iter().filter_map(|frame| match frame {
            ShownFrame::Guest(place) => Some(place),
            ShownFrame::Crossing(_) => None,
        });
        let with_line = guests.clone().find(|place| place.line.is_some());
        with_line.or_else(|| guests.clone().next()).cloned()
    }

    /// Whether the innermost line is one of a library's sources.
    pub(super) fn is_in_library(&mut self) -> bool {
        let Some((id, line)) = self
            .caller()
            .and_then(|place| Some((place.core.module, place.line?)))
        else {
            return false;
        };
        let module = self.timeline.module(id);
        module.is_some_and(|module| self.is_library(module.source.file(line.file)))
    }

    pub(super) fn all_sources(&self) -> Vec<SourceRef> {
        let modules = (0..).map(ModuleId).zip(self.timeline.modules().iter());
        let sources: BTreeMap<String, SourceRef> = modules
            .flat_map(|(id, module)| {
                let files = module.source.files();
                let with_code = files.filter(|(file, _)| module.source.has_code(*file));
                with_code
                    .map(move |(file, path)| (path.to_owned(), self.source_of(id, module, file)))
            })
            .collect();
        sources.into_values().collect()
    }

    fn any_lines(&self) -> bool {
        let modules = self.timeline.modules();
        modules.iter().any(|module| module.source.has_lines())
    }

    pub(super) fn all_modules(&self) -> Vec<ModuleView> {
        let modules = (0..).map(ModuleId).zip(self.timeline.modules().iter());
        modules
            .map(|(id, module)| ModuleView {
                id: id.0.to_string(),
                name: module.source.name().map_or_else(
                    || format!("core module {}", id.0),
                    |name| format!("core module {} ({name})", id.0),
                ),
                path: None,
                symbols: Some(self.symbols_of(id, module)),
            })
            .collect()
    }

    /// What debug information a module has, where it is from, and what is missing.
    fn symbols_of(&self, id: ModuleId, module: &Module) -> String {
        let mut told = module.source.kind().to_string();
        let files = self.external.files(id).iter();
        let files: Vec<String> = files.map(|path| path.display().to_string()).collect();
        if !files.is_empty() {
            told.push_str(&format!(" from {}", files.join(", ")));
        }
        for note in self.external.notes(id) {
            told.push_str(&format!("; {note}"));
        }
        let damage = module.source.damage();
        let parts: Vec<String> = damage
            .iter()
            .take(MOST_DAMAGE)
            .map(ToString::to_string)
            .collect();
        if !parts.is_empty() {
            told.push_str(&format!("; partly damaged: {}", parts.join(", ")));
        }
        if let more @ 1.. = damage.len().saturating_sub(MOST_DAMAGE) {
            told.push_str(&format!(", and {more} more"));
        }
        told
    }
}

/// Whether an instruction of a function is of the same call, inlined or not, as another one
/// where inlined calls are still ahead.
fn is_in_same_body(module: &Module, one: u32, other: u32, ahead: usize) -> bool {
    let one = module.source.inlined_at(one);
    let other = module.source.inlined_at(other);
    let other = other.get(ahead..).unwrap_or_default();
    let same = |(one, other): (&InlinedCall, &InlinedCall)| one.ranges == other.ranges;
    one.len() == other.len() && one.iter().zip(other).all(same)
}

/// The bodies that a core frame runs: inlined calls first, then the function. The line is that
/// of another instruction, if one is to be shown.
fn bodies(
    module: &Module,
    core: CoreFrame,
    shown: Option<u32>,
    (index, outside): (usize, u32),
    ahead: usize,
) -> impl Iterator<Item = GuestPlace> + use<> {
    let inlined = module.source.inlined_at(core.pc);
    let inlined_count = inlined.len();
    let line_at = |pc| module.source.line_at(pc).filter(|line| line.line != 0);
    let mut line = line_at(core.pc);
    let mut bodies = Vec::new();
    for (i, call) in inlined.into_iter().enumerate() {
        // At the first instruction of an inlined body the session may stand before the call,
        // as it does where there is a call instruction.
        if i == ahead {
            line = shown.map_or(line, line_at);
        }
        if i >= ahead {
            let name = module.source.spelled(core.pc, &call.name);
            bodies.push((i, name, line));
        }
        line = call.call_site;
    }
    if inlined_count <= ahead {
        line = shown.map_or(line, line_at);
    }
    let name = match module.source.function_at(core.pc) {
        Some(function) => module.source.spelled(core.pc, &function.name),
        None => module.source.shown_name(core.function),
    };
    bodies.push((inlined_count, name, line));
    bodies
        .into_iter()
        .map(move |(inlined, name, line)| GuestPlace {
            index,
            core,
            outside,
            inlined,
            name,
            line,
        })
}
