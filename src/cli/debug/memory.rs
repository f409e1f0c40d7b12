//! Memory and instructions: `x`, `disassemble`.

use super::motion::count;
use super::prompt::{Done, Next, Prompt};
use crate::cli::style::Style;
use crate::dap::client::Group;
use crate::dap::protocol::DisassembleResponse;
use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;

/// The group that has the memories of the frame's instance.
const MEMORIES: &str = "Memories";
/// Bytes in one row.
const ROW: usize = 16;
/// The longest text that `x/s` looks for.
const LONGEST_TEXT: usize = 4096;
/// Instructions shown before the present one.
const BEFORE: usize = 5;
const INSTRUCTIONS: usize = 15;
/// Of a whole function.
const MOST_INSTRUCTIONS: usize = 2000;
/// What stands for an instruction where there is none.
const NONE: &str = "(no instruction)";

/// How memory is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Hexadecimal,
    Signed,
    Unsigned,
    Binary,
    Octal,
    Characters,
    Text,
    /// Of code.
    Instructions,
}

/// `/8xb`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wanted {
    count: usize,
    format: Format,
    /// Bytes of one value.
    unit: usize,
}

impl Wanted {
    fn parse(text: &str) -> anyhow::Result<Self> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (count, letters) = text.split_at(digits);
        let mut wanted = Wanted {
            count: match count {
                "" => 1,
                count => count.parse().context("that is too many")?,
            },
            format: Format::Hexadecimal,
            unit: 4,
        };
        for letter in letters.chars() {
            match letter {
                'x' => wanted.format = Format::Hexadecimal,
                'd' => wanted.format = Format::Signed,
                'u' => wanted.format = Format::Unsigned,
                't' => wanted.format = Format::Binary,
                'c' => (wanted.format, wanted.unit) = (Format::Characters, 1),
                'o' => wanted.format = Format::Octal,
                'a' => wanted.format = Format::Hexadecimal,
                'i' => wanted.format = Format::Instructions,
                's' => (wanted.format, wanted.unit) = (Format::Text, 1),
                'b' => wanted.unit = 1,
                'h' => wanted.unit = 2,
                'w' => wanted.unit = 4,
                'g' => wanted.unit = 8,
                other => {
                    bail!("`{other}` is neither a format (x d u o t c s i) nor a unit (b h w g)")
                }
            }
        }
        Ok(wanted)
    }

    fn shown(self, bytes: &[u8]) -> String {
        let mut value = [0; 8];
        for (to, from) in value.iter_mut().zip(bytes) {
            *to = *from;
        }
        let value = u64::from_le_bytes(value);
        let unused = 64 - self.unit * 8;
        match self.format {
            Format::Hexadecimal => format!("0x{value:0width$x}", width = self.unit * 2),
            Format::Binary => format!("{value:0width$b}", width = self.unit * 8),
            Format::Octal => format!("{value:#o}"),
            Format::Unsigned => value.to_string(),
            Format::Signed => (((value << unused) as i64) >> unused).to_string(),
            Format::Characters | Format::Text | Format::Instructions => {
                format!("{:?}", char::from(value as u8))
            }
        }
    }
}

pub(super) fn examine(prompt: &mut Prompt, arguments: &str) -> Done {
    let (format, address) = match arguments.strip_prefix('/') {
        Some(rest) => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        None => ("", arguments),
    };
    let wanted = Wanted::parse(format)?;
    let address = address.trim();
    if address.is_empty() {
        bail!("which memory? `x/16xb ADDRESS`: a number, or an expression such as a pointer");
    }
    if wanted.format == Format::Instructions {
        return instructions(prompt, address, wanted.count);
    }
    let reference = prompt.memory_at(address)?;
    if wanted.format == Format::Text {
        return texts(prompt, &reference, wanted.count);
    }
    let length = wanted
        .count
        .checked_mul(wanted.unit)
        .context("that is too many")?;
    let (first, bytes) = prompt.read_memory(&reference, 0, length)?;
    for (row, bytes) in bytes.chunks(ROW).enumerate() {
        let values = bytes
            .chunks_exact(wanted.unit)
            .map(|value| wanted.shown(value));
        let values: Vec<String> = values.collect();
        let at = first + (row * ROW) as u64;
        let at = prompt.painted(Style::Dim, &format!("{at:#010x}:"));
        prompt.say(&format!("{at} {}", values.join(" ")))?;
    }
    if bytes.len() < length {
        bail!("the memory ends after {} of {length} bytes", bytes.len());
    }
    Ok(Next::Continue)
}

