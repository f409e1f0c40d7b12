//! Several recordings, and what each said and was told.

use crate::cache::CacheDir;
use crate::cli::terminal;
use crate::debuggee::launch::NodeArguments;
use crate::debuggee::system::{Heard, opening};
use crate::trace::Trace;
use clap::Args;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, Args)]
pub(super) struct Recordings {
    /// Where the programs are that recordings name without holding them: their files, or a
    /// directory that they are in. May be repeated. Without this, beside each recording.
    #[arg(long = "program", value_name = "FILE|DIR")]
    programs: Vec<PathBuf>,
    /// Recordings, directories of them, and .rrsystem files.
    #[arg(value_name = "FILE|DIR", required = true)]
    paths: Vec<PathBuf>,
}

/// The recordings of a system.
pub(super) struct Listened {
    pub(super) names: Vec<String>,
    pub(super) traces: Vec<Arc<Trace>>,
    pub(super) heard: Vec<Heard>,
}

impl Recordings {
    /// Opens them and listens; tells of what may be missing.
    pub(super) fn listen(&self) -> anyhow::Result<Listened> {
        let given = self.paths.iter().cloned().map(NodeArguments::plain);
        let given: Vec<NodeArguments> = given.collect();
        let tell = |line: &str| terminal::tell(format_args!("rr-dap: {line}"));
        let opened = opening::traces_of(opening::expanded(&given)?, &self.programs, &tell)?;
        let (nodes, traces): (Vec<NodeArguments>, Vec<Arc<Trace>>) = opened.into_iter().unzip();
        let named: Vec<_> = nodes
            .iter()
            .zip(&traces)
            .map(|(node, trace)| opening::Named::of(node, trace))
            .collect();
        let names = opening::names(&named);
        let cache = CacheDir::open_default()?;
        let heard = opening::listen(&traces, &cache, &|| true).map_err(anyhow::Error::msg)?;
        for (name, heard) in names.iter().zip(&heard) {
            if let Some(why) = &heard.conversations.cut_short {
                terminal::tell(format_args!(
                    "rr-dap: of {name}, more may be missing: {why}"
                ));
            }
        }
        Ok(Listened {
            names,
            traces,
            heard,
        })
    }
}
