//! `readMemory` and `disassemble`.

use super::{Handled, Reply, Session};
use crate::dap::protocol::{
    DisassembleArguments, DisassembleResponse, DisassembledInstruction, ReadMemoryArguments,
    ReadMemoryResponse, Refusal,
};
use crate::debuggee::InstructionView;

/// Four wasm pages' worth in one message is more than any view asks for.
const MOST_BYTES: usize = 4 << 20;
const MOST_INSTRUCTIONS: usize = 20_000;

pub(super) fn read(
    session: &mut Session,
    arguments: ReadMemoryArguments,
) -> Handled<ReadMemoryResponse> {
    let count = bounded(arguments.count, MOST_BYTES, "bytes")?;
    let offset = arguments.offset.unwrap_or(0);
    let debuggee = session.debuggee()?;
    let found = debuggee.read_memory(&arguments.memory_reference, offset, count)?;
    let response = ReadMemoryResponse {
        address: found.address,
        unreadable_bytes: i64::try_from(found.unreadable)
            .ok()
            .filter(|left| *left > 0),
        data: (!found.bytes.is_empty()).then(|| base64(&found.bytes)),
    };
    Reply::now(response)
}

pub(super) fn disassemble(
    session: &mut Session,
    arguments: DisassembleArguments,
) -> Handled<DisassembleResponse> {
    let count = bounded(
        arguments.instruction_count,
        MOST_INSTRUCTIONS,
        "instructions",
    )?;
    let found = session.debuggee()?.disassemble(
        &arguments.memory_reference,
        arguments.offset.unwrap_or(0),
        arguments.instruction_offset.unwrap_or(0),
        count,
    )?;
    let instructions = found
        .into_iter()
        .map(|instruction| session.instruction_out(instruction))
        .collect();
    Reply::now(DisassembleResponse { instructions })
}

fn bounded(count: i64, most: usize, what: &str) -> Result<usize, Refusal> {
    usize::try_from(count)
        .ok()
        .filter(|count| *count <= most)
        .ok_or_else(|| Refusal::because(format!("ask for 0 to {most} {what}, not {count}")))
}

impl Session {
    fn instruction_out(&mut self, view: InstructionView) -> DisassembledInstruction {
        let place = view.place.as_ref();
        DisassembledInstruction {
            location: place.map(|place| self.source_out(&place.source)),
            line: place.map(|place| self.line_out(place.point.line)),
            column: place
                .and_then(|place| place.point.column)
                .map(|column| self.column_out(column)),
            address: view.address,
            instruction_bytes: view.bytes,
            instruction: view.text,
            symbol: view.symbol,
            ..DisassembledInstruction::default()
        }
    }
}

/// The protocol carries memory in base64 (RFC 4648, with padding).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |bits: u32| char::from(DIGITS.get(bits as usize & 63).copied().unwrap_or(b'='));
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let at = |nth: usize| u32::from(three.get(nth).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for nth in 0..4 {
            text.push(match nth <= three.len() {
                true => digit(bits >> (18 - 6 * nth)),
                false => '=',
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_is_as_in_its_standard() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xfe]), "+//+");
    }
}
