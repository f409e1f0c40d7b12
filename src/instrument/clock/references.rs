//! Functions that can be called otherwise than by name from their own module.

use super::ClockError;
use std::collections::HashSet;
use wasmparser::{ElementItems, ExternalKind, Operator, OperatorsReader, Payload, TableInit};

/// Adds the functions that a section exports, starts with, or takes references to.
pub(super) fn read(payload: &Payload<'_>, found: &mut HashSet<u32>) -> Result<(), ClockError> {
    match payload {
        Payload::StartSection { func, .. } => _ = found.insert(*func),
        Payload::ExportSection(exports) => {
            for export in exports.clone() {
                let export = export?;
                if let ExternalKind::Func | ExternalKind::FuncExact = export.kind {
                    found.insert(export.index);
                }
            }
        }
        Payload::ElementSection(elements) => {
            for element in elements.clone() {
                read_items(element?.items, found)?;
            }
        }
        Payload::GlobalSection(globals) => {
            for global in globals.clone() {
                read_expression(global?.init_expr.get_operators_reader(), found)?;
            }
        }
        Payload::TableSection(tables) => {
            for table in tables.clone() {
                if let TableInit::Expr(expression) = table?.init {
                    read_expression(expression.get_operators_reader(), found)?;
                }
            }
        }
        _ => {}
    }
    Ok(())
}

fn read_items(items: ElementItems<'_>, found: &mut HashSet<u32>) -> Result<(), ClockError> {
    match items {
        ElementItems::Functions(functions) => {
            for function in functions {
                found.insert(function?);
            }
        }
        ElementItems::Expressions(_, expressions) => {
            for expression in expressions {
                read_expression(expression?.get_operators_reader(), found)?;
            }
        }
    }
    Ok(())
}

fn read_expression(
    mut operators: OperatorsReader<'_>,
    found: &mut HashSet<u32>,
) -> Result<(), ClockError> {
    while !operators.eof() {
        if let Operator::RefFunc { function_index } = operators.read()? {
            found.insert(function_index);
        }
    }
    Ok(())
}
