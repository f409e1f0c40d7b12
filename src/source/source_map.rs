//! Source maps: what compilers to WebAssembly write that are made for the web. A line of
//! the generated code is the module, a column is a byte offset in it.

use super::error::SourceError;
use super::paths;
use serde::Deserialize;

/// A source map, decoded.
#[derive(Debug, Default)]
pub(super) struct SourceMap {
    pub(super) sources: Vec<MappedSource>,
    /// By offset.
    pub(super) mappings: Vec<Mapping>,
}

#[derive(Debug)]
pub(super) struct MappedSource {
    pub(super) path: String,
    /// The text, if the map has it.
    pub(super) content: Option<String>,
}

/// From an offset on, the code belongs to a line of a source, or to none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mapping {
    pub(super) pc: u32,
    pub(super) original: Option<Original>,
}

/// Source by number; line and column from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Original {
    pub(super) source: u32,
    pub(super) line: u32,
    pub(super) column: u32,
}

/// A map as it is written (ECMA-426): with mappings of its own, or made of sections
/// ("index source map").
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Json {
    version: u32,
    #[serde(default)]
    source_root: Option<String>,
    #[serde(default)]
    sources: Vec<Option<String>>,
    #[serde(default)]
    sources_content: Option<Vec<Option<String>>>,
    #[serde(default)]
    mappings: Option<String>,
    #[serde(default)]
    sections: Option<Vec<Section>>,
}

/// The map of what comes from an offset on, up to where the next section begins.
#[derive(Deserialize)]
struct Section {
    offset: SectionOffset,
    map: Json,
}

#[derive(Deserialize)]
struct SectionOffset {
    column: u32,
}

impl SourceMap {
    /// Reads a map of at most so many mappings.
    ///
    /// # Errors
    ///
    /// If the text is not a source map of version 3, or its mappings are damaged.
    pub(super) fn parse(text: &[u8], most: usize) -> Result<SourceMap, SourceError> {
        let refused = |why: String| SourceError::SourceMap(why);
        let json: Json = serde_json::from_slice(without_guard(text))
            .map_err(|error| refused(error.to_string()))?;
        match json.sections {
            Some(sections) => of_sections(sections, most),
            None => of_mappings(json, most),
        }
        .map_err(refused)
    }
}

/// The maps of sections, one after the other.
fn of_sections(sections: Vec<Section>, most: usize) -> Result<SourceMap, String> {
    let starts: Vec<u32> = sections.iter().map(|s| s.offset.column).collect();
    if !starts.is_sorted() {
        return Err("its sections are not in order".to_owned());
    }
    let ends = starts.iter().skip(1).copied().chain([u32::MAX]);
    let mut whole = SourceMap::default();
    for (section, end) in sections.into_iter().zip(ends) {
        if section.map.sections.is_some() {
            return Err("a section of it has sections".to_owned());
        }
        let start = section.offset.column;
        let map = of_mappings(section.map, most.saturating_sub(whole.mappings.len()))?;
        let before = u32::try_from(whole.sources.len()).unwrap_or(u32::MAX);
        let moved = map.mappings.into_iter().filter_map(|mapping| {
            let pc = mapping.pc.checked_add(start).filter(|pc| *pc < end)?;
            let original = mapping.original.map(|original| Original {
                source: original.source.saturating_add(before),
                ..original
            });
            Some(Mapping { pc, original })
        });
        whole.mappings.extend(moved);
        whole.sources.extend(map.sources);
    }
    Ok(whole)
}

fn of_mappings(json: Json, most: usize) -> Result<SourceMap, String> {
    if json.version != 3 {
        return Err(format!("its version is {}, not 3", json.version));
    }
    let mappings = json.mappings.ok_or("it has no mappings")?;
    let root = json.source_root.unwrap_or_default();
    const MOST_OF_PATHS: usize = 64 << 20;
    if root.len().saturating_mul(json.sources.len()) > MOST_OF_PATHS {
        return Err("the paths of its sources are too long".to_owned());
    }
    let mut contents = json.sources_content.unwrap_or_default().into_iter();
    let sources: Vec<MappedSource> = json
        .sources
        .into_iter()
        .map(|source| MappedSource {
            path: path(&root, &source.unwrap_or_default()),
            content: contents.next().flatten(),
        })
        .collect();
    let mappings = decode(mappings.as_bytes(), sources.len(), most)?;
    Ok(SourceMap { sources, mappings })
}

