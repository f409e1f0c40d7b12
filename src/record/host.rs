//! The data of a recorded store, and the imports it can answer.

use super::{Recorder, Switches, add_to_linker};
use wasmtime::Engine;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView, default_hooks};

/// The data of a recorded store.
pub(super) struct Host {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    recorder: Recorder,
}

impl Host {
    pub(super) fn new(wasi: WasiCtx, recorder: Recorder) -> Host {
        Host {
            wasi,
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
            recorder,
        }
    }

    fn recorder(&mut self) -> Recorder {
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

impl WasiHttpView for Host {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: default_hooks(),
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

/// The interfaces that these switches give a guest, and the recorder's.
pub(super) fn linker(engine: &Engine, switches: &Switches) -> wasmtime::Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    if switches.cli {
        let mut options = wasmtime_wasi::p2::bindings::LinkOptions::default();
        options.network_error_code(switches.network_error_code);
        wasmtime_wasi::p2::add_to_linker_with_options_async(&mut linker, &options)?;
        if switches.p3 {
            wasmtime_wasi::p3::add_to_linker(&mut linker)?;
        }
    }
    if switches.http {
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
        if switches.p3 {
            wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
        }
    }
    add_to_linker(&mut linker, Host::recorder)?;
    Ok(linker)
}

/// What to do about an import that nothing answers, where something can be done.
pub(super) fn remedy(import: &str, switches: &Switches) -> &'static str {
    let package = import.split(['/', '@']).next().unwrap_or(import);
    match package {
        "wasi:http" if !switches.http => "; open it with -S http",
        _ if package.starts_with("wasi:") && !switches.cli => "; open it with -S cli",
        _ if import.contains("@0.3.") && !switches.p3 => "; open it with -S p3",
        _ if package.starts_with("wasi:") => {
            "; this part of WASI, or its version, has no host here"
        }
        _ => {
            "; it is not of WASI: join the component with one that exports it, \
             for instance with `wac plug`"
        }
    }
}
