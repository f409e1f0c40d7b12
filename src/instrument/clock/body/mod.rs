//! One function body with the clock in it.
//!
//! Instructions are copied byte for byte; only function and global indices are
//! written anew, in as many bytes as they had where that is possible, so that the
//! offset map has few stretches.

mod copies;
mod ticks;

use super::context::{CONTEXT_LOCALS, Context};
use super::depth::{self, Depth};
use super::scan::{Scan, calls, leaves_elsewhere};
use super::{ClockError, ClockStyle, Original};
use crate::instrument::offsets::OffsetMapBuilder;
use crate::instrument::probe::context::Sites;
use crate::instrument::probe::{Probe, Store, Temporaries, note_segment};
use wasm_encoder::{BlockType, Encode, Instruction, ValType};
use wasmparser::{FuncType, FunctionBody, Operator};

/// The most locals that a function may have, parameters included.
const MAX_LOCALS: u32 = 50_000;

/// A rewritten function body.
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    /// Relative to the start of `bytes`.
    pub(super) offsets: OffsetMapBuilder,
    /// The `br_if`s that pass by the hook, by their offset in `bytes`.
    pub(super) likely_branches: Vec<u32>,
}

/// A function of the original, to be rewritten.
pub(super) struct Function<'a> {
    pub(super) body: &'a FunctionBody<'a>,
    pub(super) ty: &'a FuncType,
    /// The index of a type `() -> results`, where there are several results.
    pub(super) results: Option<u32>,
    pub(super) scan: &'a Scan,
    pub(super) entry: EntryTick,
    /// Its segments, if something is noted of them: the number of the first, and where
    /// each begins.
    pub(super) segments: (u32, &'a [u32]),
    /// Its places, if it keeps its calling context.
    pub(super) sites: Option<&'a Sites>,
}

/// What is done about the tick of a function's entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryTick {
    Checked,
    Unchecked,
    /// Its callers count it.
    PaidFor,
}

/// Rewrites one function.
pub(super) fn rewrite(
    original: &Original<'_>,
    module: &[u8],
    style: ClockStyle,
    function: &Function<'_>,
) -> Result<Body, ClockError> {
    let locals = Locals::read(function.body, function.ty)?;
    let keeping = match style {
        ClockStyle::Shared => Keeping::Global,
        _ if locals.count < MAX_LOCALS - 1 && caching_pays(function.scan) => {
            Keeping::Local(locals.count)
        }
        _ => Keeping::Global,
    };
    let depth = original.depth(locals.count + u32::from(keeping != Keeping::Global));
    if depth.is_some() && locals.count >= MAX_LOCALS {
        return Err(ClockError::TooManyLocals);
    }
    let mut temporaries = original.temporaries(function.body)?;
    let mut added = u32::from(keeping != Keeping::Global) + u32::from(depth.is_some());
    let context = function.sites.map(|sites| {
        let at = locals.count + added;
        let tree = original.tree(at);
        let noting = original.noting(sites, tree, at + CONTEXT_LOCALS);
        Context::new(sites, tree, at + 1, noting)
    });
    added += context
        .as_ref()
        .map_or(0, |context| context.types().len() as u32);
    temporaries.begin_at(locals.count + added);
    if locals.count + added + temporaries.types().len() as u32 > MAX_LOCALS {
        return Err(ClockError::TooManyLocals);
    }
    let mut writer = BodyWriter {
        original,
        module,
        style,
        keeping,
        depth,
        catches: function.scan.catches,
        tight_loops: function.scan.tight_loops.iter(),
        bytes: Vec::with_capacity(function.body.range().len() * 3 / 2),
        offsets: OffsetMapBuilder::default(),
        likely_branches: Vec::new(),
        temporaries,
        context,
        segments: (function.segments.0..)
            .zip(function.segments.1.iter().copied())
            .peekable(),
    };
    writer.locals(&locals);
    writer.entry(function)?;
    writer.operators(function.body)?;
    Ok(Body {
        bytes: writer.bytes,
        offsets: writer.offsets,
        likely_branches: writer.likely_branches,
    })
}

/// Whether a local is cheaper than the global in a function, and exact.
///
/// Without a loop there is one tick, at entry: writing the global once is the
/// least that can be done. Where exceptions are caught, a handler's code is
/// reached both from a call, with the global up to date, and by falling into it,
/// with the local up to date; such functions use the global throughout.
fn caching_pays(scan: &Scan) -> bool {
    !scan.tight_loops.is_empty() && !scan.catches
}

/// Where one function keeps the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeping {
    Global,
    /// In the local of this index.
    Local(u32),
}

/// The local declarations of a function.
struct Locals<'a> {
    declarations: u32,
    /// The declarations as they are in the binary, without their number.
    bytes: &'a [u8],
    /// Parameters included.
    count: u32,
}

