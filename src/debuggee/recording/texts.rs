//! Sources that are not files: the code of functions without lines, and texts that a
//! source map carries.

use super::Recording;
use super::stack::{point, source_ref};
use crate::component::ModuleId;
use crate::debuggee::path_mapping::PathMapping;
use crate::debuggee::{
    DebuggeeError, FramePlace, SourceOrigin, SourcePoint, SourceRef, SourceText, TextRef,
};
use crate::source::{FileId, Listing, ModuleSource, SourceLine};
use crate::timeline::Module;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

/// Listings made before.
pub(super) type Listings = RefCell<HashMap<(ModuleId, u32), Option<Arc<Listing>>>>;

/// What a text is of. Its reference says it whole, so that it means the same in every
/// session with this recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Text {
    Listing {
        module: ModuleId,
        function: u32,
    },
    /// A file that a source map has the text of.
    Content {
        module: ModuleId,
        path: String,
    },
    /// The hostcalls of the recording: event `n` in line `n` + 1.
    Hostcalls,
}

const HOSTCALLS: &str = "hostcalls";

impl Text {
    pub(super) fn reference(&self) -> TextRef {
        TextRef(match self {
            Text::Listing { module, function } => format!("code {} {function}", module.0),
            Text::Content { module, path } => format!("text {} {path}", module.0),
            Text::Hostcalls => HOSTCALLS.to_owned(),
        })
    }

    pub(super) fn parse(reference: &TextRef) -> Option<Text> {
        if reference.0 == HOSTCALLS {
            return Some(Text::Hostcalls);
        }
        let (kind, rest) = reference.0.split_once(' ')?;
        let (module, rest) = rest.split_once(' ')?;
        let module = ModuleId(module.parse().ok()?);
        match kind {
            "code" => Some(Text::Listing {
                module,
                function: rest.parse().ok()?,
            }),
            "text" => Some(Text::Content {
                module,
                path: rest.to_owned(),
            }),
            _ => None,
        }
    }
}

/// The path that a source is known by in the debug information, if it is a file's.
pub(super) fn path_of(source: &SourceOrigin) -> Option<String> {
    match source {
        SourceOrigin::File(path) => Some(path.clone()),
        SourceOrigin::Generated(text) => match Text::parse(text)? {
            Text::Content { path, .. } => Some(path),
            Text::Listing { .. } | Text::Hostcalls => None,
        },
    }
}

/// Where a place with a line is shown.
pub(super) fn place_in_source(
    path_mapping: &PathMapping,
    module: ModuleId,
    source: &ModuleSource,
    line: SourceLine,
) -> FramePlace {
    FramePlace {
        source: source_of(path_mapping, module, source, line.file),
        point: point(line),
    }
}

fn source_of(
    path_mapping: &PathMapping,
    module: ModuleId,
    source: &ModuleSource,
    file: FileId,
) -> SourceRef {
    let path = source.file(file);
    let has_text = source.text_of(file).is_some();
    let file = source_ref(path);
    if !has_text || Path::new(&path_mapping.outward(path)).is_file() {
        return file;
    }
    let text = Text::Content {
        module,
        path: path.to_owned(),
    };
    SourceRef {
        origin: SourceOrigin::Generated(text.reference()),
        ..file
    }
}

impl Recording {
    /// The code of a function as text.
    pub(super) fn listing(&self, id: ModuleId, function: u32) -> Option<Arc<Listing>> {
        let known = self.listings.borrow().get(&(id, function)).cloned();
        known.unwrap_or_else(|| {
            let module = self.timeline.module(id)?;
            let bytes = self.timeline.trace().component().module(id)?;
            let made = Listing::of(&module.source, bytes, function).map(Arc::new);
            let mut listings = self.listings.borrow_mut();
            listings.insert((id, function), made.clone());
            made
        })
    }

    /// Where a place without line is shown.
    pub(super) fn place_in_listing(
        &self,
        module: ModuleId,
        function: u32,
        pc: u32,
    ) -> Option<FramePlace> {
        let listing = self.listing(module, function)?;
        Some(FramePlace {
            point: line_point(listing.line_of(pc)?),
            source: SourceRef {
                name: format!("{}.wat", listing.name),
                origin: SourceOrigin::Generated(Text::Listing { module, function }.reference()),
            },
        })
    }

    /// Where a place with a line is shown.
    pub(super) fn place_in_source(
        &self,
        id: ModuleId,
        module: &Module,
        line: SourceLine,
    ) -> FramePlace {
        place_in_source(&self.path_mapping, id, &module.source, line)
    }

    /// The file of a line; where it is not on this machine, but in the source map, its
    /// text.
    pub(super) fn source_of(&self, id: ModuleId, module: &Module, file: FileId) -> SourceRef {
        source_of(&self.path_mapping, id, &module.source, file)
    }

    pub(super) fn text(&self, reference: &TextRef) -> Result<SourceText, DebuggeeError> {
        let content = Text::parse(reference).and_then(|text| match text {
            Text::Listing { module, function } => {
                Some(self.listing(module, function)?.text.clone())
            }
            Text::Content { module, path } => {
                let source = &self.timeline.module(module)?.source;
                Some(source.text_of(source.file_named(&path)?)?.to_owned())
            }
            // That takes a replay: see `hostcalls_text`.
            Text::Hostcalls => None,
        });
        let content = content
            .ok_or_else(|| DebuggeeError::other(format!("there is no text {}", reference.0)))?;
        Ok(SourceText {
            content,
            mime_type: None,
        })
    }

    /// The instruction for a breakpoint on a line of a listing, and the line it is on.
    pub(super) fn instruction_on(
        &self,
        module: ModuleId,
        function: u32,
        line: u32,
    ) -> Option<(u32, SourcePoint)> {
        let (pc, line) = self.listing(module, function)?.instruction_on(line)?;
        Some((pc, line_point(line)))
    }

    /// The lines of a listing that have instructions.
    pub(super) fn instruction_lines(
        &self,
        module: ModuleId,
        function: u32,
        lines: &RangeInclusive<u64>,
    ) -> Vec<SourcePoint> {
        let listing = self.listing(module, function);
        let points = listing.iter().flat_map(|listing| listing.lines());
        points
            .map(line_point)
            .filter(|point| lines.contains(&point.line))
            .collect()
    }
}

fn line_point(line: u32) -> SourcePoint {
    SourcePoint {
        line: line.into(),
        column: None,
    }
}
