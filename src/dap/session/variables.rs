//! `variables` and `locations`.

use super::convert::count;
use super::{Handled, Reply, Session};
use crate::dap::protocol::{
    LocationsArguments, LocationsResponse, Refusal, ValueFormat, Variable,
    VariablePresentationHint, VariablePresentationHintAttributes, VariablePresentationHintKind,
    VariablesArguments, VariablesArgumentsFilter, VariablesResponse,
};
use crate::debuggee::{ChildKind, Format, Page, ValueKind, VariableView};
use crate::inspect::Notation;

pub(super) fn variables(
    session: &mut Session,
    arguments: VariablesArguments,
) -> Handled<VariablesResponse> {
    let number = arguments.variables_reference;
    let of = session.values.thing(number).cloned();
    let of = of.ok_or_else(|| Refusal::because(format!("there is nothing of number {number}")))?;
    let whole = |number: i64| usize::try_from(number).unwrap_or(0);
    let page = Page {
        filter: arguments.filter.map(|filter| match filter {
            VariablesArgumentsFilter::Indexed => ChildKind::Indexed,
            VariablesArgumentsFilter::Named => ChildKind::Named,
        }),
        start: arguments.start.map_or(0, whole),
        // The protocol says that zero is all.
        count: arguments.count.filter(|count| *count > 0).map(whole),
    };
    let format = format_in(arguments.format.as_ref());
    let found = session.debuggee()?.variables(&of, page, format)?;
    let variables = found
        .into_iter()
        .map(|view| session.variable_out(view))
        .collect();
    Reply::now(VariablesResponse { variables })
}

pub(super) fn locations(
    session: &mut Session,
    arguments: LocationsArguments,
) -> Handled<LocationsResponse> {
    let number = arguments.location_reference;
    let place = session.locations.thing(number).cloned();
    let (source, point) =
        place.ok_or_else(|| Refusal::because(format!("there is no location {number}")))?;
    Reply::now(LocationsResponse {
        source: session.source_out(&source),
        line: session.line_out(point.line),
        column: point.column.map(|column| session.column_out(column)),
        ..LocationsResponse::default()
    })
}

pub(super) fn format_in(format: Option<&ValueFormat>) -> Format {
    Format {
        notation: notation_in(format.and_then(|format| format.hex)),
    }
}

/// What the protocol's one switch means.
pub(super) fn notation_in(hex: Option<bool>) -> Notation {
    match hex {
        Some(true) => Notation::Hexadecimal,
        Some(false) | None => Notation::Natural,
    }
}

pub(super) fn presentation(view: &VariableView) -> VariablePresentationHint {
    VariablePresentationHint {
        kind: Some(match view.kind {
            ValueKind::Data => VariablePresentationHintKind::Data,
            ValueKind::Virtual => VariablePresentationHintKind::Virtual,
        }),
        // Nothing of the past can be written.
        attributes: Some(vec![VariablePresentationHintAttributes::ReadOnly]),
        visibility: None,
        lazy: view.lazy.then_some(true),
    }
}

impl Session {
    fn variable_out(&mut self, view: VariableView) -> Variable {
        let children = view.children.as_ref();
        let presentation_hint = Some(presentation(&view));
        Variable {
            presentation_hint,
            variables_reference: children.map_or(0, |inside| self.values.number(&inside.values)),
            named_variables: children.and_then(|inside| inside.named).map(count),
            indexed_variables: children.and_then(|inside| inside.indexed).map(count),
            name: view.name,
            value: view.value,
            type_field: view
                .type_name
                .filter(|_| self.client.supports_variable_type),
            evaluate_name: view.evaluate_name,
            memory_reference: view
                .memory
                .filter(|_| self.client.supports_memory_references),
            declaration_location_reference: view
                .declared
                .map(|place| self.locations.number(&place)),
            ..Variable::default()
        }
    }
}