impl<'a> Locals<'a> {
    fn read(function: &FunctionBody<'a>, ty: &FuncType) -> Result<Self, ClockError> {
        let mut reader = function.get_locals_reader()?;
        let declarations = reader.get_count();
        let start = reader.original_position();
        let mut count = ty.params().len() as u32;
        for _ in 0..declarations {
            count = count.saturating_add(reader.read()?.0);
        }
        let body_start = function.range().start;
        let bytes = function
            .as_bytes()
            .get(start - body_start..reader.original_position() - body_start)
            .unwrap_or_default();
        Ok(Locals {
            declarations,
            bytes,
            count,
        })
    }
}

struct BodyWriter<'a> {
    original: &'a Original<'a>,
    module: &'a [u8],
    style: ClockStyle,
    keeping: Keeping,
    /// Where frames are counted.
    depth: Option<Depth>,
    catches: bool,
    /// Of the loops that have not been reached.
    tight_loops: std::slice::Iter<'a, bool>,
    bytes: Vec<u8>,
    offsets: OffsetMapBuilder,
    likely_branches: Vec<u32>,
    temporaries: Temporaries,
    context: Option<Context<'a>>,
    /// Number and first instruction of the segments to come.
    segments: std::iter::Peekable<
        std::iter::Zip<std::ops::RangeFrom<u32>, std::iter::Copied<std::slice::Iter<'a, u32>>>,
    >,
}

