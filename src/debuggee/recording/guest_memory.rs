//! A memory of the stopped guest, as it is now or as it will be when a crossing returns.

use crate::inspect::hostcall::in_progress::overlay;
use crate::replay::InstanceId;
use crate::timeline::Timeline;
use crate::trace::Written;
use std::cell::RefCell;
use std::collections::HashMap;

const PAGE: u64 = 4096;
/// Nothing larger is read for one value.
const MOST: u64 = 1 << 24;

/// A memory of the stopped guest. It is fetched a page at a time and kept: it does not
/// change while the program stands still.
pub(super) struct GuestMemory<'a> {
    timeline: RefCell<&'a mut Timeline>,
    memory: Option<(InstanceId, u32)>,
    pages: RefCell<HashMap<u64, Vec<u8>>>,
}

impl<'a> GuestMemory<'a> {
    pub(super) fn new(
        timeline: &'a mut Timeline,
        memory: Option<(InstanceId, u32)>,
    ) -> GuestMemory<'a> {
        GuestMemory {
            timeline: RefCell::new(timeline),
            memory,
            pages: RefCell::default(),
        }
    }

    /// Bytes as they are; `None` if not all of them are in bounds.
    pub(super) fn read(&self, address: u64, length: u64) -> Option<Vec<u8>> {
        if length > MOST {
            return None;
        }
        let end = address.checked_add(length)?;
        let mut bytes = Vec::with_capacity(length as usize);
        let mut at = address;
        while at < end {
            let mut pages = self.pages.borrow_mut();
            let number = at / PAGE;
            let page = pages.entry(number).or_insert_with(|| self.fetch(number));
            let from = (at % PAGE) as usize;
            let until = (end - at).saturating_add(from as u64).min(PAGE) as usize;
            let part = page.get(from..until)?;
            bytes.extend_from_slice(part);
            at += part.len() as u64;
        }
        Some(bytes)
    }

    /// Bytes as they will be when this has been written.
    pub(super) fn read_after(
        &self,
        writes: &[Written],
        address: u64,
        length: u64,
    ) -> Option<Vec<u8>> {
        let mut bytes = self.read(address, length)?;
        overlay(writes, address, &mut bytes);
        Some(bytes)
    }

    fn fetch(&self, page: u64) -> Vec<u8> {
        // A dead replayer reads as memory that is not there.
        let memory = self.memory.and_then(|(instance, memory)| {
            let mut timeline = self.timeline.borrow_mut();
            timeline
                .memory(instance, memory, page.saturating_mul(PAGE), PAGE as u32)
                .ok()
        });
        memory.unwrap_or_default()
    }
}
