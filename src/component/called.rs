//! Which function of which core module is behind a call into the guest.

use super::wiring::{Body, CoreSort, Item};
use super::{Component, CrossingId, Instance, ModuleId};

/// Bundles of bundles: deeper is not looked.
const DEEPEST: usize = 16;

impl Component {
    /// The core module whose function is called, and the name by which that exports it; `None` for
    /// what is no core module's.
    pub fn called(&self, instance: Instance, crossing: CrossingId) -> Option<(ModuleId, &str)> {
        let crossing = self.crossing(crossing)?;
        let body = self.bodies.get(crossing.body.0 as usize)?;
        let with_core = self.made().iter().filter(|made| {
            let body = self.bodies.get(made.body.0 as usize);
            body.is_some_and(|body| body.has_core)
        });
        let made = with_core.into_iter().nth(instance.0 as usize)?;
        if made.body != crossing.body {
            return None;
        }
        let (module, name) = function(body, crossing.core_function, DEEPEST)?;
        Some(((*made.modules.get(module as usize)?)?, name))
    }
}

/// A core function of a body: the index of a core module in the body, and the name of its export.
fn function(body: &Body, index: u32, depth: usize) -> Option<(u32, &str)> {
    let depth = depth.checked_sub(1)?;
    let functions = body.items.iter().filter(|item| {
        matches!(
            item,
            Item::Outgoing(_)
                | Item::Alias {
                    sort: CoreSort::Func,
                    ..
                }
        )
    });
    let Item::Alias { instance, name, .. } = functions.into_iter().nth(index as usize)? else {
        return None;
    };
    let is_instance = |item: &&Item| matches!(item, Item::Instantiate { .. } | Item::Bundle(_));
    let mut instances = body.items.iter().filter(is_instance);
    match instances.nth(*instance as usize)? {
        Item::Instantiate { module, .. } => Some((*module, name)),
        Item::Bundle(exports) => {
            let is_it =
                |(of, sort, _): &&(String, CoreSort, u32)| of == name && *sort == CoreSort::Func;
            let (_, _, index) = exports.iter().find(is_it)?;
            function(body, *index, depth)
        }
        _ => None,
    }
}