/// Instructions from a place in the code on: `$pc`, an offset, a function.
fn instructions(prompt: &mut Prompt, place: &str, count: usize) -> Done {
    let here = || "no frame with code is here; `up` may lead to one";
    let frame = prompt.selected()?;
    let pc = frame.and_then(|frame| frame.instruction_pointer_reference);
    let from = match (place, number(place)) {
        ("$pc", _) => pc.with_context(here)?,
        // The module of the frame that is looked at.
        (_, Some(offset)) => {
            let module = pc.as_deref().and_then(number).unwrap_or_default() >> 32 << 32;
            format!("{:#012x}", module | offset)
        }
        (function, None) => prompt.first_instruction_of(function)?,
    };
    prompt.show_instructions_at(&from, count, 0)?;
    Ok(Next::Continue)
}

fn texts(prompt: &mut Prompt, reference: &str, count: usize) -> Done {
    let mut offset = 0;
    for _ in 0..count {
        let (first, bytes) = prompt.read_memory(reference, offset, LONGEST_TEXT)?;
        if bytes.is_empty() {
            bail!("the memory ends here");
        }
        let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        offset += text.len() + 1;
        let at = prompt.painted(Style::Dim, &format!("{first:#010x}:"));
        let text: String = text.escape_ascii().to_string();
        prompt.say(&format!("{at} \"{text}\""))?;
    }
    Ok(Next::Continue)
}

/// `disassemble`, `disassemble COUNT`, `disassemble FUNCTION`, `disassemble 0xADDRESS`.
pub(super) fn disassemble(prompt: &mut Prompt, arguments: &str) -> Done {
    // What gdb shows more of: source, bytes.
    let arguments = match arguments.strip_prefix('/') {
        Some(rest) => rest.trim_start_matches(char::is_alphabetic).trim_start(),
        None => arguments,
    };
    let is_count = arguments.bytes().all(|byte| byte.is_ascii_digit());
    if !is_count {
        return match number(arguments) {
            Some(_) => instructions(prompt, arguments, INSTRUCTIONS),
            None => whole_function(prompt, arguments),
        };
    }
    let wanted = match arguments {
        "" => INSTRUCTIONS,
        text => count(text)?,
    };
    let frame = prompt.looked_at()?;
    if frame.instruction_pointer_reference.is_none() {
        bail!(
            "{} has no instructions: `up` leads to the code that called it",
            frame.name
        );
    }
    prompt.show_instructions(wanted, BEFORE.min(wanted / 2))?;
    Ok(Next::Continue)
}

fn whole_function(prompt: &mut Prompt, function: &str) -> Done {
    let first = prompt.first_instruction_of(function)?;
    if prompt.show_instructions_at(&first, MOST_INSTRUCTIONS, 0)? == MOST_INSTRUCTIONS {
        prompt.say("… more: `x/COUNTi ADDRESS` shows what follows")?;
    }
    Ok(Next::Continue)
}

fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

impl Prompt {
    /// So many instructions around the one that is looked at, if there is one.
    pub(super) fn show_instructions(&mut self, count: usize, before: usize) -> anyhow::Result<()> {
        let frame = self.selected()?;
        match frame.and_then(|frame| frame.instruction_pointer_reference) {
            Some(here) => self.show_instructions_at(&here, count, before).map(drop),
            None => Ok(()),
        }
    }

