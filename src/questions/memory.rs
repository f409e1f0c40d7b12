//! `memory`: how much memory the guest has, when it grew, and which blocks of its heap are in
//! use, by who allocated them.

use super::{Asked, Moment, Question, QuestionError, Words};
use crate::debuggee::{Travels, grouped};
use crate::inspect::profile::{Profile, StackId};
use crate::replay::{Phase, Tick};
use serde::Serialize;
use std::collections::HashMap;
use std::fmt;

/// Places, and growths, that are told unless more are wanted.
const USUAL: usize = 10;
/// Frames that are told of a stack.
const FRAMES: usize = 8;

/// How much memory is there, and what for?
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// How many growths and places that allocate are told.
    pub limit: Option<usize>,
}

/// So much.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MemoryAnswer {
    /// When.
    pub at: Moment,
    /// Bytes of all linear memories of the guest.
    pub bytes: u64,
    /// When they grew, the first times first.
    pub growth: Vec<Growth>,
    /// How often they grew besides.
    pub more_growth: usize,
    /// The blocks of heaps.
    pub heap: HeapAnswer,
}

/// Memory grew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Growth {
    /// Not later than this tick.
    pub tick: u64,
    /// Hostcalls made until then.
    pub event: u64,
    /// By so many bytes.
    pub grown: u64,
    /// To so many.
    pub bytes: u64,
    /// Who had it grow, innermost first: `grow at heap.c:12`.
    pub by: Vec<String>,
}

/// Blocks of heaps that are in use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HeapAnswer {
    /// How many there are.
    pub blocks: u64,
    /// Bytes that were asked for.
    pub bytes: u64,
    /// The most that there were at once until then.
    pub peak_bytes: u64,
    /// When that was first.
    pub peak_tick: u64,
    /// Calls of allocators until then.
    pub calls: u64,
    /// Allocations that failed.
    #[serde(skip_serializing_if = "is_zero")]
    pub failed: u64,
    /// Blocks that were freed, and that nobody is known to have made.
    #[serde(skip_serializing_if = "is_zero")]
    pub strange: u64,
    /// By who allocated them, the most bytes first.
    pub places: Vec<HeapRow>,
    /// How many more places there are.
    pub more: usize,
    /// What is not known, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Blocks that were allocated in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HeapRow {
    /// The program's own frame that they were allocated in: `read at input.c:40`.
    pub by: String,
    /// How many there are.
    pub blocks: u64,
    /// Of so many bytes together.
    pub bytes: u64,
    /// The tick at which the oldest of them was allocated.
    pub oldest: u64,
    /// How many were allocated there until then, those included that have been freed.
    pub made: u64,
    /// The stack that allocated the most of them, innermost first.
    pub stack: Vec<String>,
}

impl Memory {
    /// Reads what follows the word.
    ///
    /// # Errors
    ///
    /// If it is not understood.
    pub fn read(text: &str) -> Result<Memory, QuestionError> {
        Ok(Memory {
            limit: limit_alone(text)?,
        })
    }
}

/// A limit, and nothing else.
pub(super) fn limit_alone(text: &str) -> Result<Option<usize>, QuestionError> {
    let words = Words::read(text, &[])?;
    if words.condition.is_some() || words.after.is_some() || !words.rest.is_empty() {
        return Err(QuestionError::wrong(format!("`{text}` means nothing here")));
    }
    Ok(words.limit)
}

impl Question for Memory {
    type Answer = MemoryAnswer;

    fn answer(&self, asked: &mut Asked<'_>) -> Result<MemoryAnswer, QuestionError> {
        let at = Moment::here(asked);
        let here = Travels::here(asked.debuggee).position;
        let until = (here.phase != Phase::End).then_some(here.tick);
        let profile = asked.debuggee.heap(until, asked.output, asked.interrupt)?;
        let limit = self.limit.unwrap_or(USUAL);
        let (bytes, growth, more_growth) = growths(&profile, until, limit);
        Ok(MemoryAnswer {
            at,
            bytes,
            growth,
            more_growth,
            heap: heap(&profile, limit),
        })
    }
}

fn growths(profile: &Profile, until: Option<Tick>, limit: usize) -> (u64, Vec<Growth>, usize) {
    let contexts = profile.contexts();
    let mut bytes = contexts.first_memory();
    let (mut growths, mut more) = (Vec::new(), 0);
    for (nth, slice) in contexts.slices().iter().enumerate() {
        let begun = nth.checked_sub(1).and_then(|at| contexts.slices().get(at));
        if until.is_some_and(|until| begun.is_some_and(|begun| begun.end >= until)) {
            break;
        }
        let grown = slice.memory.saturating_sub(bytes);
        // While instances are made, not all of their memories are there.
        bytes = bytes.max(slice.memory);
        if grown == 0 {
            continue;
        }
        if growths.len() == limit {
            more += 1;
            continue;
        }
        let by = contexts.samples(nth).iter();
        let by = by
            .filter_map(|sample| profile.growth(sample.counter))
            .next_back();
        growths.push(Growth {
            tick: slice.end.0,
            event: slice.events,
            grown,
            bytes,
            by: by.map(|stack| frames(profile, stack)).unwrap_or_default(),
        });
    }
    (bytes, growths, more)
}

