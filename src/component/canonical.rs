//! Canonical definitions: their options, and what of them cannot be recorded.

use super::error::ParseError;
use super::types::StringEncoding;
use super::wiring::CoreSort;
use wasmparser::{CanonicalFunction, CanonicalOption, ExternalKind};

/// The canonical options of a definition that can be recorded.
#[derive(Debug, Clone, Default)]
pub(super) struct Options {
    pub(super) memory: Option<u32>,
    pub(super) realloc: Option<u32>,
    pub(super) post_return: Option<u32>,
    pub(super) callback: Option<u32>,
    pub(super) is_async: bool,
    pub(super) encoding: StringEncoding,
}

impl Options {
    pub(super) fn read(options: &[CanonicalOption], at: usize) -> Result<Options, ParseError> {
        let mut read = Options::default();
        for option in options {
            match option {
                CanonicalOption::UTF8 => read.encoding = StringEncoding::Utf8,
                CanonicalOption::UTF16 => read.encoding = StringEncoding::Utf16,
                CanonicalOption::CompactUTF16 => read.encoding = StringEncoding::CompactUtf16,
                CanonicalOption::Memory(memory) => read.memory = Some(*memory),
                CanonicalOption::Realloc(function) => read.realloc = Some(*function),
                CanonicalOption::PostReturn(function) => read.post_return = Some(*function),
                CanonicalOption::Async => read.is_async = true,
                CanonicalOption::Callback(function) => read.callback = Some(*function),
                CanonicalOption::CoreType(_) | CanonicalOption::Gc => {
                    return Err(unsupported("the GC canonical ABI", at));
                }
            }
        }
        Ok(read)
    }
}

pub(super) fn unsupported(construct: &str, offset: usize) -> ParseError {
    ParseError::Unsupported {
        construct: construct.to_owned(),
        offset,
    }
}

/// The spec's name of a canonical built-in (`thread.new-indirect`), made from the
/// name of wasmparser's variant, which spells it in camel case. All built-ins that
/// are not recorded are threads'.
pub(super) fn builtin_name(function: &CanonicalFunction) -> String {
    let debug = format!("{function:?}");
    let variant: &str = debug
        .split(|c: char| !c.is_alphanumeric())
        .next()
        .unwrap_or_default();
    let mut words = Vec::new();
    for c in variant.chars() {
        if c.is_uppercase() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    let name = words.join("-").replacen('-', ".", 1);
    format!("the canonical built-in {name}")
}

pub(super) fn core_sort(kind: ExternalKind) -> CoreSort {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => CoreSort::Func,
        ExternalKind::Memory => CoreSort::Memory,
        ExternalKind::Table => CoreSort::Table,
        ExternalKind::Global => CoreSort::Global,
        ExternalKind::Tag => CoreSort::Tag,
    }
}
