//! Guests of `.wat` with lines: statements of the stack machine, in a source map.

use rr_dap::component::Component;
use std::fmt::Write;
use std::path::Path;
use wasmparser::{FunctionBody, Operator, Parser, Payload};

/// A fixture with lines, as a fixture.
pub fn lined(fixture: &str) -> &'static str {
    let text = std::fs::read_to_string(super::fixture(fixture)).expect("a fixture");
    lined_text(&fixture.replace('/', "-"), &text)
}

/// A guest with lines, as a fixture: each core module has a source of its own, and a line
/// ends with what leaves the operand stack as it was.
pub fn lined_text(name: &str, text: &str) -> &'static str {
    lined_by(name, text, statements)
}

/// The same with a line at each `nop`, and no others.
pub fn lined_at_nops(name: &str, text: &str) -> &'static str {
    lined_by(name, text, nops)
}

fn lined_by(name: &str, text: &str, starts: fn(&FunctionBody<'_>) -> Vec<usize>) -> &'static str {
    let bytes = wat::parse_str(text).expect("a component");
    let component = Component::parse(bytes).expect("a component");
    let mut maps = component.modules().enumerate();
    let mut parts = text.split_inclusive("(core module $");
    let mut lined = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (module_name, rest) = part.split_once('\n').expect("a module's name");
        let (index, module) = maps.next().expect("as many modules");
        let map = source_map(index, module, starts).replace('"', "\\\"");
        writeln!(
            lined,
            "{module_name} (@custom \"rr-dap.source-map\" \"{map}\")"
        )
        .expect("a text");
        lined.push_str(rest);
    }
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
    // Tests run side by side: each finds the whole file.
    let mut file = tempfile::NamedTempFile::new_in(dir).expect("a file");
    std::io::Write::write_all(&mut file, lined.as_bytes()).expect("room");
    let path = dir.join(format!("lined-{name}"));
    file.persist(&path).expect("a file");
    path.into_os_string().into_string().expect("a path").leak()
}

fn source_map(index: usize, module: &[u8], starts: fn(&FunctionBody<'_>) -> Vec<usize>) -> String {
    let mut mappings = String::new();
    let (mut column, mut first) = (0, true);
    for payload in Parser::new(0).parse_all(module) {
        let Ok(Payload::CodeSectionEntry(body)) = payload else {
            continue;
        };
        for start in starts(&body) {
            // Column, source, line, column of the source: each but the first is a difference.
            if !first {
                mappings.push(',');
            }
            number(&mut mappings, start as i64 - column);
            mappings.push_str(if first { "AAA" } else { "ACA" });
            (column, first) = (start as i64, false);
        }
    }
    format!(
        r#"{{"version":3,"sources":["/lined/module-{index}.src"],"names":[],"mappings":"{mappings}"}}"#
    )
}

fn nops(body: &FunctionBody<'_>) -> Vec<usize> {
    let mut operators = body.get_operators_reader().expect("code");
    let mut starts = Vec::new();
    while !operators.eof() {
        let start = operators.original_position();
        if let Operator::Nop = operators.read().expect("an instruction") {
            starts.push(start);
        }
    }
    starts
}

/// Where statements begin.
fn statements(body: &FunctionBody<'_>) -> Vec<usize> {
    let mut operators = body.get_operators_reader().expect("code");
    let mut starts = Vec::new();
    let mut begins = true;
    while !operators.eof() {
        let start = operators.original_position();
        let operator = operators.read().expect("an instruction");
        if begins {
            starts.push(start);
        }
        begins = matches!(
            operator,
            Operator::LocalSet { .. }
                | Operator::GlobalSet { .. }
                | Operator::I32Store { .. }
                | Operator::Drop
                | Operator::Return
                | Operator::Br { .. }
                | Operator::BrIf { .. }
                | Operator::Loop { .. }
                | Operator::End
                | Operator::Throw { .. }
                | Operator::ThrowRef
        );
    }
    starts
}

/// A number as source maps have it: five bits a digit, the sign lowest.
fn number(text: &mut String, value: i64) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut rest = (value.unsigned_abs() << 1) | u64::from(value < 0);
    loop {
        let more = u64::from(rest > 31) << 5;
        text.push(DIGITS[((rest & 31) | more) as usize].into());
        rest >>= 5;
        if rest == 0 {
            break;
        }
    }
}
