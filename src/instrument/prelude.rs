//! A module of which only what runs before some place is left: it compiles at once, where all
//! of it takes seconds.
//!
//! What else there is traps when it is called. Nothing moves: bodies keep their lengths, and so
//! offsets, indices and positions are those of the whole module.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use wasmparser as wp;

/// A part of a module's code.
#[derive(Debug, Clone)]
pub struct Prelude {
    /// The module, with other functions emptied.
    pub module: Vec<u8>,
    /// Bytes of code that are left.
    pub kept: usize,
    /// Bytes of code that there were.
    pub all: usize,
}

/// What a body says.
struct Body {
    range: Range<usize>,
    /// The functions that it calls or refers to, and where.
    calls: Vec<(usize, u32)>,
}

/// Leaves what is called, from outside or by a start function, until one of these places is
/// come to (offsets in the module), as far as calls say whom they call; and what functions at
/// `besides` call until then.
///
/// # Errors
///
/// If the module cannot be read.
pub fn prelude(
    module: &[u8],
    until: &[u32],
    besides: &[u32],
) -> Result<Prelude, wp::BinaryReaderError> {
    let mut imported = 0;
    let mut roots: Vec<u32> = Vec::new();
    let mut bodies: Vec<Body> = Vec::new();
    for payload in wp::Parser::new(0).parse_all(module) {
        match payload? {
            wp::Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    imported += u32::from(matches!(
                        import?.ty,
                        wp::TypeRef::Func(_) | wp::TypeRef::FuncExact(_)
                    ));
                }
            }
            wp::Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export?;
                    if let wp::ExternalKind::Func | wp::ExternalKind::FuncExact = export.kind {
                        roots.push(export.index);
                    }
                }
            }
            wp::Payload::StartSection { func, .. } => roots.push(func),
            wp::Payload::CodeSectionEntry(body) => bodies.push(read(&body)?),
            _ => {}
        }
    }
    let defined_at = |pc: &u32| {
        let holds = |body: &Body| body.range.contains(&(*pc as usize));
        let index = bodies.iter().position(holds)?;
        Some((index as u32 + imported, *pc as usize))
    };
    let ends: HashMap<u32, usize> = until.iter().filter_map(defined_at).collect();
    roots.extend(
        besides
            .iter()
            .filter_map(defined_at)
            .map(|(index, _)| index),
    );
    roots.extend(callers(&bodies, imported, &ends));
    roots.extend(ends.keys());

    let mut kept: HashSet<u32> = HashSet::new();
    while let Some(function) = roots.pop() {
        let body = function.checked_sub(imported);
        let Some(body) = body.and_then(|index| bodies.get(index as usize)) else {
            continue;
        };
        if kept.insert(function) {
            let end = ends.get(&function).copied().unwrap_or(usize::MAX);
            let before = body.calls.iter().filter(|(at, _)| *at < end);
            roots.extend(before.map(|(_, callee)| *callee));
        }
    }
    let mut left = Prelude {
        module: module.to_vec(),
        kept: 0,
        all: 0,
    };
    for (index, body) in bodies.iter().enumerate() {
        left.all += body.range.len();
        match kept.contains(&(index as u32 + imported)) {
            true => left.kept += body.range.len(),
            false => {
                if let Some(bytes) = left.module.get_mut(body.range.clone()) {
                    empty(bytes);
                }
            }
        }
    }
    Ok(left)
}

fn read(body: &wp::FunctionBody<'_>) -> Result<Body, wp::BinaryReaderError> {
    let mut calls = Vec::new();
    for operator in body.get_operators_reader()?.into_iter_with_offsets() {
        let (operator, at) = operator?;
        if let wp::Operator::Call { function_index }
        | wp::Operator::ReturnCall { function_index }
        | wp::Operator::RefFunc { function_index } = operator
        {
            calls.push((at, function_index));
        }
    }
    Ok(Body {
        range: body.range(),
        calls,
    })
}

