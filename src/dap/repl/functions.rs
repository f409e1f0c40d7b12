//! `functions`: the functions of the guest.

use super::ConsoleCommand;
use super::info::listed;

pub(super) const FUNCTIONS: ConsoleCommand = ConsoleCommand {
    words: "functions",
    also: &["info functions"],
    arguments: "[NAME]",
    about: "list the functions of the program, those with this in their name, or like a pattern with *",
    run: |context, pattern| listed(context.debuggee.functions(pattern), "function", pattern),
};
