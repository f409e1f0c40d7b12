//! What functions take and return, as declarations of them would say.

use super::entries::Entries;
use super::error::SourceError;
use super::types::{TypeText, Types};
use super::units::EntryId;
use gimli::DwTag;

/// More parameters than any function has.
const MOST: usize = 256;

/// What a function takes and returns.
#[derive(Debug, Default)]
struct Signature {
    result: Option<EntryId>,
    parameters: Vec<Option<EntryId>>,
    /// Whether more may follow: `printf(const char *, ...)`.
    is_variadic: bool,
}

/// A function's type as its language writes it: `int (struct item *, const char *)`,
/// `fn(&Account) -> u32`.
pub(super) fn signature(
    entries: &Entries,
    types: Types<'_>,
    function: EntryId,
) -> Result<String, SourceError> {
    let signature = read(entries, function)?;
    let names = TypeText(types);
    let is_rust = entries.units.is_rust(function.unit);
    let mut parameters: Vec<String> = signature
        .parameters
        .iter()
        .map(|parameter| names.of(*parameter))
        .collect();
    if signature.is_variadic {
        parameters.push("...".to_owned());
    }
    let parameters = parameters.join(", ");
    Ok(match (is_rust, signature.result) {
        (true, None) => format!("fn({parameters})"),
        (true, result) => format!("fn({parameters}) -> {}", names.of(result)),
        (false, result) => {
            let result = names.of(result);
            let parameters = if parameters.is_empty() {
                "void"
            } else {
                &parameters
            };
            let space = if result.ends_with('*') { "" } else { " " };
            format!("{result}{space}({parameters})")
        }
    })
}

fn read(entries: &Entries, function: EntryId) -> Result<Signature, SourceError> {
    let die = entries.units.entry(function)?;
    let declared = entries.declaration(function.unit, die.attrs());
    // A copy of a function may have lost parameters that the function has.
    let mut attributes = die.attrs().iter();
    let origin = attributes.find(|a| a.name() == gimli::DW_AT_abstract_origin);
    let origin = origin.and_then(|of| entries.units.reference(function.unit, &of.value()).ok());
    let mut signature = Signature {
        result: declared.type_id,
        ..Signature::default()
    };
    let whole = origin.unwrap_or(function);
    let unit = entries.units.of(whole.unit)?;
    let mut children = unit.dwarf.entries_raw(Some(whole.unit_offset()))?;
    let depth = children.next_depth() + 1;
    let mut attributes = Vec::new();
    let mut is_function = true;
    while !children.is_empty() && (is_function || children.next_depth() >= depth) {
        let is_child = children.next_depth() == depth;
        let Some(abbreviation) = children.read_abbreviation()? else {
            continue;
        };
        children.read_attributes(abbreviation.attributes(), &mut attributes)?;
        if is_function && !abbreviation.has_children() {
            break;
        }
        is_function = false;
        let tag: DwTag = abbreviation.tag();
        if is_child && tag == gimli::DW_TAG_formal_parameter {
            let parameter = entries.declaration(whole.unit, &attributes);
            signature.parameters.push(parameter.type_id);
        }
        signature.is_variadic |= is_child && tag == gimli::DW_TAG_unspecified_parameters;
        if signature.parameters.len() > MOST {
            return Err(SourceError::Excessive("a function has too many parameters"));
        }
    }
    Ok(signature)
}
