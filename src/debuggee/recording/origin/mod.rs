//! Where a value comes from: step by step back through operand stack, locals, globals and
//! memory, with the session standing where each step is taken.
//!
//! What an instruction has put on the operand stack, the code says; which of several ways was
//! taken, and when, the last visit says; and what is in memory, the last write.

mod back;
mod calls;
mod far;
mod memory;
mod naming;
mod start;

use super::Recording;
use super::values::failed;
use crate::component::ModuleId;
use crate::component::flow::{Flow, FunctionTypes, Source};
use crate::debuggee::origin::{CodeMoment, Copied, CopiedHow, Origin, PartOfValue, Way, WayEnd};
use crate::debuggee::{DebuggeeError, FrameId, Output};
use crate::replay::frames::Frame;
use crate::replay::{InstanceId, Position};
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::{MemoryRange, Motion};
use std::collections::HashMap;
use std::sync::Arc;

/// No number on the operand stack has more bytes.
const WIDEST: u32 = 16;
/// So many steps back are taken.
const MOST_HOPS: usize = 1000;
/// So many copies are told.
const MOST_COPIES: usize = 200;
/// So many parts of one value are followed.
const MOST_PARTS: usize = 8;
/// Parts of parts of parts are not followed.
const DEEPEST: u32 = 2;

/// What is known of the flow of values, by function.
#[derive(Debug, Default)]
pub(super) struct Flows {
    types: HashMap<ModuleId, Arc<FunctionTypes>>,
    flows: HashMap<(ModuleId, u32), Option<Arc<Flow>>>,
}

/// A moment, and how many calls out of the guest had been made before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) position: Position,
    pub(super) event: u64,
}

/// A function that runs, as a frame at a depth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Activation {
    /// So many frames there are at it and outside of it.
    depth: u32,
    pub(super) instance: InstanceId,
    module: ModuleId,
    function: u32,
}

impl Activation {
    pub(super) fn new(frame: &Frame, depth: u32) -> Activation {
        Activation {
            depth,
            instance: frame.instance,
            module: frame.module,
            function: frame.function,
        }
    }
}

/// Where a value is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Held {
    /// On the operand stack, where this has put it.
    Operand(Activation, Source),
    Local(Activation, u32),
    Global(InstanceId, ModuleId, u32),
    Memory(MemoryRange),
}

/// What is followed: a value, as it is held before a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sought {
    held: Held,
    at: Moment,
    /// Which of its bytes are meant, from the lowest; of memory all of the range.
    bytes: (u32, u32),
}

impl Sought {
    /// A value on the operand stack before a moment: all of it.
    pub(super) fn operand(of: Activation, source: Source, at: Moment) -> Sought {
        Sought {
            held: Held::Operand(of, source),
            at,
            bytes: (0, WIDEST),
        }
    }
}

/// Where a step back leads.
pub(super) enum Next {
    /// To a copy of the value, in a way that may be worth telling.
    Copy(Sought, Vec<Copied>),
    End(WayEnd),
    /// The value was put together of these, by the offset of each.
    Parts(Vec<(u64, Sought, Vec<Copied>)>),
}

/// What a question costs, and who may stop it.
pub(super) struct Asking<'a> {
    pub(in crate::debuggee::recording) interrupt: &'a Interrupt,
    output: &'a dyn Output,
    hops: usize,
}

impl<'a> Asking<'a> {
    pub(super) fn new(output: &'a dyn Output, interrupt: &'a Interrupt) -> Asking<'a> {
        Asking {
            interrupt,
            output,
            hops: 0,
        }
    }
}

type Result<T> = std::result::Result<T, DebuggeeError>;