    /// So many instructions around one; how many were shown.
    fn show_instructions_at(
        &mut self,
        from: &str,
        count: usize,
        before: usize,
    ) -> anyhow::Result<usize> {
        let here = self.selected()?;
        let here = here.and_then(|frame| frame.instruction_pointer_reference);
        let here = here.as_deref().unwrap_or_default();
        let arguments = json!({
            "memoryReference": from, "instructionCount": count,
            "instructionOffset": -i64::try_from(before)?,
        });
        let found: DisassembleResponse = self.client.ask("disassemble", arguments)?;
        let this = found.instructions.iter().find(|i| i.address == from);
        if let Some(symbol) = this.and_then(|i| i.symbol.as_ref())
            && count > 1
        {
            let title = self.painted(Style::Heading, symbol);
            self.say(&title)?;
        }
        let mut shown = 0;
        for instruction in found.instructions.iter().filter(|i| i.instruction != NONE) {
            shown += 1;
            let row = format!("{}  {}", instruction.address, instruction.instruction);
            let row = match instruction.address == here {
                true => self.painted(Style::Mark, &format!("-> {row}")),
                false => format!("   {row}"),
            };
            self.say(&row)?;
        }
        Ok(shown)
    }

    /// Where the code of a function begins: a breakpoint on it is further on.
    fn first_instruction_of(&mut self, function: &str) -> anyhow::Result<String> {
        /// More than any function takes to make its frame.
        const BEGINNING: i64 = 500;
        let function = function.trim_start_matches('&');
        let known = self.instruction_of(function)?;
        let known =
            known.with_context(|| format!("no code of a function named {function} is here"))?;
        let arguments = json!({
            "memoryReference": known, "instructionOffset": -BEGINNING,
            "instructionCount": BEGINNING,
        });
        let found: DisassembleResponse = self.client.ask("disassemble", arguments)?;
        let mut before = found.instructions.into_iter();
        let first = before.find(|instruction| instruction.instruction != NONE);
        Ok(first.map_or(known, |first| first.address))
    }

    /// What the server calls the memory at a number, or where a value is or points to.
    fn memory_at(&mut self, address: &str) -> anyhow::Result<String> {
        if let Some(address) = number(address) {
            let frame = self.looked_at()?;
            let groups = self.client.core_groups(&frame)?;
            let memories = groups.iter().find(|group| group.name == MEMORIES);
            let memories: &dyn Group =
                memories.context("no memory is known here: `up` leads to the guest's code")?;
            let memories = self.client.inside(memories)?;
            let memory = memories.into_iter().find_map(|m| m.memory_reference);
            let start = memory.and_then(|memory| number(&memory));
            let start = start.context("this module has no memory")?;
            return Ok(format!("{:#x}", start + address));
        }
        let value = self.evaluate(address, None)?;
        value
            .memory_reference
            .with_context(|| format!("{address} is not in memory: its value is {}", value.result))
    }

    /// The bytes there, as far as there are any, and the address of the first.
    fn read_memory(
        &mut self,
        reference: &str,
        offset: usize,
        count: usize,
    ) -> anyhow::Result<(u64, Vec<u8>)> {
        #[derive(Deserialize)]
        struct Body {
            address: String,
            data: Option<String>,
        }
        /// The server's addresses have the memory's name above this bit.
        const ADDRESS_BITS: u32 = 40;
        let asked = json!({ "memoryReference": reference, "offset": offset, "count": count });
        let body: Body = self.client.ask("readMemory", asked)?;
        let address = number(&body.address).context("the server named no address")?;
        let bytes = STANDARD.decode(body.data.unwrap_or_default())?;
        Ok((address & ((1 << ADDRESS_BITS) - 1), bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_shown_as_asked() {
        let bytes = [0x40, 0x9c, 0xff, 0xff, 1, 0, 0, 0];
        for (format, shown) in [
            ("", "0xffff9c40"),
            ("8xb", "0x40"),
            ("dh", "-25536"),
            ("uh", "40000"),
            ("2dw", "-25536"),
            ("xg", "0x00000001ffff9c40"),
            ("tb", "01000000"),
            ("c", "'@'"),
        ] {
            let wanted = Wanted::parse(format).unwrap();
            assert_eq!(wanted.shown(&bytes[..wanted.unit]), shown, "{format}");
        }
        assert!(Wanted::parse("3q").is_err());
    }
}
