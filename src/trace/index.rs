//! The index: where the sections of a finished recording are, so that opening it
//! need not walk them.
//!
//! For each section after the component, the end included: the distance of its
//! header from that of the section before (the first: from the beginning of the
//! file), and its `first_event` minus that of the one before plus one, or 0 if its
//! writer does not count. Both are varints.

use super::codec::{Bytes, varint};
use super::format::{SECTION_HEADER_LENGTH, UNCOUNTED};
use super::sections::Section;

pub(super) fn encode(sections: &[Section]) -> Vec<u8> {
    let mut out = Vec::with_capacity(sections.len() * 4);
    let mut last = START;
    for section in sections {
        varint(section.at.wrapping_sub(last.at), &mut out);
        last.at = section.at;
        if section.first_event == UNCOUNTED {
            varint(0, &mut out);
            continue;
        }
        let more = section.first_event.wrapping_sub(last.first_event);
        varint(more.wrapping_add(1), &mut out);
        last.first_event = section.first_event;
    }
    out
}

/// Before all sections.
const START: Section = Section {
    at: 0,
    first_event: 0,
};

/// `None` if these are not sections one after the other in a file of this length.
pub(super) fn decode(index: &[u8], length: u64) -> Option<Vec<Section>> {
    let mut bytes = Bytes(index);
    let mut sections = Vec::new();
    let mut last = START;
    while !bytes.0.is_empty() {
        let distance = bytes.varint().ok()?;
        last.at = last.at.checked_add(distance)?;
        // The list is then never longer than the file has room for.
        if distance < SECTION_HEADER_LENGTH as u64 || last.at >= length {
            return None;
        }
        let first_event = match bytes.varint().ok()?.checked_sub(1) {
            Some(more) => {
                last.first_event = last.first_event.checked_add(more)?;
                last.first_event
            }
            None => UNCOUNTED,
        };
        sections.push(Section {
            at: last.at,
            first_event,
        });
    }
    Some(sections)
}
