//! What the guest is given: arguments, environment, directories, streams.

use super::{Recorder, RunError};
use std::path::PathBuf;
use std::str::FromStr;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

/// The data of a recorded store.
pub(super) struct Host {
    wasi: WasiCtx,
    table: ResourceTable,
    recorder: Recorder,
}

impl Host {
    pub(super) fn new(wasi: WasiCtx, recorder: Recorder) -> Host {
        Host {
            wasi,
            table: ResourceTable::new(),
            recorder,
        }
    }

    pub(super) fn recorder(&mut self) -> Recorder {
        self.recorder.clone()
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// A host directory given to the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preopen {
    pub host: PathBuf,
    /// Under which path the guest sees it.
    pub guest: String,
}

impl FromStr for Preopen {
    type Err = std::convert::Infallible;

    /// `HOST` or `HOST::GUEST`, as `wasmtime run --dir` spells it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, guest) = text.split_once("::").unwrap_or((text, text));
        Ok(Preopen {
            host: host.into(),
            guest: guest.to_owned(),
        })
    }
}

/// The world of a recorded run. Standard streams are the process's own.
#[derive(Debug, Clone, Default)]
pub struct WasiOptions {
    /// The program's name: argument zero.
    pub program: String,
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
    pub dirs: Vec<Preopen>,
    pub inherit_network: bool,
}

impl WasiOptions {
    pub(super) fn context(&self) -> Result<WasiCtx, RunError> {
        let mut builder = WasiCtxBuilder::new();
        builder.inherit_stdio();
        builder.arg(&self.program).args(&self.args).envs(&self.env);
        for dir in &self.dirs {
            builder
                .preopened_dir(&dir.host, &dir.guest, FsPerms::ReadWrite)
                .map_err(|e| RunError::Directory {
                    path: dir.host.clone(),
                    message: format!("{e:#}"),
                })?;
        }
        if self.inherit_network {
            builder.inherit_network().allow_ip_name_lookup(true);
        }
        Ok(builder.build())
    }
}