/// Whoever calls these functions, or calls who does.
fn callers(bodies: &[Body], imported: u32, of: &HashMap<u32, usize>) -> HashSet<u32> {
    let mut by_callee: HashMap<u32, Vec<u32>> = HashMap::new();
    for (index, body) in bodies.iter().enumerate() {
        for (_, callee) in &body.calls {
            let callers = by_callee.entry(*callee).or_default();
            callers.push(index as u32 + imported);
        }
    }
    let mut found = HashSet::new();
    let mut open: Vec<u32> = of.keys().copied().collect();
    while let Some(function) = open.pop() {
        for caller in by_callee.get(&function).into_iter().flatten() {
            if found.insert(*caller) {
                open.push(*caller);
            }
        }
    }
    found
}

/// Engines take so many labels in one `br_table`: a few less than 65,520.
const MOST_LABELS: usize = 65_000;

/// A body of the same length that traps: no locals, `unreachable`, and as few instructions as
/// fill it, as each costs a compiler something.
fn empty(body: &mut [u8]) {
    const UNREACHABLE: u8 = 0x00;
    const NOP: u8 = 0x01;
    const END: u8 = 0x0b;
    const BR_TABLE: u8 = 0x0e;
    // The shortest body has no room for an instruction, and does nothing.
    let [locals, first, rest @ .., last] = body else {
        return;
    };
    *locals = 0;
    *first = UNREACHABLE;
    *last = END;
    for filled in rest.chunks_mut(MOST_LABELS) {
        match filled {
            // How many labels there are, in five bytes, all of them the function's own, which
            // is 0; and that for all other values.
            [table, a, b, c, d, e, labels @ .., default] => {
                let count = labels.len();
                *table = BR_TABLE;
                for (at, byte) in [a, b, c, d, e].into_iter().enumerate() {
                    let more = if at < 4 { 0x80 } else { 0 };
                    *byte = (count >> (7 * at)) as u8 & 0x7f | more;
                }
                labels.fill(0);
                *default = 0;
            }
            short => short.fill(NOP),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Engines bound the length of one instruction.
    #[test]
    fn functions_of_any_length_are_emptied() {
        for nops in [0, 5, 6, 7, 64_999, 65_000, 65_005, 65_530, 200_000] {
            let nops = "nop ".repeat(nops);
            let text = format!(
                r#"(module (func $main (export "run")) (func $long {nops}) (func (call $long)))"#
            );
            let module = wat::parse_str(text).unwrap();
            let left = prelude(&module, &[], &[]).unwrap();
            wp::Validator::new().validate_all(&left.module).unwrap();
            assert_eq!(left.module.len(), module.len());
            assert!(left.kept < left.all);
        }
    }

    #[test]
    fn what_runs_until_a_function_is_left_and_all_else_traps_in_its_place() {
        let module = wat::parse_str(
            r#"(module
                (import "m" "f" (func $imported))
                (func $prepare (call $imported))
                (func $never (param i32) (result i32) (local i64)
                    (i32.add (local.get 0) (i32.mul (i32.const 7) (i32.const 7))))
                (func $main (call $work))
                (func $work (drop (call $never (i32.const 1))))
                (func $around (call $main))
                (func $start (export "run") (call $prepare) (call $around) (call $imported))
                (func $nothing))"#,
        )
        .unwrap();
        let code = |bytes: &[u8]| -> Vec<Range<usize>> {
            let payloads = wp::Parser::new(0).parse_all(bytes);
            let bodies = payloads.filter_map(|payload| match payload.unwrap() {
                wp::Payload::CodeSectionEntry(body) => Some(body.range()),
                _ => None,
            });
            bodies.collect()
        };
        let bodies = code(&module);
        let left = prelude(&module, &[bodies[2].start as u32 + 1], &[]).unwrap();
        wp::Validator::new().validate_all(&left.module).unwrap();
        assert_eq!(code(&left.module), bodies);
        let same =
            |index: usize| left.module[bodies[index].clone()] == module[bodies[index].clone()];
        assert_eq!(
            [0, 1, 2, 3, 4, 5, 6].map(same),
            [true, false, true, false, true, true, true]
        );
        assert_eq!(left.all, bodies.iter().map(Range::len).sum::<usize>());
        assert!(left.kept < left.all);
        // All that there is, where nothing ends it.
        let all = prelude(&module, &[], &[bodies[3].start as u32]).unwrap();
        assert_eq!(all.kept + bodies[6].len(), all.all);
    }
}