impl BodyWriter<'_> {
    fn locals(&mut self, locals: &Locals<'_>) {
        let clock = (self.keeping != Keeping::Global).then_some(ValType::I64);
        let depth = self.depth.map(|_| ValType::I32);
        let context = self.context.as_ref().map(Context::types);
        let added = clock.into_iter().chain(depth);
        let added = added.chain(context.unwrap_or_default());
        let added: Vec<ValType> = added.chain(self.temporaries.types().to_vec()).collect();
        (locals.declarations + added.len() as u32).encode(&mut self.bytes);
        self.bytes.extend_from_slice(locals.bytes);
        for ty in added {
            1u32.encode(&mut self.bytes);
            ty.encode(&mut self.bytes);
        }
    }

    /// Whether there is something to do wherever the function returns.
    fn is_wrapped(&self) -> bool {
        let notes = self.context.as_ref().is_some_and(Context::notes);
        self.keeping != Keeping::Global || self.depth.is_some() || notes
    }

    /// The tick of the function's entry, always counted in the global: a local
    /// that the hook's branch may change before any loop costs a spill in every
    /// iteration (measured: a tight loop took about twice as long as it does this
    /// way).
    ///
    /// Where something is to be done at the end, the body becomes a block, so
    /// that a branch out of the body passes the code that does it, as falling out of it
    /// does.
    fn entry(&mut self, function: &Function<'_>) -> Result<(), ClockError> {
        if let Some(depth) = self.depth {
            self.insert(&depth.enter());
        }
        if let Some(context) = &self.context {
            let entry = context.entry();
            self.insert(&entry.before);
            self.likely_branches.push(self.bytes.len() as u32);
            self.insert(&entry.after);
        }
        match function.entry {
            EntryTick::Checked => self.checked_tick(Keeping::Global),
            EntryTick::Unchecked => self.tick(Keeping::Global),
            EntryTick::PaidFor => {}
        }
        if !self.is_wrapped() {
            return Ok(());
        }
        self.read_again();
        let block_type = match (function.results, function.ty.results()) {
            (Some(results), _) => BlockType::FunctionType(results),
            (None, []) => BlockType::Empty,
            (None, [result, ..]) => BlockType::Result(ValType::try_from(*result)?),
        };
        self.insert(&[Instruction::Block(block_type)]);
        Ok(())
    }

    fn operators(&mut self, function: &FunctionBody<'_>) -> Result<(), ClockError> {
        let mut operators = function.get_operators_reader()?;
        while !operators.eof() {
            let start = operators.original_position();
            let operator = operators.read()?;
            let end = operators.original_position();
            if operators.eof() {
                self.end(start, end)?;
            } else {
                self.operator(&operator, start, end)?;
            }
        }
        Ok(())
    }

    fn operator(
        &mut self,
        operator: &Operator<'_>,
        start: usize,
        end: usize,
    ) -> Result<(), ClockError> {
        self.note_segment(start);
        let store = self.original.store(operator);
        if let Some(store) = store {
            self.before_store(store);
        }
        self.before_in_context(operator);
        let is_paid_for = self.pays_for(operator);
        if is_paid_for {
            self.tick(self.keeping);
        }
        let calls = calls(operator) && !is_paid_for;
        if calls || leaves(operator) {
            self.write_back();
        }
        if let Some(depth) = self.depth
            && depth::ends_frame(operator)
        {
            self.insert(&depth.leave());
        }
        self.copy(operator, start, end)?;
        self.after_branch(operator);
        if let Some(store) = store {
            self.after_store(store, start);
        }
        if let Some(depth) = self.depth
            && self.catches
            && depth::may_follow_catch(operator)
        {
            self.insert(&depth.restore());
        }
        if calls {
            self.read_again();
        }
        if matches!(operator, Operator::Loop { .. }) {
            let is_tight = self.tight_loops.next().copied().unwrap_or(false);
            match self.style {
                ClockStyle::Lazy if is_tight => self.tick(self.keeping),
                _ => self.checked_tick(self.keeping),
            }
        }
        self.after_in_context(operator);
        Ok(())
    }

    /// What comes before an instruction where the calling context is kept.
    fn before_in_context(&mut self, operator: &Operator<'_>) {
        let remaining = self.remains();
        if let Some(context) = &mut self.context {
            let all = context.before(operator, remaining);
            self.insert(&all);
        }
    }

    /// Ends what has been put around a branch.
    fn after_branch(&mut self, operator: &Operator<'_>) {
        if self
            .context
            .as_ref()
            .is_some_and(|context| context.wraps(operator))
        {
            self.insert(&[Instruction::End]);
        }
    }

    /// What comes after an instruction where the calling context is kept.
    fn after_in_context(&mut self, operator: &Operator<'_>) {
        let remaining = self.remains();
        if let Some(context) = &mut self.context {
            let all = context.after(operator, remaining);
            self.insert(&all);
        }
    }

    /// Notes that a segment runs, if one begins here.
    fn note_segment(&mut self, start: usize) {
        let begins = |(_, first): &(u32, u32)| *first as usize == start;
        if let (Some((segment, _)), Some(probes)) =
            (self.segments.next_if(begins), self.original.probes)
        {
            let memory = self.original.memories.len() as u32;
            self.insert(&note_segment(probes.layout, probes.probe, memory, segment));
        }
    }

    fn before_store(&mut self, store: Store) {
        if let Some(place) = self.original.place_of(store, &self.temporaries) {
            let before = place.before();
            self.insert(&before);
        }
    }

    fn after_store(&mut self, store: Store, pc: usize) {
        let Some(place) = self.original.place_of(store, &self.temporaries) else {
            return;
        };
        if self.original.probes.map(|probes| probes.probe) != Some(Probe::Watch) {
            let mark = place.mark();
            return self.insert(&mark);
        }
        let (is_watched, extent) = (place.is_watched(), place.extent());
        self.insert(&[Instruction::Block(BlockType::Empty)]);
        self.insert(&is_watched);
        self.insert(&[Instruction::I32Eqz]);
        self.likely_branches.push(self.bytes.len() as u32);
        self.insert(&[Instruction::BrIf(0)]);
        self.write_back();
        self.insert(&[
            Instruction::I32Const(store.memory.cast_signed()),
            Instruction::I32Const((pc as u32).cast_signed()),
        ]);
        self.insert(&extent);
        // The clock's hook is the first of the imports, and this the second.
        let stored = self.original.imported_functions + 1;
        self.insert(&[Instruction::Call(stored), Instruction::End]);
    }

    /// Whether an instruction calls a function that leaves its tick to its callers.
    fn pays_for(&self, operator: &Operator<'_>) -> bool {
        match *operator {
            Operator::Call { function_index } | Operator::ReturnCall { function_index } => {
                self.style == ClockStyle::Lazy && self.original.is_paid_for(function_index)
            }
            _ => false,
        }
    }

    /// The last `end`, which stays the last instruction of the function.
    fn end(&mut self, start: usize, end: usize) -> Result<(), ClockError> {
        self.note_segment(start);
        if self.is_wrapped() {
            self.insert(&[Instruction::End]);
        }
        if let Some(context) = &self.context {
            let noted = context.leave(self.remains());
            self.insert(&noted);
        }
        self.write_back();
        if let Some(depth) = self.depth {
            self.insert(&depth.leave());
        }
        self.copy(&Operator::End, start, end)
    }

    fn insert(&mut self, instructions: &[Instruction<'_>]) {
        for instruction in instructions {
            instruction.encode(&mut self.bytes);
        }
    }
}

/// Whether an instruction leaves the function otherwise than by a branch. A
/// trap of other instructions is left out: writing back before each of those
/// would cost what the local saves.
fn leaves(operator: &Operator<'_>) -> bool {
    leaves_elsewhere(operator) || matches!(operator, Operator::Return | Operator::Unreachable)
}
