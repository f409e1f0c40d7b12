//! DWARF location expressions, computed against a stopped frame: where its variables are.

use super::place::{FrameState, MOST_BYTES, Place, Unavailable, little_endian, read_memory};
use crate::component::types::CoreValue;
use crate::source::{Location, ModuleSource, Reader, Scopes, SourceError, is_tombstone};
use gimli::{EvaluationResult, Expression, Piece, Reader as _, Value};
use std::ops::Range;

/// Computes places of one frame's variables.
pub(in crate::inspect) struct Locator<'a> {
    source: &'a ModuleSource,
    state: &'a dyn FrameState,
    frame_base: Option<Expression<Reader>>,
    function_unit: u32,
    pub(in crate::inspect) pc: Option<u32>,
}

impl<'a> Locator<'a> {
    pub(in crate::inspect) fn new(
        source: &'a ModuleSource,
        state: &'a dyn FrameState,
        scopes: &Scopes,
    ) -> Self {
        Locator {
            source,
            state,
            frame_base: scopes.frame_base.clone(),
            function_unit: scopes.unit,
            pc: scopes.pc,
        }
    }

    /// Where a variable of `size` bytes is.
    pub(in crate::inspect) fn locate(
        &self,
        location: &Location,
        unit: u32,
        size: u64,
    ) -> Result<Place, Unavailable> {
        match location {
            Location::Nowhere => Err(Unavailable::OptimisedOut),
            Location::Constant(value) => {
                // Wider types take the sign along.
                let fill = if value.cast_signed() < 0 { 0xff } else { 0 };
                let mut bytes = value.to_le_bytes().to_vec();
                bytes.resize(16, fill);
                Ok(Place::copied(bytes))
            }
            Location::Bytes(bytes) => Ok(Place::copied(bytes.clone())),
            Location::At(expression) => self.assemble_at(expression, unit, None, size),
            Location::Since(stretch, expression) => {
                self.assemble_at(expression, unit, Some(stretch), size)
            }
        }
    }

    fn assemble_at(
        &self,
        expression: &Expression<Reader>,
        unit: u32,
        since: Option<&Range<u32>>,
        size: u64,
    ) -> Result<Place, Unavailable> {
        let pieces = match self.evaluate(expression.clone(), unit, true, since) {
            Err(Unavailable::OptimisedOut) => self.known_pieces(expression, unit, since)?,
            found => found?,
        };
        self.assemble(&pieces, size)
    }

    /// The pieces of a value of which some are lost: each is computed by itself.
    fn known_pieces(
        &self,
        expression: &Expression<Reader>,
        unit: u32,
        since: Option<&Range<u32>>,
    ) -> Result<Vec<Piece<Reader>>, Unavailable> {
        // More than compilers keep apart.
        const MOST_PIECES: usize = 64;
        let encoding = self.encoding(unit)?;
        let mut operations = expression.clone().operations(encoding);
        let mut pieces = Vec::new();
        let mut begin = 0;
        while let Some(operation) = operations.next()? {
            let gimli::Operation::Piece {
                size_in_bits,
                bit_offset,
            } = operation
            else {
                continue;
            };
            if pieces.len() == MOST_PIECES {
                return Err(Unavailable::OptimisedOut);
            }
            let end = operations.offset_from(expression);
            let mut part = expression.0.clone();
            part.skip(begin)?;
            part.truncate(end - begin)?;
            begin = end;
            match self.evaluate(Expression(part), unit, true, since) {
                Ok(found) => pieces.extend(found),
                Err(Unavailable::OptimisedOut) => pieces.push(Piece {
                    size_in_bits: Some(size_in_bits),
                    bit_offset,
                    location: gimli::Location::Empty,
                }),
                Err(other) => return Err(other),
            }
        }
        match pieces.is_empty() {
            true => Err(Unavailable::OptimisedOut),
            false => Ok(pieces),
        }
    }

    /// An operand of the frame, if no instruction has taken it away since the variable was
    /// put there.
    fn operand(&self, index: u32, since: Option<&Range<u32>>) -> Result<Value, Unavailable> {
        let is_kept = since.is_none_or(|stretch| self.source.keeps_operand(index, stretch));
        match self.state.operand(index).filter(|_| is_kept) {
            Some(value) => core(Some(value), "operand", index),
            None => Err(Unavailable::OptimisedOut),
        }
    }

    fn encoding(&self, unit: u32) -> Result<gimli::Encoding, SourceError> {
        let encoding = self.source.encoding(unit);
        encoding.ok_or(SourceError::DanglingReference)
    }

