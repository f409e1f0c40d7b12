//! Modules whose memory has a maximum: the WASI 0.1 adapter grows it by pages for itself,
//! and where it cannot, it traps. So the maximum is raised by as many, in place: as much
//! is left to the module as it had, and no offset in it changes.

use wasmparser::{BinaryReader, BinaryReaderError, Parser, Payload};

/// What the adapter takes: a page for its state, and one for its stack.
const PAGES: u64 = 2;
/// All that 32 bits address.
const MOST_PAGES: u64 = 1 << 16;
/// Any of these in a module is what the adapter asks instead.
const ALLOCATORS: [&str; 2] = ["cabi_realloc", "cabi_realloc_adapter"];

/// The module with a greater maximum; `None` where it has none, where the adapter does not
/// grow the memory, and where the greater one would take more bytes.
///
/// # Errors
///
/// If the module is damaged.
pub(super) fn raised(module: &[u8]) -> Result<Option<Vec<u8>>, BinaryReaderError> {
    let mut maximum = None;
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::MemorySection(memories) => {
                for memory in memories.into_iter_with_offsets() {
                    let (at, memory) = memory?;
                    if memory.memory64 || memory.shared || memory.page_size_log2.is_some() {
                        return Ok(None);
                    }
                    if let (Some(pages), None) = (memory.maximum, maximum) {
                        maximum = Some((at, pages));
                    }
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    if ALLOCATORS.contains(&export?.name) {
                        return Ok(None);
                    }
                }
            }
            _ => {}
        }
    }
    let Some((at, pages)) = maximum else {
        return Ok(None);
    };
    // Flags, the initial size, and the maximum.
    let mut reader = BinaryReader::new(module.get(at..).unwrap_or_default(), at);
    reader.read_var_u32()?;
    reader.read_var_u64()?;
    let begin = reader.original_position();
    reader.read_var_u64()?;
    let end = reader.original_position();
    let mut raised = module.to_vec();
    let Some(place) = raised.get_mut(begin..end) else {
        return Ok(None);
    };
    let fits = write_number((pages + PAGES).min(MOST_PAGES), place);
    Ok(fits.then_some(raised))
}

/// Writes a number in LEB128, in all of these bytes; whether it fits.
fn write_number(mut number: u64, into: &mut [u8]) -> bool {
    let last = into.len().saturating_sub(1);
    for (i, byte) in into.iter_mut().enumerate() {
        let more = if i < last { 0x80 } else { 0 };
        *byte = (number & 0x7f) as u8 | more;
        number >>= 7;
    }
    number == 0
}
