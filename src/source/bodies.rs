//! The calls that are inlined into one function, as a tree: which of their bodies is at
//! each place, and where each begins.

use super::budget::Budget;
use super::entries::Entries;
use super::error::SourceError;
use super::functions::{Function, Functions};
use super::lines::SourceLine;
use super::ranges::{RangesLeft, ranges};
use super::scopes::MOST_ENTRIES;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The number of a body in its function: 0 is the function's own.
pub type BodyNumber = u32;

/// The own body of a function.
pub const OWN: BodyNumber = 0;

/// The bodies of one function: its own, and those of the calls that are inlined into it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bodies {
    /// Those that are inlined: number 1 is the first. A body stands behind its parent.
    inlined: Vec<InlinedBody>,
    /// Where another body begins to be the innermost one, ascending.
    changes: Vec<(u32, BodyNumber)>,
}

/// The body of a call that is inlined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InlinedBody {
    /// The body that makes the call.
    pub parent: BodyNumber,
    /// Where it does; `None` where the compiler does not say.
    pub call_site: Option<SourceLine>,
}

impl Bodies {
    /// What is inlined; `None` for the function's own body.
    pub fn inlined(&self, body: BodyNumber) -> Option<&InlinedBody> {
        self.inlined.get((body as usize).checked_sub(1)?)
    }

    /// Those that are inlined, from number 1 on.
    pub fn all_inlined(&self) -> &[InlinedBody] {
        &self.inlined
    }

    /// The innermost body at a place.
    pub fn at(&self, pc: u32) -> BodyNumber {
        let after = self.changes.partition_point(|(from, _)| *from <= pc);
        let last = after.checked_sub(1).and_then(|at| self.changes.get(at));
        last.map_or(OWN, |(_, body)| *body)
    }

    /// Where another body than before is the innermost one, ascending.
    pub fn changes(&self) -> &[(u32, BodyNumber)] {
        &self.changes
    }

    /// A body and those around it, from the innermost to the function's own.
    pub fn around(&self, body: BodyNumber) -> impl Iterator<Item = BodyNumber> + '_ {
        std::iter::successors(Some(body), |body| Some(self.inlined(*body)?.parent))
    }

    /// Of the bodies at a place, those that begin there, innermost first: what stands before
    /// it in the code is outside of them.
    pub fn begun_at(&self, pc: u32) -> impl Iterator<Item = BodyNumber> + '_ {
        let before = self.at(pc.saturating_sub(1));
        let outside: BTreeSet<BodyNumber> = self.around(before).collect();
        self.around(self.at(pc))
            .take_while(move |body| !outside.contains(body))
    }

    /// Whether a place is in a body, or in one that is inlined into it.
    pub fn is_within(&self, pc: u32, body: BodyNumber) -> bool {
        self.around(self.at(pc)).any(|around| around == body)
    }

    pub(super) fn read(entries: &Entries, function: &Function) -> Bodies {
        let mut reading = Reading {
            entries,
            left: Budget::of_index("bodies of inlined calls", entries.units.bytes()),
            inlined: Vec::new(),
            ends: BTreeMap::new(),
        };
        match reading.run(function) {
            Ok(()) => reading.joined(),
            // Without a tree that can be trusted, everything is the function's own.
            Err(_) => Bodies::default(),
        }
    }
}

/// The bodies of the function at a place.
pub(super) fn around(entries: &Entries, functions: &Functions, pc: u32) -> Bodies {
    match functions.described_at(entries, pc) {
        Ok(function) => Bodies::read(entries, function),
        Err(_) => Bodies::default(),
    }
}

struct Reading<'a> {
    entries: &'a Entries,
    left: Budget,
    inlined: Vec<InlinedBody>,
    /// Where bodies begin and end.
    ends: BTreeMap<u32, Ends>,
}

#[derive(Default)]
struct Ends {
    begin: Vec<BodyNumber>,
    end: Vec<BodyNumber>,
}

impl Reading<'_> {
    fn run(&mut self, function: &Function) -> Result<(), SourceError> {
        let unit_id = function.entry.unit;
        let unit = self.entries.units.of(unit_id)?;
        let offset = function.entry.unit_offset();
        let mut entries = unit.dwarf.entries_raw(Some(offset))?;
        let mut attributes = Vec::new();
        let mut ranges_left = RangesLeft::new();
        // The bodies that the walk is in, with the depth of each.
        let mut open: Vec<(isize, BodyNumber)> = Vec::new();
        let mut walked = 0_usize;
        while !entries.is_empty() && (walked == 0 || entries.next_depth() > 0) {
            let depth = entries.next_depth();
            let Some(abbreviation) = entries.read_abbreviation()? else {
                continue;
            };
            walked += 1;
            if walked > MOST_ENTRIES {
                return Err(SourceError::Excessive("a function has too many entries"));
            }
            open.retain(|(of, _)| *of < depth);
            if abbreviation.tag() != gimli::DW_TAG_inlined_subroutine {
                entries.skip_attributes(abbreviation.attributes())?;
                continue;
            }
            entries.read_attributes(abbreviation.attributes(), &mut attributes)?;
            let places = ranges(
                unit.unit_ref(),
                &attributes,
                &self.entries.code,
                &mut ranges_left,
            )?;
            let parent = open.last().map_or(OWN, |(_, body)| *body);
            // More than any compiler inlines in one another.
            const MOST: usize = 256;
            if open.len() >= MOST {
                let problem = "too many calls are inlined in one another";
                return Err(SourceError::Excessive(problem));
            }
            let body = self.add(unit_id, parent, &attributes, places)?;
            open.push((depth, body));
        }
        Ok(())
    }

    fn add(
        &mut self,
        unit: u32,
        parent: BodyNumber,
        attributes: &[gimli::Attribute<super::sections::Reader>],
        places: Vec<Range<u32>>,
    ) -> Result<BodyNumber, SourceError> {
        self.left.spend::<InlinedBody>(0)?;
        self.inlined.push(InlinedBody {
            parent,
            call_site: self.entries.call_site(unit, attributes),
        });
        let body = u32::try_from(self.inlined.len())
            .map_err(|_| SourceError::Excessive("too many calls are inlined"))?;
        for range in places {
            self.left.spend::<[Ends; 2]>(0)?;
            let start = self.entries.code.instruction_at(range.start);
            let end = range.end;
            if start < end {
                self.ends.entry(start).or_default().begin.push(body);
                self.ends.entry(end).or_default().end.push(body);
            }
        }
        Ok(body)
    }

    fn joined(self) -> Bodies {
        let mut changes = Vec::new();
        // How often each body covers the place: sound ranges of one do not overlap.
        let mut covering: BTreeMap<BodyNumber, usize> = BTreeMap::new();
        let mut innermost = OWN;
        for (pc, ends) in self.ends {
            for body in ends.begin {
                *covering.entry(body).or_default() += 1;
            }
            for body in ends.end {
                if let Some(count) = covering.get_mut(&body) {
                    *count -= 1;
                    if *count == 0 {
                        covering.remove(&body);
                    }
                }
            }
            // What is inlined deeper has a higher number.
            let now = covering.keys().next_back().copied().unwrap_or(OWN);
            if now != innermost {
                changes.push((pc, now));
                innermost = now;
            }
        }
        Bodies {
            inlined: self.inlined,
            changes,
        }
    }
}
