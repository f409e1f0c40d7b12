//! What a core module says of itself that tells whether debug information fits.

use std::ops::Range;
use wasmparser::{BinaryReader, Parser, Payload};

/// The outline of a core module.
#[derive(Debug, Clone, Default)]
pub(super) struct Outline {
    /// The code section's payload.
    pub(super) code: Option<Range<usize>>,
    pub(super) functions: u32,
    /// The `build_id` section.
    pub(super) build_id: Option<Vec<u8>>,
    pub(super) external_debug_info: Option<String>,
    pub(super) source_mapping_url: Option<String>,
    /// Custom sections: names and the ranges of their bytes.
    pub(super) sections: Vec<(String, Range<usize>)>,
}

impl Outline {
    pub(super) fn read(bytes: &[u8]) -> Result<Outline, wasmparser::BinaryReaderError> {
        let mut outline = Outline::default();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::CodeSectionStart { range, count, .. } => {
                    outline.code = Some(range);
                    outline.functions = count;
                }
                Payload::CustomSection(custom) => outline.custom(&custom),
                _ => {}
            }
        }
        Ok(outline)
    }

    fn custom(&mut self, custom: &wasmparser::CustomSectionReader<'_>) {
        let data = custom.data();
        let text = || {
            let mut reader = BinaryReader::new(data, 0);
            Some(reader.read_string().ok()?.to_owned())
        };
        match custom.name() {
            "build_id" => self.build_id = Some(data.to_owned()),
            "external_debug_info" => self.external_debug_info = text(),
            "sourceMappingURL" => self.source_mapping_url = text(),
            _ => {}
        }
        let start = custom.data_offset();
        let range = start..start.saturating_add(data.len());
        self.sections.push((custom.name().to_owned(), range));
    }

    pub(super) fn has_section(&self, name: &str) -> bool {
        self.sections.iter().any(|(known, _)| known == name)
    }

    /// Whether the module itself tells its lines.
    pub(super) fn has_debug_information(&self) -> bool {
        self.has_section(".debug_info") || self.has_section(".debug_line")
    }

    /// Whether these are split units, or a package of them.
    pub(super) fn is_split(&self) -> bool {
        self.has_section(".debug_info.dwo")
    }
}
