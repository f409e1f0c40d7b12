//! A guest frame as variables see it.

use crate::component::types::CoreValue;
use crate::inspect::FrameState;
use crate::replay::InstanceId;
use crate::timeline::Timeline;
use std::cell::RefCell;
use std::collections::HashMap;

const PAGE: u64 = 4096;

/// The state of one frame. Memory is fetched a page at a time and kept: it does
/// not change while the program stands still.
pub(super) struct GuestFrame<'a> {
    pub(super) locals: Vec<CoreValue>,
    pub(super) operands: Vec<CoreValue>,
    pub(super) globals: Vec<CoreValue>,
    instance: InstanceId,
    timeline: RefCell<&'a mut Timeline>,
    pages: RefCell<HashMap<u64, Vec<u8>>>,
}

impl<'a> GuestFrame<'a> {
    /// Reads the frame with this index in [`Timeline::frames`].
    pub(super) fn read(
        timeline: &'a mut Timeline,
        index: usize,
        instance: InstanceId,
    ) -> Result<GuestFrame<'a>, crate::timeline::TimelineError> {
        Ok(GuestFrame {
            locals: timeline.locals(index)?,
            operands: timeline.operands(index)?,
            globals: timeline.globals(instance)?,
            instance,
            timeline: RefCell::new(timeline),
            pages: RefCell::default(),
        })
    }

    fn page(&self, number: u64) -> Vec<u8> {
        if let Some(page) = self.pages.borrow().get(&number) {
            return page.clone();
        }
        // A dead replayer reads as memory that is not there.
        let bytes = self
            .timeline
            .borrow_mut()
            .memory(self.instance, 0, number * PAGE, PAGE as u32)
            .unwrap_or_default();
        self.pages.borrow_mut().insert(number, bytes.clone());
        bytes
    }
}

impl FrameState for GuestFrame<'_> {
    fn local(&self, index: u32) -> Option<CoreValue> {
        self.locals.get(index as usize).copied()
    }

    fn operand(&self, index: u32) -> Option<CoreValue> {
        self.operands.get(index as usize).copied()
    }

    fn global(&self, index: u32) -> Option<CoreValue> {
        self.globals.get(index as usize).copied()
    }

    fn memory(&self, address: u64, length: usize) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(length.min(1 << 16));
        let end = address.checked_add(length as u64)?;
        let mut at = address;
        while at < end {
            let page = self.page(at / PAGE);
            let from = (at % PAGE) as usize;
            let until = (end - at).saturating_add(from as u64).min(PAGE) as usize;
            let part = page.get(from..until)?;
            bytes.extend_from_slice(part);
            at += part.len() as u64;
        }
        Some(bytes)
    }
}
