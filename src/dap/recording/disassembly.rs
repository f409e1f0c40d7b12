//! Instructions as text.

use super::stack::{plain_name, point, source_ref};
use super::{Recording, address};
use crate::component::ModuleId;
use crate::dap::debuggee::{DebuggeeError, FramePlace, InstructionView};
use crate::timeline::Module;

impl Recording {
    pub(super) fn instructions(
        &mut self,
        at: &str,
        offset: i64,
        skip: i64,
        count: usize,
    ) -> Result<Vec<InstructionView>, DebuggeeError> {
        let place = address::parse_code(at, offset).and_then(|(id, pc)| {
            let module = self.timeline.module(id)?;
            Some((id, module, pc, module.code.instructions_around(pc)?))
        });
        let Some((id, module, pc, instructions)) = place else {
            return Ok((0..count).map(|_| nothing(at)).collect());
        };
        let here = instructions.partition_point(|i| *i < pc) as i64;
        let first = here + skip;
        let mut views = Vec::with_capacity(count);
        for i in first..first.saturating_add(count as i64) {
            let pc = usize::try_from(i).ok().and_then(|i| instructions.get(i));
            views.push(match pc {
                Some(pc) => self.instruction(id, module, *pc),
                None => nothing(at),
            });
        }
        Ok(views)
    }

    fn instruction(&self, id: ModuleId, module: &Module, pc: u32) -> InstructionView {
        let bytes = self.timeline.trace().component().module(id);
        let (text, length) = bytes
            .and_then(|bytes| bytes.get(pc as usize..))
            .map_or_else(|| ("?".into(), 0), |bytes| decode(bytes, pc));
        let bytes = bytes
            .and_then(|b| b.get(pc as usize..pc as usize + length))
            .unwrap_or_default();
        let hex: Vec<String> = bytes.iter().map(|b| format!("{b:02x}")).collect();
        let symbol = match module.source.function_at(pc) {
            Some(function) => Some(function.name.clone()),
            None => module
                .code
                .function_at(pc)
                .map(|function| plain_name(module, function)),
        };
        let line = module.source.line_at(pc).filter(|l| l.line != 0);
        InstructionView {
            address: address::code(id, pc),
            bytes: Some(hex.join(" ")),
            text,
            symbol,
            place: line.map(|line| FramePlace {
                source: source_ref(module.source.file(line.file)),
                point: point(line),
            }),
        }
    }
}

/// Where a client asks for instructions beyond the function.
fn nothing(at: &str) -> InstructionView {
    InstructionView {
        address: at.to_owned(),
        bytes: None,
        text: "(no instruction)".into(),
        symbol: None,
        place: None,
    }
}

/// One instruction in the manner of the text format, and its length.
fn decode(bytes: &[u8], pc: u32) -> (String, usize) {
    let mut reader = wasmparser::BinaryReader::new(bytes, pc as usize);
    let mut operators = wasmparser::OperatorsReader::new(reader.clone());
    let Ok(operator) = operators.read() else {
        return ("?".into(), 1);
    };
    let length = operators.original_position() - pc as usize;
    _ = reader.read_u8();
    (instruction_text(&format!("{operator:?}")), length)
}

/// `LocalGet { local_index: 3 }` as `local.get 3`.
fn instruction_text(debug: &str) -> String {
    let (name, fields) = debug.split_once(' ').unwrap_or((debug, ""));
    let mut words: Vec<String> = Vec::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() || words.is_empty() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(c.to_ascii_lowercase());
        }
    }
    const NAMESPACES: [&str; 12] = [
        "i32", "i64", "f32", "f64", "v128", "local", "global", "memory", "table", "ref", "data",
        "elem",
    ];
    let text = match words.split_first() {
        Some((first, rest)) if NAMESPACES.contains(&first.as_str()) && !rest.is_empty() => {
            format!("{first}.{}", rest.join("_"))
        }
        _ => words.join("_"),
    };
    let values: Vec<&str> = fields
        .trim_matches(['{', '}', ' '])
        .split(", ")
        .filter_map(|field| field.rsplit(": ").next())
        .filter(|value| !value.is_empty())
        .collect();
    format!("{text} {}", values.join(" ")).trim_end().to_owned()
}