/// Blocks that are in use, by places.
pub(super) fn heap(profile: &Profile, limit: usize) -> HeapAnswer {
    let Some(told) = profile.contexts().heap() else {
        return HeapAnswer::default();
    };
    let mut rows: HashMap<String, (HeapRow, u64)> = HashMap::new();
    let mut own = vec![(0, 0, u64::MAX); told.places.len()];
    for block in &told.blocks {
        if let Some((blocks, bytes, oldest)) = own.get_mut(block.place) {
            *blocks += 1;
            *bytes += block.size;
            *oldest = block.made.0.min(*oldest);
        }
    }
    for (place, (blocks, bytes, oldest)) in own.into_iter().enumerate() {
        let stack = profile.allocating(place);
        let by = stack.and_then(|stack| profile.own_frame(stack));
        let by = by.map(|frame| named(profile, frame));
        let by = by.unwrap_or_else(|| "callers that are not known".to_owned());
        let made = told.places.get(place).map_or(0, |place| place.blocks);
        let stack = stack
            .map(|stack| frames(profile, stack))
            .unwrap_or_default();
        let (row, most) = rows.entry(by.clone()).or_insert_with(|| {
            let row = HeapRow {
                by,
                blocks: 0,
                bytes: 0,
                oldest: u64::MAX,
                made: 0,
                stack: Vec::new(),
            };
            (row, 0)
        });
        row.blocks += blocks;
        row.bytes += bytes;
        row.oldest = row.oldest.min(oldest);
        row.made += made;
        if bytes >= *most {
            *most = bytes;
            row.stack = stack;
        }
    }
    let rows = rows.into_values().map(|(row, _)| row);
    // Who has freed all is only of interest beside who has not, in the same place.
    let mut places: Vec<HeapRow> = rows.filter(|row| row.blocks > 0).collect();
    places.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.by.cmp(&b.by)));
    let all = places.len();
    places.truncate(limit);
    HeapAnswer {
        blocks: told.blocks.len() as u64,
        bytes: told.bytes,
        peak_bytes: told.peak.0,
        peak_tick: told.peak.1.0,
        calls: told.calls,
        failed: told.failed,
        strange: told.strange,
        more: all - places.len(),
        places,
        unknown: unknown(profile),
    }
}

fn unknown(profile: &Profile) -> Option<String> {
    let told = profile.contexts().heap()?;
    if told.modules.is_empty() {
        return Some(
            "no module names functions of an allocator (malloc, free, __rust_alloc, …), so blocks \
             of the heap are not known: build it with names"
                .to_owned(),
        );
    }
    (told.left_out > 0)
        .then(|| format!("{} blocks were too many to follow", grouped(told.left_out)))
}

fn named(profile: &Profile, frame: &crate::inspect::profile::Frame) -> String {
    let function = profile.function(frame.function);
    let name = function.map_or("", |function| &*function.name);
    match &frame.at {
        Some((file, line)) => {
            let file = file.rsplit('/').next().unwrap_or(file);
            format!("{name} at {file}:{line}")
        }
        None => name.to_owned(),
    }
}

/// The innermost frames of a stack.
fn frames(profile: &Profile, stack: StackId) -> Vec<String> {
    let frames = profile.frames_of(stack).take(FRAMES);
    frames.map(|frame| named(profile, frame)).collect()
}

impl fmt::Display for MemoryAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}  the guest's memory has {} bytes",
            self.at,
            grouped(self.bytes)
        )?;
        for growth in &self.growth {
            write!(f, "\n{growth}")?;
        }
        if self.more_growth > 0 {
            write!(f, "\n… grew {} times more …", self.more_growth)?;
        }
        write!(f, "\n{}", self.heap)
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>15} bytes more before tick {} (hostcall {})",
            grouped(self.grown),
            grouped(self.tick),
            self.event
        )?;
        match self.by.first() {
            Some(by) => write!(f, "  {by}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for HeapAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.calls == 0
            && let Some(unknown) = &self.unknown
        {
            return f.write_str(unknown);
        }
        write!(
            f,
            "{} bytes of the heap in {} blocks; at most {} at once, at tick {}; {} calls of allocators",
            grouped(self.bytes),
            grouped(self.blocks),
            grouped(self.peak_bytes),
            grouped(self.peak_tick),
            grouped(self.calls),
        )?;
        if self.failed > 0 {
            write!(f, ", {} of which failed", grouped(self.failed))?;
        }
        for row in &self.places {
            write!(f, "\n{row}")?;
        }
        if self.more > 0 {
            write!(f, "\n… {} places more …", grouped(self.more as u64))?;
        }
        if let Some(unknown) = &self.unknown {
            write!(f, "\n{unknown}")?;
        }
        Ok(())
    }
}

impl fmt::Display for HeapRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>15} bytes in {:>9} of {:>9}  {} (since tick {})",
            grouped(self.bytes),
            grouped(self.blocks),
            grouped(self.made),
            self.by,
            grouped(self.oldest),
        )
    }
}
