//! The globals that count frames, in the profile variant.

use crate::instrument::clock::{IMPORT_DEPTH, IMPORT_LOWEST};
use wasmtime::{AsContextMut, Extern, Global, GlobalType, Mutability, Val, ValType};

/// Counts the guest's frames, and keeps the lowest number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gauge {
    depth: Global,
    lowest: Global,
}

impl Gauge {
    pub(super) fn new(mut store: impl AsContextMut) -> wasmtime::Result<Gauge> {
        let ty = GlobalType::new(ValType::I32, Mutability::Var);
        Ok(Gauge {
            depth: Global::new(&mut store, ty.clone(), Val::I32(0))?,
            lowest: Global::new(&mut store, ty, Val::I32(0))?,
        })
    }

    /// What a module imports by this name.
    pub(super) fn import(&self, name: &str) -> Option<Extern> {
        match name {
            IMPORT_DEPTH => Some(self.depth.into()),
            IMPORT_LOWEST => Some(self.lowest.into()),
            _ => None,
        }
    }

    /// How many frames there are.
    pub(super) fn depth(&self, mut store: impl AsContextMut) -> u32 {
        let depth = self.depth.get(&mut store).i32().unwrap_or(0);
        depth.cast_unsigned()
    }

    /// Another stack goes on, with so many frames.
    pub(super) fn set(&self, mut store: impl AsContextMut, depth: u32) {
        let lowest = self.lowest.get(&mut store).i32().unwrap_or(0);
        let lowest = lowest.cast_unsigned().min(depth);
        // The types are the same, so setting cannot fail.
        _ = self.lowest.set(&mut store, Val::I32(lowest.cast_signed()));
        _ = self.depth.set(&mut store, Val::I32(depth.cast_signed()));
    }

    /// The lowest number of frames since this was last asked, which begins anew.
    pub(super) fn take(&self, mut store: impl AsContextMut) -> u32 {
        let lowest = self.lowest.get(&mut store).i32().unwrap_or(0);
        let depth = self.depth.get(&mut store);
        // The types are the same, so setting cannot fail.
        _ = self.lowest.set(&mut store, depth);
        lowest.cast_unsigned()
    }
}
