//! Calls of an allocator, noted with who made them ([`Probe::Heap`](crate::instrument::probe::Probe::Heap)).
//!
//! What allocators call of themselves is not noted: a cell says that one runs. Notes gather in
//! a buffer in the tree's memory, and the host takes them when that is full.

use super::{FIRST_NODE, Tree};
use wasm_encoder::{BlockType, Instruction, MemArg};
use wasmparser::{FuncType, ValType};

/// The imported function `() -> ()` that is called when the buffer is full.
pub const IMPORT_NOTED: &str = "noted";
/// The cell that is not zero while an allocator runs.
pub const ALLOCATING: u32 = 16;
/// The cell that holds the address behind the last note.
pub const NOTED: u32 = 20;
/// Where notes begin.
pub const FIRST_NOTE: u32 = 64;
/// Bytes of a note.
pub const NOTE: u32 = 32;
/// Where the last note ends that there is room for.
const NOTES_END: u32 = FIRST_NODE - NOTE;

/// The locals that such a function has more.
pub(in crate::instrument) const HEAP_LOCALS: u32 = 5;

/// What a function of an allocator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allocates {
    /// Makes a block.
    New,
    /// Moves one, or makes one.
    Again,
    /// Frees one.
    Free,
}

/// A function of an allocator: which of its parameters mean what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allocator {
    /// What it does.
    pub does: Allocates,
    /// The block that it is given.
    block: Option<u32>,
    size: Option<u32>,
    /// How many times that size.
    count: Option<u32>,
}

/// What is noted of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note {
    /// What the function does.
    pub does: Allocates,
    /// Its node.
    pub node: u32,
    /// What the countdown was when it was left.
    pub remaining: i64,
    /// The block that it was given, or zero.
    pub block: u32,
    /// The size that was asked for.
    pub size: u64,
    /// The block that it made, or zero.
    pub result: u32,
}

impl Note {
    /// Reads what guest code has written.
    pub fn read(bytes: &[u8; NOTE as usize]) -> Option<Note> {
        let word = |at: usize| {
            let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk);
            bytes.map(|bytes| u32::from_le_bytes(*bytes))
        };
        let remaining = bytes.get(8..).and_then(<[u8]>::first_chunk);
        Some(Note {
            does: match word(0)? {
                0 => Allocates::New,
                1 => Allocates::Again,
                _ => Allocates::Free,
            },
            node: word(4)?,
            remaining: i64::from_le_bytes(*remaining?),
            block: word(16)?,
            size: u64::from(word(20)?) * u64::from(word(24)?),
            result: word(28)?,
        })
    }
}

impl Allocator {
    /// The function of an allocator that has this name and type: of C's, as dlmalloc and
    /// others have it, or of Rust's.
    pub fn named(name: &str, ty: &FuncType) -> Option<Allocator> {
        let rust = name.find("__rust_").and_then(|at| name.get(at..));
        let (does, block, size, count, params) = match rust.unwrap_or(name) {
            "malloc" | "dlmalloc" => (Allocates::New, None, Some(0), None, 1),
            "calloc" | "dlcalloc" => (Allocates::New, None, Some(1), Some(0), 2),
            "aligned_alloc" | "memalign" | "dlmemalign" => (Allocates::New, None, Some(1), None, 2),
            "realloc" | "dlrealloc" => (Allocates::Again, Some(0), Some(1), None, 2),
            "free" | "dlfree" => (Allocates::Free, Some(0), None, None, 1),
            "__rust_alloc" | "__rust_alloc_zeroed" => (Allocates::New, None, Some(0), None, 2),
            "__rust_realloc" => (Allocates::Again, Some(0), Some(3), None, 4),
            "__rust_dealloc" => (Allocates::Free, Some(0), None, None, 3),
            _ => return None,
        };
        let results = usize::from(does != Allocates::Free);
        let all = ty.params().iter().chain(ty.results());
        let fits = ty.params().len() == params
            && ty.results().len() == results
            && all.into_iter().all(|ty| *ty == ValType::I32);
        fits.then_some(Allocator {
            does,
            block,
            size,
            count,
        })
    }
}

