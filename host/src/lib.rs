//! The WASI host: WASI 0.2, 0.3 and HTTP, linked for one concrete store type.
//!
//! Wasmtime's glue for host functions is generic over the store's data. It is by far the
//! most of what the compiler generates here, and changes least; so it is generated once, in
//! a package of its own, for [`Host`].

#![warn(missing_docs, clippy::print_stderr, clippy::print_stdout)]

pub mod service;

pub use hyper::Error as HttpError;
use std::any::Any;
use wasmtime::Engine;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView, default_hooks};

/// The data of a store whose guest has WASI.
pub struct Host {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    companion: Box<dyn Any + Send>,
}

impl Host {
    /// The data of a store with this WASI context. The `companion` is whatever the store's
    /// maker wants to find in it again, such as a recorder.
    pub fn new(wasi: WasiCtx, companion: impl Any + Send) -> Host {
        Host {
            wasi,
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
            companion: Box::new(companion),
        }
    }

    /// What the store's maker keeps in it; `None` if that is of another type.
    pub fn companion<T: Any>(&self) -> Option<&T> {
        self.companion.downcast_ref()
    }

    /// The same, to change it.
    pub fn companion_mut<T: Any>(&mut self) -> Option<&mut T> {
        self.companion.downcast_mut()
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

/// Which interfaces a guest finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interfaces {
    /// Those of WASI itself: `wasi:cli` and what it includes.
    pub cli: bool,
    /// `wasi:http`: outgoing requests, and the types of incoming ones.
    pub http: bool,
    /// Version 0.3 beside 0.2 of those.
    pub p3: bool,
    /// The unstable `network-error-code` of `wasi:sockets/network`.
    pub network_error_code: bool,
}

impl Interfaces {
    /// All that there are and that are stable.
    pub const ALL: Interfaces = Interfaces {
        cli: true,
        http: true,
        p3: true,
        network_error_code: false,
    };
}

/// A linker with these interfaces, whose host functions are asynchronous: guests are called
/// by `call_async`.
///
/// # Errors
///
/// If an interface cannot be defined, which only a fault of this package makes happen.
pub fn linker(engine: &Engine, interfaces: Interfaces) -> wasmtime::Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    if interfaces.cli {
        let mut options = wasmtime_wasi::p2::bindings::LinkOptions::default();
        options.network_error_code(interfaces.network_error_code);
        wasmtime_wasi::p2::add_to_linker_with_options_async(&mut linker, &options)?;
        if interfaces.p3 {
            wasmtime_wasi::p3::add_to_linker(&mut linker)?;
        }
    }
    if interfaces.http {
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
        if interfaces.p3 {
            wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
        }
    }
    Ok(linker)
}
