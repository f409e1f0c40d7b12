//! A component with more custom sections in its core modules.

use super::{Component, ModuleId};
use std::collections::BTreeMap;
use std::ops::Range;

/// A custom section: its name and its bytes.
pub type CustomSection = (String, Vec<u8>);

/// The binary of a component with custom sections added at the end of core modules.
/// Nothing else changes: offsets in the core modules stay what they are.
pub fn with_custom_sections(
    component: &Component,
    added: &BTreeMap<ModuleId, Vec<CustomSection>>,
) -> Vec<u8> {
    let ids = (0..).map(ModuleId);
    let starts = ids
        .map_while(|id| Some((component.module_range(id)?.start, id)))
        .filter(|(_, id)| added.contains_key(id))
        .collect();
    let extend = Extend {
        bytes: component.bytes(),
        added,
        starts,
    };
    let mut out = Vec::with_capacity(component.bytes().len());
    extend.component(0..component.bytes().len(), &mut out);
    out
}

/// A core module with custom sections added at its end.
pub fn module_with_custom_sections(module: &[u8], added: &[CustomSection]) -> Vec<u8> {
    let mut out = module.to_vec();
    for (name, bytes) in added {
        custom_section(name, bytes, &mut out);
    }
    out
}

struct Extend<'a> {
    bytes: &'a [u8],
    added: &'a BTreeMap<ModuleId, Vec<CustomSection>>,
    /// The modules to extend, by where they begin.
    starts: BTreeMap<usize, ModuleId>,
}

/// Numbers of a component's sections.
const CORE_MODULE: u8 = 1;
const COMPONENT: u8 = 4;
const PREAMBLE: usize = 8;

impl Extend<'_> {
    fn slice(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    fn component(&self, range: Range<usize>, out: &mut Vec<u8>) {
        let mut at = range.start.saturating_add(PREAMBLE).min(range.end);
        out.extend_from_slice(self.slice(range.start..at));
        while let Some(section) = self.section(at..range.end) {
            let holds_extended = self.starts.range(section.payload.clone()).next().is_some();
            match section.id {
                CORE_MODULE | COMPONENT if holds_extended => {
                    let mut inner = Vec::with_capacity(section.payload.len());
                    self.inner(&section, &mut inner);
                    out.push(section.id);
                    leb128(inner.len(), out);
                    out.append(&mut inner);
                }
                _ => out.extend_from_slice(self.slice(at..section.payload.end)),
            }
            at = section.payload.end;
        }
        out.extend_from_slice(self.slice(at..range.end));
    }

    fn inner(&self, section: &Section, out: &mut Vec<u8>) {
        let module = self.starts.get(&section.payload.start);
        match (section.id, module.and_then(|id| self.added.get(id))) {
            (CORE_MODULE, Some(added)) => {
                let module = self.slice(section.payload.clone());
                out.append(&mut module_with_custom_sections(module, added));
            }
            _ => self.component(section.payload.clone(), out),
        }
    }

    fn section(&self, within: Range<usize>) -> Option<Section> {
        let bytes = self.bytes.get(within.clone())?;
        let mut reader = wasmparser::BinaryReader::new(bytes, within.start);
        let id = reader.read_u8().ok()?;
        let length = reader.read_var_u32().ok()? as usize;
        let start = reader.original_position();
        let end = start.checked_add(length).filter(|end| *end <= within.end)?;
        Some(Section {
            id,
            payload: start..end,
        })
    }
}

struct Section {
    id: u8,
    payload: Range<usize>,
}

fn custom_section(name: &str, bytes: &[u8], out: &mut Vec<u8>) {
    let mut header = Vec::with_capacity(name.len() + 5);
    leb128(name.len(), &mut header);
    header.extend_from_slice(name.as_bytes());
    out.push(0);
    leb128(header.len() + bytes.len(), out);
    out.append(&mut header);
    out.extend_from_slice(bytes);
}

fn leb128(mut value: usize, out: &mut Vec<u8>) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        out.push(if value == 0 { low } else { low | 0x80 });
        if value == 0 {
            return;
        }
    }
}
