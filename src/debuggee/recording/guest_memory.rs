//! A memory of the stopped guest, as it is now or as it will be when a crossing returns.

use crate::inspect::hostcall::in_progress::overlay;
use crate::replay::InstanceId;
use crate::timeline::{Timeline, TimelineError};
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
    /// Why a page could not be had, the first time.
    fault: RefCell<Option<TimelineError>>,
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
            fault: RefCell::default(),
        }
    }

    /// What was made of the bytes that were read. Where a page could not be had, that is
    /// made of what looks like memory out of bounds, and worth nothing.
    ///
    /// # Errors
    ///
    /// If a page could not be had: the replayer has died.
    pub(super) fn vouch_for<T>(self, made: T) -> Result<T, TimelineError> {
        match self.fault.into_inner() {
            Some(fault) => Err(fault),
            None => Ok(made),
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
        let Some((instance, memory)) = self.memory else {
            return Vec::new();
        };
        let mut timeline = self.timeline.borrow_mut();
        let bytes = timeline.memory(instance, memory, page.saturating_mul(PAGE), PAGE as u32);
        bytes.unwrap_or_else(|error| {
            self.fault.borrow_mut().get_or_insert(error);
            Vec::new()
        })
    }
}
