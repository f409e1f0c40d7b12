//! Sources that are not files: the code of functions without lines, texts that the recording
//! or a source map carries, and what stands for those that are nowhere.

use super::Recording;
use crate::component::ModuleId;
use crate::debuggee::{
    DebuggeeError, FramePlace, SourceOrigin, SourcePoint, SourceRef, SourceText, TextRef,
};
use crate::source::{FileId, Listing, SourceLine};
use crate::timeline::Module;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::RangeInclusive;
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
    /// A file that the recording or a source map has the text of.
    Content {
        module: ModuleId,
        path: String,
    },
    /// A file that is nowhere: its lines, with the instructions of a function on them.
    StandIn {
        module: ModuleId,
        function: Option<u32>,
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
            Text::StandIn {
                module,
                function: Some(function),
                path,
            } => format!("lines {} {function} {path}", module.0),
            Text::StandIn { module, path, .. } => format!("names {} {path}", module.0),
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
            "names" => Some(Text::StandIn {
                module,
                function: None,
                path: rest.to_owned(),
            }),
            "lines" => {
                let (function, path) = rest.split_once(' ')?;
                Some(Text::StandIn {
                    module,
                    function: Some(function.parse().ok()?),
                    path: path.to_owned(),
                })
            }
            _ => None,
        }
    }
}

/// The path that a source is known by in the debug information, if it is a file's.
pub(in crate::debuggee) fn path_of(source: &SourceOrigin) -> Option<String> {
    match source {
        SourceOrigin::File(path) => Some(path.clone()),
        SourceOrigin::Generated(text) => match Text::parse(text)? {
            Text::Content { path, .. } | Text::StandIn { path, .. } => Some(path),
            Text::Listing { .. } | Text::Hostcalls => None,
        },
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
                note: None,
            },
        })
    }

    /// Where a place with a line is shown; of a source that is nowhere, with the instructions
    /// of the function there.
    pub(super) fn place_in_source(
        &self,
        id: ModuleId,
        module: &Module,
        line: SourceLine,
        function: Option<u32>,
    ) -> FramePlace {
        self.sources.place_of(id, &module.source, line, function)
    }

    /// The file of a line; where it is not on this machine its text, or what stands for it.
    pub(super) fn source_of(&self, id: ModuleId, module: &Module, file: FileId) -> SourceRef {
        self.sources.source_of(id, &module.source, file, None)
    }

    pub(super) fn text(&self, reference: &TextRef) -> Result<SourceText, DebuggeeError> {
        let content = Text::parse(reference).and_then(|text| match text {
            Text::Listing { module, function } => {
                Some(self.listing(module, function)?.text.clone())
            }
            Text::Content { module, path } => self.content(module, &path),
            Text::StandIn {
                module,
                function,
                path,
            } => self.stand_in(module, function, &path),
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
