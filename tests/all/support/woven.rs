//! A component of a core module with lines that keeps stacks: `fixtures/motion/woven.c`.

use super::fixture;
use super::walk::{Guest, run};
use std::path::{Path, PathBuf};
use wasmparser::{Parser, Payload};

/// The component, with a module in the place of the one that is compiled.
const AROUND: &str = r#"(component
  (core module $libc (table (export "table") 2 funcref))
  (core instance $l (instantiate $libc))
  (core type $start (func (param i32)))
  (core func $new (canon thread.new-indirect $start (table $l "table")))
  (core func $resume-later (canon thread.resume-later))
  (core func $yield (canon thread.yield))
  (core func $return (canon task.return (result u32)))
  (core module $code
    (import "env" "__indirect_function_table" (table 2 funcref))
    (import "abi" "new" (func (param i32 i32) (result i32)))
    (import "abi" "resume-later" (func (param i32)))
    (import "abi" "yield" (func (result i32)))
    (import "abi" "return" (func (param i32)))
    (func (export "run")))
  (core instance $m (instantiate $code
    (with "env" (instance (export "__indirect_function_table" (table $l "table"))))
    (with "abi" (instance
      (export "new" (func $new)) (export "resume-later" (func $resume-later))
      (export "yield" (func $yield)) (export "return" (func $return))))))
  (func (export "run") async (result u32) (canon lift (core func $m "run") async)))"#;

/// The component with another core module in the place of its second one.
fn with_module(component: &[u8], module: &[u8]) -> Vec<u8> {
    let mut modules = Vec::new();
    for payload in Parser::new(0).parse_all(component) {
        if let Ok(Payload::ModuleSection {
            unchecked_range, ..
        }) = payload
        {
            modules.push(unchecked_range);
        }
    }
    let [_, code] = &modules[..] else {
        panic!("two core modules, and not {}", modules.len());
    };
    // Before its bytes, the section has its number and its length.
    let mut length = Vec::new();
    leb128(code.len(), &mut length);
    let mut made = component[..code.start - length.len() - 1].to_vec();
    made.push(1);
    leb128(module.len(), &mut made);
    made.extend_from_slice(module);
    made.extend_from_slice(&component[code.end..]);
    made
}

fn leb128(mut value: usize, to: &mut Vec<u8>) {
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        match value {
            0 => return to.push(byte),
            _ => to.push(byte | 0x80),
        }
    }
}

/// The component, written into a directory.
pub fn woven(dir: &Path) -> PathBuf {
    let around = wat::parse_str(AROUND).expect("it is a component");
    let module = std::fs::read(fixture("motion/woven-O0.wasm")).expect("the fixture is there");
    let path = dir.join("woven.wasm");
    std::fs::write(&path, with_module(&around, &module)).expect("writes");
    path
}

/// A guest for walks, which is there as long as the directory is.
pub fn guest(dir: &Path) -> Guest {
    let path = woven(dir).to_str().expect("a path of text").to_owned();
    run(Box::leak(path.into_boxed_str()))
}
