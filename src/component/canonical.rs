//! Canonical definitions: their options, and what of them cannot be recorded.

use super::error::ParseError;
use super::layout::MAX_FLAT_PARAMS;
use super::types::{FunctionType, StringEncoding, ValueType};
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
    /// Lists, records and the like are passed as references, not through memory.
    pub(super) is_gc: bool,
    pub(super) encoding: StringEncoding,
}

impl Options {
    pub(super) fn read(options: &[CanonicalOption]) -> Options {
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
                CanonicalOption::Gc => read.is_gc = true,
                // What validation says of the core function's type.
                CanonicalOption::CoreType(_) => {}
            }
        }
        read
    }

    /// Refuses the `gc` option, where nothing is known of what it would pass.
    pub(super) fn without_gc(self, at: usize) -> Result<Options, ParseError> {
        match self.is_gc {
            true => Err(unsupported("a built-in with the canonical option `gc`", at)),
            false => Ok(self),
        }
    }

    /// Refuses what the `gc` option passes as references: Wasmtime 48 does not compile it, or
    /// does not run it. Numbers are passed as they are without that option.
    pub(super) fn check_gc(&self, ty: &FunctionType, at: usize) -> Result<(), ParseError> {
        let are_flat = ty.params.len() <= MAX_FLAT_PARAMS
            && ty.params.iter().all(|(_, ty)| is_number(ty))
            && ty.result.as_ref().is_none_or(is_number);
        match self.is_gc && (self.is_async || !are_flat) {
            true => Err(unsupported(
                "a function with the canonical option `gc` that passes more than numbers",
                at,
            )),
            false => Ok(()),
        }
    }
}

/// Whether it is one core number, whatever the options.
fn is_number(ty: &ValueType) -> bool {
    use ValueType as V;
    match ty {
        V::Bool | V::Char | V::F32 | V::F64 | V::Enum(_) => true,
        V::S8 | V::U8 | V::S16 | V::U16 | V::S32 | V::U32 | V::S64 | V::U64 => true,
        V::Flags(flags) => flags.labels.len() <= 32,
        _ => false,
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
