//! The code of a function as text, as the text format writes it: what is shown of code
//! that no debug information describes.

use super::module::ModuleSource;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wasm_encoder::{
    CodeSection, Function as Body, Instruction, Module, NameMap, NameSection, RawSection,
};
use wasmparser::{FunctionBody, Operator, Parser, Payload, TypeRef};

/// The text of one function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The function's name.
    pub name: String,
    /// Line by line, each instruction with its offset in the core module.
    pub text: String,
    /// The instructions: offset in the core module and line, counted from one; sorted.
    lines: Vec<(u32, u32)>,
}

impl Listing {
    /// Disassembles the function at an index of a core module. Names are those of the
    /// name section, imported functions are named as they are imported, and exported ones
    /// as they are exported if they have no other name.
    ///
    /// The text depends on the module's bytes alone.
    pub fn of(source: &ModuleSource, module: &[u8], function: u32) -> Option<Listing> {
        let (own, start) = alone(source, module, function)?;
        let mut printed = String::new();
        let mut config = wasmprinter::Config::new();
        let lines = config
            .indent_text("  ")
            .offsets_and_lines(&own.bytes, &mut printed)
            .ok()?;
        let mut listing = Listing {
            name: source.shown_name(function),
            text: String::new(),
            lines: Vec::new(),
        };
        let (_, first) = source.code().body(function)?;
        let mut number = 0;
        for (offset, line) in lines {
            let Some(offset) = offset.filter(|at| own.body.contains(at)) else {
                continue;
            };
            number += 1;
            let pc = u32::try_from(offset - own.body.start)
                .ok()?
                .checked_add(start)?;
            let line = line.trim_end_matches('\n');
            // The printer indents a function within its module.
            let line = line.strip_prefix("  ").unwrap_or(line);
            if pc >= first {
                listing.text.push_str(&format!("{pc:#08x}  {line}\n"));
                listing.lines.push((pc, number));
            } else {
                listing.text.push_str(&format!("          {line}\n"));
            }
        }
        listing.lines.dedup_by_key(|(pc, _)| *pc);
        Some(listing)
    }

    /// The line of an instruction.
    pub fn line_of(&self, pc: u32) -> Option<u32> {
        let next = self.lines.partition_point(|(known, _)| *known <= pc);
        Some(self.lines.get(next.checked_sub(1)?)?.1)
    }

    /// The first instruction at or after a line, and its line.
    pub fn instruction_on(&self, line: u32) -> Option<(u32, u32)> {
        let at = self.lines.partition_point(|(_, known)| *known < line);
        self.lines.get(at).copied()
    }

    /// The lines that have an instruction.
    pub fn lines(&self) -> impl Iterator<Item = u32> {
        self.lines.iter().map(|(_, line)| *line)
    }

    /// The instructions in order, each with its text.
    pub fn instructions(&self) -> impl Iterator<Item = (u32, &str)> {
        let mut lines = self.text.lines().enumerate();
        self.lines.iter().filter_map(move |(pc, wanted)| {
            let (_, line) = lines.find(|(index, _)| *index as u32 + 1 == *wanted)?;
            Some((*pc, line.split_once("  ")?.1.trim()))
        })
    }

    /// An instruction's text, without its offset.
    pub fn instruction(&self, pc: u32) -> Option<&str> {
        let at = self.lines.binary_search_by_key(&pc, |(pc, _)| *pc).ok()?;
        let (_, line) = self.lines.get(at)?;
        let text = self.text.lines().nth(*line as usize - 1)?;
        Some(text.split_once("  ")?.1.trim())
    }
}

/// A module with the code of one function only: printing it takes no time, and gives the
/// same text.
struct Alone {
    bytes: Vec<u8>,
    /// Where the function's body is in it.
    body: std::ops::Range<usize>,
}

/// Answers with the body's offset in the original, too.
fn alone(source: &ModuleSource, module: &[u8], function: u32) -> Option<(Alone, u32)> {
    let mut out = Module::new();
    let mut code = CodeSection::new();
    let mut index = 0;
    let mut found = None;
    let mut mentioned = BTreeSet::from([function]);
    let mut names: BTreeMap<u32, String> = BTreeMap::new();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload.ok()?;
        match &payload {
            Payload::ImportSection(imports) => {
                for import in imports.clone().into_imports() {
                    let import = import.ok()?;
                    if matches!(import.ty, TypeRef::Func(_) | TypeRef::FuncExact(_)) {
                        names.insert(index, format!("{}#{}", import.module, import.name));
                        index += 1;
                    }
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports.clone() {
                    let export = export.ok()?;
                    if export.kind == wasmparser::ExternalKind::Func {
                        let name = names.entry(export.index);
                        name.or_insert_with(|| export.name.to_owned());
                    }
                }
            }
            Payload::CodeSectionEntry(body) => {
                if index == function {
                    let range = body.range();
                    code.raw(module.get(range.clone())?);
                    found = Some(range.start);
                    mention_functions(body, &mut mentioned);
                } else {
                    let mut nothing = Body::new([]);
                    nothing.instruction(&Instruction::Unreachable);
                    nothing.instruction(&Instruction::End);
                    code.function(&nothing);
                }
                index += 1;
            }
            _ => {}
        }
        match &payload {
            // Data and elements are not part of a function's text.
            Payload::DataSection(_) | Payload::DataCountSection { .. } => {}
            Payload::CodeSectionStart { .. } | Payload::CustomSection(_) => {}
            _ => {
                if let Some((id, range)) = payload.as_section() {
                    let data = module.get(range)?;
                    out.section(&RawSection { id, data });
                }
            }
        }
    }
    let start = found?;
    out.section(&code);
    out.section(&name_section(source, names, &mentioned));
    let bytes = out.finish();
    let body = body_in(&bytes, function)?;
    Some((Alone { bytes, body }, u32::try_from(start).ok()?))
}

/// The functions that a body mentions: large modules have thousands of others.
fn mention_functions(body: &FunctionBody<'_>, mentioned: &mut BTreeSet<u32>) {
    let operators = body.get_operators_reader().into_iter().flatten();
    for operator in operators.map_while(Result::ok) {
        if let Operator::Call { function_index }
        | Operator::ReturnCall { function_index }
        | Operator::RefFunc { function_index } = operator
        {
            mentioned.insert(function_index);
        }
    }
}

fn name_section(
    source: &ModuleSource,
    names: BTreeMap<u32, String>,
    mentioned: &BTreeSet<u32>,
) -> NameSection {
    let mut map = NameMap::new();
    for &index in mentioned {
        let name = match names.get(&index) {
            // An import's name says what is called, a name section's only what it was named.
            Some(name) if index < source.code().imported() => Some(name.clone()),
            other => source.function_name(index).or(other.cloned()),
        };
        if let Some(name) = name {
            map.append(index, &name);
        }
    }
    let mut section = NameSection::new();
    section.functions(&map);
    section
}

fn body_in(module: &[u8], function: u32) -> Option<std::ops::Range<usize>> {
    let sections = super::sections::Sections::read(&Arc::from(module)).ok()?;
    let (range, _) = sections.code.body(function)?;
    Some(range.start as usize..range.end as usize)
}