impl Recording {
    /// Where the value of an expression comes from. The session is left where the last step was
    /// taken.
    pub(super) fn origin_of(
        &mut self,
        text: &str,
        frame: Option<FrameId>,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Origin> {
        let mut asking = Asking::new(output, interrupt);
        self.compile_for_asking(&asking)?;
        let begun = self.begin(text, frame, &mut asking)?;
        let at = self.code_moment(begun.at, begun.of.map(|of| (of, begun.pc)));
        let way = match begun.sought {
            Ok(sought) => self.follow(sought, 0, &mut asking)?,
            Err(end) => Way {
                copies: Vec::new(),
                end,
            },
        };
        Ok(Origin {
            of: begun.text,
            value: begun.value,
            at,
            way,
        })
    }

    /// Optimised code does not show what values go through.
    pub(super) fn compile_for_asking(&mut self, asking: &Asking<'_>) -> Result<()> {
        let tell = |percent| {
            let told = "compiling the guest for debugging";
            asking.output.progress(Some(percent), told);
        };
        let interrupt = asking.interrupt;
        self.timeline
            .need_debug(interrupt, &|compiled| tell(compiled.percent()))?;
        Ok(())
    }

    /// All the way back.
    pub(super) fn follow(
        &mut self,
        sought: Sought,
        deep: u32,
        asking: &mut Asking<'_>,
    ) -> Result<Way> {
        let mut sought = sought;
        let mut copies: Vec<Copied> = Vec::new();
        loop {
            asking.hops += 1;
            if asking.interrupt.is_raised() {
                return Err(DebuggeeError::Interrupted);
            }
            if asking.hops > MOST_HOPS {
                let why = format!("it was followed through {MOST_HOPS} steps; ask again from here");
                let end = self.unknown(&sought, &why);
                return Ok(Way { copies, end });
            }
            if asking.hops.is_multiple_of(16) {
                let told = format!("following the value back: {} steps", asking.hops);
                asking.output.progress(None, &told);
            }
            match self.step_back(&sought, asking)? {
                Next::Copy(next, told) => {
                    let room = MOST_COPIES.saturating_sub(copies.len());
                    copies.extend(told.into_iter().take(room));
                    sought = next;
                }
                Next::End(end) => return Ok(Way { copies, end }),
                Next::Parts(parts) => match self.joined(parts, asking)? {
                    Ok((next, told)) => {
                        copies.extend(told);
                        sought = next;
                    }
                    Err(parts) => {
                        let end = self.follow_parts(parts, deep, asking)?;
                        return Ok(Way { copies, end });
                    }
                },
            }
        }
    }

    fn follow_parts(
        &mut self,
        parts: Vec<(u64, Sought, Vec<Copied>)>,
        deep: u32,
        asking: &mut Asking<'_>,
    ) -> Result<WayEnd> {
        let mut told = Vec::new();
        for (from, sought, copies) in parts {
            let bytes = u64::from(sought.bytes.1);
            let mut way = match deep < DEEPEST {
                true => self.follow(sought, deep + 1, asking)?,
                false => Way {
                    end: self.unknown(&sought, "it has too many parts within parts"),
                    copies: Vec::new(),
                },
            };
            way.copies.splice(0..0, copies);
            told.push(PartOfValue { from, bytes, way });
        }
        Ok(WayEnd::Parts(told))
    }

    /// What to ask for to follow an operand.
    pub(super) fn question_for(&mut self, sought: &Sought) -> Option<String> {
        let Held::Operand(of, source) = sought.held else {
            return None;
        };
        let flow = self.flow_of(of).ok()?;
        let pc = sought.at.position.pc;
        let taken = flow.takes(pc).iter().position(|taken| *taken == source)?;
        let index = flow.first_taken(pc)? as usize + taken;
        Some(format!("$stack{index} @{}", sought.at.position))
    }

    pub(super) fn unknown(&mut self, sought: &Sought, why: &str) -> WayEnd {
        let of = match sought.held {
            Held::Operand(of, _) | Held::Local(of, _) => Some(of),
            Held::Global(..) | Held::Memory(_) => None,
        };
        let is_there = of.filter(|of| of.depth == sought.at.position.depth);
        WayEnd::Unknown {
            at: self.code_moment(sought.at, is_there.map(|of| (of, sought.at.position.pc))),
            why: why.to_owned(),
        }
    }

    /// Brings the session to a moment.
    pub(super) fn stand_at(&mut self, at: Position, asking: &Asking<'_>) -> Result<()> {
        self.go(&Motion::Position(at), asking).map(|_| ())
    }

    pub(super) fn go(&mut self, motion: &Motion, asking: &Asking<'_>) -> Result<Moment> {
        self.forget_stack();
        self.panicked = None;
        self.calls.clear();
        let stop = self.timeline.travel(motion, asking.interrupt)?;
        Ok(Moment {
            position: stop.position,
            event: stop.event,
        })
    }

    fn types_of(&mut self, module: ModuleId) -> Option<Arc<FunctionTypes>> {
        if let Some(known) = self.flows.types.get(&module) {
            return Some(known.clone());
        }
        let component = self.timeline.trace().component().clone();
        let types = Arc::new(FunctionTypes::read(component.module(module)?));
        self.flows.types.insert(module, types.clone());
        Some(types)
    }

    /// The flow of values through the function of an activation.
    pub(super) fn flow_of(&mut self, of: Activation) -> Result<Arc<Flow>> {
        let key = (of.module, of.function);
        if !self.flows.flows.contains_key(&key) {
            let types = self.types_of(of.module);
            let component = self.timeline.trace().component().clone();
            let flow = types.and_then(|types| {
                let body = types.body(of.function)?;
                Flow::read(component.module(of.module)?, &types, body)
            });
            self.flows.flows.insert(key, flow.map(Arc::new));
        }
        let flow = self.flows.flows.get(&key).cloned().flatten();
        flow.ok_or_else(|| {
            failed(
                "a function on the way has instructions whose values cannot be followed: \
                 exceptions of old, or garbage-collected ones",
            )
        })
    }

    /// A copy, told with where it was made.
    fn copied(&self, at: Moment, of: Activation, how: CopiedHow) -> Copied {
        Copied {
            at: self.code_moment(at, Some((of, at.position.pc))),
            how,
            memory: None,
        }
    }

    /// The same, into or out of memory.
    fn copied_in_memory(
        &self,
        at: Moment,
        of: Activation,
        how: CopiedHow,
        range: MemoryRange,
    ) -> Copied {
        let (address, length) = (range.address, range.length);
        Copied {
            // An expression speaks of the first memory of a frame's instance.
            memory: (range.memory == 0 && range.instance == of.instance)
                .then(|| format!("$mem[{address:#x}; {length}]")),
            ..self.copied(at, of, how)
        }
    }

    /// A moment with the code of a frame there.
    pub(super) fn code_moment(&self, at: Moment, code: Option<(Activation, u32)>) -> CodeMoment {
        let mut told = CodeMoment {
            position: at.position.to_string(),
            event: at.event,
            ..CodeMoment::default()
        };
        let found = code.and_then(|(of, pc)| Some((of, pc, self.timeline.module(of.module)?)));
        let Some((of, pc, module)) = found else {
            return told;
        };
        let source = &module.source;
        told.function = match (source.inlined_at(pc).first(), source.function_at(pc)) {
            (Some(call), _) => source.spelled(pc, &call.name),
            (None, Some(function)) => source.spelled(pc, &function.name),
            (None, None) => source.shown_name(of.function),
        };
        let line = source.line_at(pc).filter(|line| line.line != 0);
        told.file = line.map(|line| source.file(line.file).to_owned());
        told.line = line.map(|line| line.line);
        told
    }
}
