//! What the guest is given: arguments, environment, directories, streams.

use super::{Dials, RunError, Switches};
use rr_dap_host::service::{Lines, Stream};
use std::path::PathBuf;
use std::str::FromStr;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder};

/// A host directory given to the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preopen {
    /// Its path outside, which is opened for reading and writing.
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
    /// What follows argument zero.
    pub args: Vec<String>,
    /// All of the guest's environment: `Switches::inherit_env` tells where it is
    /// from, and adds nothing.
    pub env: Vec<(String, String)>,
    /// Leave the values of the environment out of the recording's metadata.
    pub redact_env: bool,
    /// All that the guest sees of the file system.
    pub dirs: Vec<Preopen>,
    /// Which interfaces are linked, and what they allow.
    pub switches: Switches,
    /// What the host chooses at random.
    pub dials: Dials,
    /// Where the program's own sources are looked for, besides where its debug information
    /// says, to be carried along for who opens the recording elsewhere. Without, none are;
    /// nor where there is no debugger, whose business debug information is.
    pub sources_beside: Option<Vec<PathBuf>>,
}

impl WasiOptions {
    /// What one guest is given. `has_thread` says that the guest has a thread that has nothing
    /// else to do while it waits for a file.
    pub(super) fn context(&self, has_thread: bool) -> Result<WasiCtx, RunError> {
        Ok(self.builder(has_thread)?.build())
    }

    /// That of the `number`-th instance of a service: whose lines they are is said before them,
    /// if `named`.
    pub(super) fn context_of(&self, number: u64, named: bool) -> Result<WasiCtx, RunError> {
        let mut builder = self.builder(false)?;
        if named && self.switches.inherit_stdout {
            let prefix = format!("stdout [{number}] :: ");
            builder.stdout(Lines::new(Stream::Out, prefix));
        }
        if named && self.switches.inherit_stderr {
            let prefix = format!("stderr [{number}] :: ");
            builder.stderr(Lines::new(Stream::Err, prefix));
        }
        Ok(builder.build())
    }

    fn builder(&self, has_thread: bool) -> Result<WasiCtxBuilder, RunError> {
        let mut builder = WasiCtxBuilder::new();
        builder.allow_blocking_current_thread(has_thread);
        builder.arg(&self.program).args(&self.args).envs(&self.env);
        for dir in &self.dirs {
            builder
                .preopened_dir(&dir.host, &dir.guest, FsPerms::ReadWrite)
                .map_err(|e| RunError::Directory {
                    path: dir.host.clone(),
                    message: format!("{e:#}"),
                })?;
        }
        self.switch(&mut builder);
        Ok(builder)
    }

    fn switch(&self, builder: &mut WasiCtxBuilder) {
        let switches = &self.switches;
        if switches.inherit_stdin {
            builder.inherit_stdin();
        }
        if switches.inherit_stdout {
            builder.inherit_stdout();
        }
        if switches.inherit_stderr {
            builder.inherit_stderr();
        }
        if switches.inherit_network {
            builder.inherit_network();
        }
        if let Some(cwd) = &switches.cwd {
            builder.initial_cwd(cwd);
        }
        builder
            .allow_ip_name_lookup(switches.allow_ip_name_lookup)
            .allow_tcp(switches.tcp.unwrap_or(switches.inherit_network))
            .allow_udp(switches.udp.unwrap_or(switches.inherit_network));
    }
}
