//! `resources`: the handle tables at this moment.

use super::{Effect, Entry, no_arguments};

pub(super) const RESOURCES: Entry = Entry {
    words: "resources",
    also: &["handles"],
    arguments: "",
    about: "show the handle table of each component instance",
    run: |context, arguments| {
        no_arguments(arguments)?;
        let tables = context.debuggee.handles()?;
        Ok(Effect::Show(Box::new(tables)))
    },
};
