//! `source`, `loadedSources` and `modules`.

use super::asking::ask;
use super::{Handled, Reply, Session};
use crate::dap::protocol::command::Unread;
use crate::dap::protocol::{
    LoadedSourcesResponse, Module, ModuleId, ModulesArguments, ModulesResponse, Refusal, Source,
    SourceArguments, SourceResponse,
};
use crate::debuggee::SourceOrigin;

pub(super) fn source(session: &mut Session, arguments: SourceArguments) -> Handled<SourceResponse> {
    let asked = arguments.source.unwrap_or_else(|| Source {
        source_reference: Some(arguments.source_reference),
        ..Source::default()
    });
    let text = match session.source_in(&asked)? {
        SourceOrigin::Generated(text) => text,
        SourceOrigin::File(path) => {
            return Err(Refusal::because(format!(
                "{path} is a file: map its path to where it is with `sourceMap`"
            )));
        }
    };
    ask(
        move |debuggee, output, interrupt| debuggee.source_text(&text, output, interrupt),
        |_, found| {
            Reply::now(SourceResponse {
                content: found.content,
                mime_type: found.mime_type,
            })
        },
    )
}

pub(super) fn loaded(session: &mut Session, _: Unread) -> Handled<LoadedSourcesResponse> {
    let found = session.debuggee()?.sources()?;
    let sources = found.iter().map(|source| session.source_out(source));
    Reply::now(LoadedSourcesResponse {
        sources: sources.collect(),
    })
}

pub(super) fn modules(
    session: &mut Session,
    arguments: ModulesArguments,
) -> Handled<ModulesResponse> {
    let found = session.debuggee()?.modules()?;
    let total = i64::try_from(found.len()).ok();
    let whole = |number: i64| usize::try_from(number).unwrap_or(0);
    // The protocol says that a count of zero is all.
    let count = arguments.module_count.filter(|count| *count > 0);
    let modules = found
        .into_iter()
        .skip(arguments.start_module.map_or(0, whole))
        .take(count.map_or(usize::MAX, whole))
        .map(|module| Module {
            id: ModuleId::String(module.id),
            name: module.name,
            path: module.path.map(|path| path.display().to_string()),
            symbol_status: module.symbols,
            is_optimized: None,
            is_user_code: None,
            version: None,
            symbol_file_path: None,
            date_time_stamp: None,
            address_range: None,
        })
        .collect();
    Reply::now(ModulesResponse {
        modules,
        total_modules: total,
    })
}