    fn evaluate(
        &self,
        expression: Expression<Reader>,
        unit: u32,
        in_frame: bool,
        since: Option<&Range<u32>>,
    ) -> Result<Vec<Piece<Reader>>, Unavailable> {
        // Far more operations than compilers write for one variable.
        const LONGEST: u32 = 10_000;
        let encoding = self.encoding(unit)?;
        let mut evaluation = expression.evaluation(encoding);
        evaluation.set_max_iterations(LONGEST);
        let mut step = evaluation.evaluate()?;
        loop {
            step = match step {
                EvaluationResult::Complete => return Ok(evaluation.result()),
                EvaluationResult::RequiresWasmLocal { index } => {
                    let value = core(self.state.local(index), "local", index)?;
                    evaluation.resume_with_wasm_value(value)?
                }
                // The linker left out the base of the thread's variables: there is one
                // thread, and their addresses are whole.
                EvaluationResult::RequiresWasmGlobal { index: u32::MAX } => {
                    evaluation.resume_with_wasm_value(Value::Generic(0))?
                }
                EvaluationResult::RequiresWasmGlobal { index } => {
                    let value = core(self.state.global(index), "global", index)?;
                    evaluation.resume_with_wasm_value(value)?
                }
                EvaluationResult::RequiresWasmStack { index } => {
                    evaluation.resume_with_wasm_value(self.operand(index, since)?)?
                }
                EvaluationResult::RequiresFrameBase if in_frame => {
                    evaluation.resume_with_frame_base(self.frame_base()?)?
                }
                EvaluationResult::RequiresMemory { address, size, .. } => {
                    let bytes = read_memory(self.state, address, usize::from(size))?;
                    evaluation.resume_with_memory(Value::Generic(little_endian(&bytes)))?
                }
                EvaluationResult::RequiresRelocatedAddress(address) => {
                    evaluation.resume_with_relocated_address(address)?
                }
                EvaluationResult::RequiresIndexedAddress { index, .. } => {
                    let address = self.source.indexed_address(unit, index)?;
                    evaluation.resume_with_indexed_address(address)?
                }
                EvaluationResult::RequiresBaseType(_) => {
                    evaluation.resume_with_base_type(gimli::ValueType::Generic)?
                }
                EvaluationResult::RequiresTls(offset) => {
                    let address = self.thread_local(offset)?;
                    evaluation.resume_with_tls(address)?
                }
                // The value at the function's entry is not kept anywhere.
                EvaluationResult::RequiresEntryValue(_) => return Err(Unavailable::OptimisedOut),
                _ => return Err(Unavailable::Foreign),
            };
        }
    }

    /// Where a variable of the thread is: the linker keeps the start of the thread's
    /// variables in a global.
    fn thread_local(&self, offset: u64) -> Result<u64, Unavailable> {
        // Without threads the linker leaves the global out, and addresses are whole.
        let Some(index) = self.source.tls_base() else {
            return Ok(offset);
        };
        let base = match self.state.global(index) {
            Some(CoreValue::I32(base)) => u64::from(base.cast_unsigned()),
            Some(CoreValue::I64(base)) => base.cast_unsigned(),
            _ => return Err(Unavailable::Core("global", index)),
        };
        Ok(base.wrapping_add(offset))
    }

    fn frame_base(&self) -> Result<u64, Unavailable> {
        let expression = self.frame_base.clone().ok_or(Unavailable::OptimisedOut)?;
        let pieces = self.evaluate(expression, self.function_unit, false, None)?;
        match pieces.first().map(|piece| &piece.location) {
            Some(gimli::Location::Address { address }) => Ok(*address),
            Some(gimli::Location::Value { value }) => Ok(value.to_u64(u64::from(u32::MAX))?),
            _ => Err(Unavailable::OptimisedOut),
        }
    }

    /// One place out of the pieces of a value.
    fn assemble(&self, pieces: &[Piece<Reader>], size: u64) -> Result<Place, Unavailable> {
        if let [piece] = pieces
            && piece.size_in_bits.is_none()
            && let gimli::Location::Address { address } = piece.location
        {
            return match is_tombstone(address) {
                true => Err(Unavailable::LeftOut),
                false => Ok(Place::Memory(address)),
            };
        }
        let mut bytes: Vec<Option<u8>> = Vec::new();
        for piece in pieces {
            let length = match piece.size_in_bits {
                Some(bits) => bits.div_ceil(8),
                None => size.max(8),
            };
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            if bytes.len().saturating_add(length) > MOST_BYTES {
                return Err(Unavailable::TooLarge(size));
            }
            bytes.extend(self.piece(piece, length));
        }
        if bytes.iter().all(Option::is_none) && size > 0 {
            return Err(Unavailable::OptimisedOut);
        }
        Ok(Place::Copied {
            bytes: bytes.into(),
            start: 0,
        })
    }