/// A function of an allocator that is being rewritten.
#[derive(Debug, Clone, Copy)]
pub(in crate::instrument) struct Noting {
    pub(in crate::instrument) allocator: Allocator,
    pub(in crate::instrument) tree: Tree,
    /// The index of the function [`IMPORT_NOTED`].
    pub(in crate::instrument) noted: u32,
    /// The first of its locals.
    pub(in crate::instrument) locals: u32,
}

impl Noting {
    fn outermost(self) -> u32 {
        self.locals
    }

    fn at(self, offset: u32, align: u32) -> MemArg {
        self.tree.at(offset, align)
    }

    /// At the function's entry: keeps what it is called with, which it may write over.
    pub(in crate::instrument) fn enter(self) -> Vec<Instruction<'static>> {
        let mut all = vec![
            Instruction::I32Const(0),
            Instruction::I32Load(self.at(ALLOCATING, 2)),
            Instruction::I32Eqz,
            Instruction::LocalTee(self.outermost()),
            Instruction::If(BlockType::Empty),
            Instruction::I32Const(0),
            Instruction::I32Const(1),
            Instruction::I32Store(self.at(ALLOCATING, 2)),
        ];
        let Allocator {
            block, size, count, ..
        } = self.allocator;
        for (nth, (param, without)) in [(block, 0), (size, 0), (count, 1)].into_iter().enumerate() {
            all.extend([
                match param {
                    Some(param) => Instruction::LocalGet(param),
                    None => Instruction::I32Const(without),
                },
                Instruction::LocalSet(self.locals + 1 + nth as u32),
            ]);
        }
        all.push(Instruction::End);
        all
    }

    /// Where the function is left, with its result on the operand stack; `remaining` gives the
    /// countdown.
    pub(in crate::instrument) fn leave(
        self,
        remaining: Instruction<'static>,
    ) -> Vec<Instruction<'static>> {
        let result = self.locals + 4;
        let mut all = Vec::new();
        let has_result = self.allocator.does != Allocates::Free;
        if has_result {
            all.push(Instruction::LocalSet(result));
        }
        all.extend([
            Instruction::LocalGet(self.outermost()),
            Instruction::If(BlockType::Empty),
        ]);
        let does = match self.allocator.does {
            Allocates::New => 0,
            Allocates::Again => 1,
            Allocates::Free => 2,
        };
        let local = |nth: u32| Instruction::LocalGet(self.locals + nth);
        let words = [
            (0, Instruction::I32Const(does)),
            (4, Instruction::LocalGet(self.tree.node)),
            (16, local(1)),
            (20, local(2)),
            (24, local(3)),
            (28, local(4)),
        ];
        let cursor = || {
            [
                Instruction::I32Const(0),
                Instruction::I32Load(self.at(NOTED, 2)),
            ]
        };
        for (at, word) in words {
            all.extend(cursor());
            all.extend([word, Instruction::I32Store(self.at(at, 2))]);
        }
        all.extend(cursor());
        all.extend([remaining, Instruction::I64Store(self.at(8, 3))]);
        all.push(Instruction::I32Const(0));
        all.extend(cursor());
        all.extend([
            Instruction::I32Const(NOTE.cast_signed()),
            Instruction::I32Add,
            Instruction::I32Store(self.at(NOTED, 2)),
            Instruction::I32Const(0),
            Instruction::I32Const(0),
            Instruction::I32Store(self.at(ALLOCATING, 2)),
        ]);
        all.extend(cursor());
        all.extend([
            Instruction::I32Const(NOTES_END.cast_signed()),
            Instruction::I32GtU,
            Instruction::If(BlockType::Empty),
            Instruction::Call(self.noted),
            Instruction::End,
            Instruction::End,
        ]);
        if has_result {
            all.push(Instruction::LocalGet(result));
        }
        all
    }

    /// Where another function takes its place: what that returns is not noted.
    pub(in crate::instrument) fn pass_on(self) -> Vec<Instruction<'static>> {
        vec![
            Instruction::LocalGet(self.outermost()),
            Instruction::If(BlockType::Empty),
            Instruction::I32Const(0),
            Instruction::I32Const(0),
            Instruction::I32Store(self.at(ALLOCATING, 2)),
            Instruction::End,
        ]
    }
}
