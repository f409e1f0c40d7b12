//! Values as rows: what all of them have in common, whatever they are values of.

use super::{address, data};
use crate::component::types::CoreValue;
use crate::debuggee::{Children, Format, Page, ValueKind, VariableView};
use crate::inspect::expression::core_text_in;
use crate::inspect::variable::variables::Variable;
use crate::replay::InstanceId;
use crate::timeline::travel::motion::MemoryRange;

/// A page of memory or list that a client asks for without saying how much.
const WHOLE_PAGE: u64 = 10_000;

/// The rows that a page asks for.
pub(super) fn range_of(page: Page) -> std::ops::Range<u64> {
    let start = page.start as u64;
    let count = page.count.map_or(WHOLE_PAGE, |count| count as u64);
    start..start.saturating_add(count)
}

/// Steps are separated by slashes, so names must not hold any.
pub(super) fn encode(text: &str) -> String {
    text.replace('%', "%25").replace('/', "%2f")
}

pub(super) fn decode(text: &str) -> String {
    text.replace("%2f", "/").replace("%25", "%")
}

pub(super) fn view(
    variable: &Variable,
    path: &str,
    expression: Option<String>,
    instance: InstanceId,
) -> VariableView {
    let memory = variable.points_to.or(variable.address);
    VariableView {
        name: variable.name.clone(),
        value: variable.value.clone(),
        type_name: Some(variable.type_name.clone()),
        children: Children::counted(path, variable.children),
        memory: memory.map(|at| address::memory(instance, at)),
        data: variable
            .address
            .filter(|_| variable.size > 0)
            .map(|address| {
                data::id_of(MemoryRange {
                    instance,
                    memory: 0,
                    address,
                    length: u32::try_from(variable.size).unwrap_or(u32::MAX),
                })
            }),
        evaluate_name: expression,
        kind: ValueKind::Data,
        lazy: false,
        declared: None,
    }
}

pub(super) fn plain(name: String, value: String, ty: &str) -> VariableView {
    VariableView {
        name,
        value,
        type_name: Some(ty.to_owned()),
        ..VariableView::default()
    }
}

pub(super) fn core_view(name: String, value: CoreValue, format: Format) -> VariableView {
    let ty = match value {
        CoreValue::I32(_) => "i32",
        CoreValue::I64(_) => "i64",
        CoreValue::F32(_) => "f32",
        CoreValue::F64(_) => "f64",
        CoreValue::V128(_) => "v128",
        CoreValue::Ref(_) => "ref",
    };
    plain(name, core_text_in(value, format.notation), ty)
}