    fn piece(&self, piece: &Piece<Reader>, length: usize) -> Vec<Option<u8>> {
        // The bytes to skip in a local that holds more than the piece.
        let skip = piece.bit_offset.unwrap_or(0) / 8;
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let known = match &piece.location {
            gimli::Location::Address { address } => {
                let start = address.wrapping_add(skip as u64);
                return match read_memory(self.state, start, length) {
                    Ok(bytes) => bytes.into_iter().map(Some).collect(),
                    Err(_) => vec![None; length],
                };
            }
            gimli::Location::Value { value } => value_bytes(*value),
            gimli::Location::Bytes { value } => value.bytes().to_vec(),
            _ => Vec::new(),
        };
        let known = known.into_iter().skip(skip).map(Some);
        known.chain(std::iter::repeat(None)).take(length).collect()
    }
}

/// Integers go in untyped, as compilers write arithmetic on them without types.
fn core(value: Option<CoreValue>, what: &'static str, index: u32) -> Result<Value, Unavailable> {
    match value {
        Some(CoreValue::I32(value)) => Ok(Value::Generic(u64::from(value.cast_unsigned()))),
        Some(CoreValue::I64(value)) => Ok(Value::Generic(value.cast_unsigned())),
        Some(CoreValue::F32(bits)) => Ok(Value::F32(f32::from_bits(bits))),
        Some(CoreValue::F64(bits)) => Ok(Value::F64(f64::from_bits(bits))),
        Some(CoreValue::V128(_) | CoreValue::Ref(_)) | None => Err(Unavailable::Core(what, index)),
    }
}

fn value_bytes(value: Value) -> Vec<u8> {
    match value {
        Value::Generic(value) | Value::U64(value) => value.to_le_bytes().to_vec(),
        Value::I64(value) => value.to_le_bytes().to_vec(),
        Value::F32(value) => value.to_bits().to_le_bytes().to_vec(),
        Value::F64(value) => value.to_bits().to_le_bytes().to_vec(),
        Value::I8(value) => i64::from(value).to_le_bytes().to_vec(),
        Value::U8(value) => u64::from(value).to_le_bytes().to_vec(),
        Value::I16(value) => i64::from(value).to_le_bytes().to_vec(),
        Value::U16(value) => u64::from(value).to_le_bytes().to_vec(),
        Value::I32(value) => i64::from(value).to_le_bytes().to_vec(),
        Value::U32(value) => u64::from(value).to_le_bytes().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gimli::{EndianArcSlice, LittleEndian};

    /// A frame with one local, and nothing on its operand stack.
    struct Frame;

    impl FrameState for Frame {
        fn local(&self, index: u32) -> Option<CoreValue> {
            (index == 0).then_some(CoreValue::I32(0x0403_0201))
        }

        fn operand(&self, _: u32) -> Option<CoreValue> {
            None
        }

        fn global(&self, _: u32) -> Option<CoreValue> {
            None
        }

        fn memory(&self, _: u64, _: usize) -> Option<Vec<u8>> {
            None
        }
    }

    fn source() -> ModuleSource {
        let packed = include_bytes!("../../../fixtures/golden/values-zig-O2.wasm.zst");
        let module = zstd::decode_all(&packed[..]).unwrap();
        ModuleSource::read(module.into()).unwrap()
    }

    /// `DW_OP_WASM_location`, `DW_OP_stack_value`
    fn value_of(kind: u8, index: u8) -> [u8; 4] {
        [0xed, kind, index, 0x9f]
    }

    /// `DW_OP_piece`
    const PIECE: u8 = 0x93;

    fn place(expression: &[u8], size: u64) -> Result<Place, Unavailable> {
        let source = source();
        let bytes = EndianArcSlice::new(expression.into(), LittleEndian);
        let location = Location::At(Expression(bytes));
        Locator::new(&source, &Frame, &Scopes::default()).locate(&location, 0, size)
    }

    #[test]
    fn of_a_value_in_pieces_only_what_is_lost_is_lost() {
        let local = value_of(0, 0);
        let operand = value_of(2, 5);
        let pieces = [
            &local[..],
            &[PIECE, 4],
            &operand,
            &[PIECE, 4],
            &local,
            &[PIECE, 2],
        ]
        .concat();
        let place = place(&pieces, 10).unwrap();
        let read = |at, length| place.after(at).read(length, &Frame);
        assert_eq!(read(0, 4).unwrap(), [1, 2, 3, 4]);
        assert_eq!(read(4, 4), Err(Unavailable::OptimisedOut));
        assert_eq!(read(8, 2).unwrap(), [1, 2]);
        assert_eq!(read(0, 10), Err(Unavailable::OptimisedOut));
    }

    #[test]
    fn a_value_without_any_piece_left_is_lost() {
        let operand = value_of(2, 5);
        for expression in [
            &operand[..],
            &[&operand[..], &[PIECE, 4]].concat(),
            &[PIECE, 4],
        ] {
            assert_eq!(place(expression, 4).unwrap_err(), Unavailable::OptimisedOut);
        }
    }
}
