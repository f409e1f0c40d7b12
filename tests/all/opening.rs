//! What opening a recording of a large guest takes, piece by piece. Measures, and is
//! therefore not run unasked:
//!
//! `RR_DAP_GUEST=APP.wasm cargo test --test all opening -- --ignored --nocapture`

use rr_dap::component::{Component, component_bytes};
use rr_dap::replay::Code;
use rr_dap::source::ModuleSource;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    println!("{:8.1} ms  {what}", start.elapsed().as_secs_f64() * 1e3);
    done
}

#[test]
#[ignore = "measures"]
fn reading_a_large_guest() {
    let guest = std::env::var("RR_DAP_GUEST").expect("RR_DAP_GUEST names a guest");
    let bytes = timed("read", || component_bytes(Path::new(&guest)).unwrap());
    let component = timed("parse", || Component::parse(bytes).unwrap());
    for (i, module) in component.modules().enumerate() {
        let module: Arc<[u8]> = module.into();
        if module.len() < 100_000 {
            continue;
        }
        println!("core module {i}, {} KB", module.len() / 1024);
        timed("code", || Code::read(module.clone()).unwrap());
        let source = timed("units", || ModuleSource::read(module.clone()).unwrap());
        timed("has lines", || source.has_lines());
        let middle = module.len() as u32 / 8;
        timed("function at a place", || {
            source.function_at(middle).is_some()
        });
        timed("line of a place", || source.line_at(middle));
        timed("all functions", || source.functions().count());
        timed("all body starts", || {
            source.functions().map(|f| source.body_start(f)).max()
        });
        timed("by name", || source.functions_named("main").len());
        timed("a line's places", || {
            let files: Vec<String> = source.files().map(|(_, f)| f.to_owned()).collect();
            let file = files.iter().find(|f| f.ends_with("main.rs"));
            file.map(|file| source.breakpoint_places(file, 20).len())
        });
    }
}
