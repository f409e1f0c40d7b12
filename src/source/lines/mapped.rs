//! Lines as a source map tells them.

use super::table::{Belongs, LineTable, Row, Sequence, most_rows};
use super::{FileId, SourceLine};
use crate::source::damage::Damage;
use crate::source::error::SourceError;
use crate::source::sections::{Code, Reader};
use crate::source::source_map::{Mapping, SourceMap};
use gimli::Reader as _;

impl LineTable {
    /// The lines that a source map tells; none if it cannot be read.
    pub(super) fn of_source_map(map: &Reader, code: &Code) -> LineTable {
        let text = map.to_slice().map_err(SourceError::from);
        let most = most_rows(code) / size_of::<Row>();
        let map = match text.and_then(|text| SourceMap::parse(&text, most)) {
            Ok(map) => map,
            Err(problem) => {
                return LineTable {
                    damage: vec![Damage::new("the source map", problem)],
                    ..LineTable::default()
                };
            }
        };
        let mut table = LineTable {
            is_mapped: true,
            ..LineTable::default()
        };
        let files: Vec<Option<FileId>> = map
            .sources
            .into_iter()
            .map(|source| {
                let file = table.files.intern(source.path)?;
                table
                    .contents
                    .extend(source.content.map(|text| (file, text)));
                Some(file)
            })
            .collect();
        let sequences = sequences_of(&map.mappings, code, &files);
        table.join(sequences, code);
        table
    }
}

/// Mappings as rows, a sequence for each function: what is said at the end of one does
/// not hold at the beginning of the next.
fn sequences_of(mappings: &[Mapping], code: &Code, files: &[Option<FileId>]) -> Vec<Sequence> {
    let mut sequences = Vec::new();
    for (_, body, _) in code.defined() {
        let start = mappings.partition_point(|mapping| mapping.pc < body.start);
        let end = mappings.partition_point(|mapping| mapping.pc < body.end);
        let own = mappings.get(start..end).unwrap_or_default();
        let row = |pc, belongs| Row {
            pc,
            belongs,
            ends_prologue: false,
        };
        let mut rows: Vec<Row> = own
            .iter()
            .map(|mapping| {
                let line = mapping.original.and_then(|at| {
                    let file = *files.get(at.source as usize)?;
                    Some(SourceLine {
                        file: file?,
                        line: at.line,
                        column: at.column,
                    })
                });
                row(mapping.pc, line.map_or(Belongs::NoLine, Belongs::Statement))
            })
            .collect();
        if !rows.is_empty() {
            rows.push(row(body.end, Belongs::End));
            sequences.push(Sequence { rows });
        }
    }
    sequences
}
