//! `rr handles`: the handle tables at this moment.

use super::{Effect, Entry, no_arguments};

pub(super) const ENTRY: Entry = Entry {
    words: "handles",
    arguments: "",
    about: "show the handle table of each component instance",
    run: |debuggee, arguments| {
        no_arguments(arguments)?;
        let tables = debuggee.handles().map_err(|error| error.to_string())?;
        Ok(Effect::Show(Box::new(tables)))
    },
};