/// A map without the first line `)]}'`, which keeps browsers from running it as a script.
pub(super) fn without_guard(text: &[u8]) -> &[u8] {
    if !text.starts_with(b")]}") {
        return text;
    }
    let line = text.iter().position(|byte| *byte == b'\n');
    line.and_then(|end| text.get(end..)).unwrap_or_default()
}

/// A source's path: URLs without scheme and host, as `webpack:///./a.ts`.
fn path(root: &str, source: &str) -> String {
    let plain = match source.split_once("://") {
        Some((_, path)) => path,
        None => source,
    };
    paths::join(&[root, plain])
}

/// Where the decoder is: each field is told as the difference to the one before.
#[derive(Default)]
struct State {
    column: i64,
    source: i64,
    line: i64,
    original_column: i64,
}

fn decode(mappings: &[u8], sources: usize, most: usize) -> Result<Vec<Mapping>, String> {
    let mut state = State::default();
    let mut found = Vec::new();
    // All of a module is the first line; some tools put what follows on others.
    for segment in mappings.split(|byte| matches!(byte, b',' | b';')) {
        if segment.is_empty() {
            continue;
        }
        let fields = fields(segment)?;
        state.column = add(state.column, fields.first())?;
        let pc = u32::try_from(state.column)
            .map_err(|_| format!("a mapping is at offset {}", state.column))?;
        let original = match fields.len() {
            1 => None,
            4 | 5 => Some(state.original(&fields, sources)?),
            n => return Err(format!("a mapping has {n} fields instead of 1, 4 or 5")),
        };
        if found.len() >= most {
            return Err(format!(
                "it has more than {most} mappings, too many for so little code"
            ));
        }
        found.push(Mapping { pc, original });
    }
    found.sort_by_key(|mapping| mapping.pc);
    Ok(found)
}

fn add(value: i64, difference: Option<&i64>) -> Result<i64, String> {
    let difference = difference.copied().unwrap_or(0);
    value
        .checked_add(difference)
        .ok_or_else(|| "a number is out of range".to_owned())
}

impl State {
    fn original(&mut self, fields: &[i64], sources: usize) -> Result<Original, String> {
        self.source = add(self.source, fields.get(1))?;
        self.line = add(self.line, fields.get(2))?;
        self.original_column = add(self.original_column, fields.get(3))?;
        let source = u32::try_from(self.source).ok();
        let source = source.filter(|source| (*source as usize) < sources);
        let counted = |number: i64| u32::try_from(number).ok()?.checked_add(1);
        let place = source.and_then(|source| {
            Some(Original {
                source,
                line: counted(self.line)?,
                column: counted(self.original_column)?,
            })
        });
        place.ok_or_else(|| {
            format!(
                "a mapping is to line {} of source {}, of {sources} sources",
                self.line, self.source
            )
        })
    }
}

/// The numbers of a segment, in base 64 with variable length.
fn fields(segment: &[u8]) -> Result<Vec<i64>, String> {
    let mut fields = Vec::with_capacity(5);
    let (mut value, mut shift) = (0_i64, 0_u32);
    for byte in segment {
        let digit = digit(*byte).ok_or_else(|| format!("{:?} is not a digit", *byte as char))?;
        if shift > 50 {
            return Err("a number is too long".to_owned());
        }
        value |= i64::from(digit & 31) << shift;
        shift += 5;
        if digit & 32 == 0 {
            let magnitude = value >> 1;
            fields.push(if value & 1 == 0 {
                magnitude
            } else {
                -magnitude
            });
            (value, shift) = (0, 0);
        }
    }
    match shift {
        0 => Ok(fields),
        _ => Err("a number is cut short".to_owned()),
    }
}

fn digit(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}
