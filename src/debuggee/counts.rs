//! How often each line and each function ran, over the whole recording.

use std::collections::{BTreeMap, HashMap};

/// How often lines and functions ran, by source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceCounts {
    /// By the paths of the debug information.
    pub sources: HashMap<String, CountsOfSource>,
}

/// How often what is written in one source ran.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CountsOfSource {
    /// Every line that has code, from 1, and its visits: how often a breakpoint there would
    /// stop.
    pub lines: BTreeMap<u32, u64>,
    /// By where they are declared.
    pub functions: Vec<FunctionCounts>,
}

/// How often a function was called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionCounts {
    /// With its path; of instances of a generic function, the first one's.
    pub name: String,
    /// Where it is declared, from 1.
    pub line: u32,
    /// Of all its instances and inlined copies.
    pub calls: u64,
}
