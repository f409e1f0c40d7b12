//! How much there is inside of a value.

/// How many children a value has, and how they are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildCount {
    /// A scalar, an empty container, or a value that is not available.
    None,
    /// By names: fields, cases, or what a pointer points to.
    Named(u64),
    /// By numbers: elements, to be fetched in pages.
    Indexed(u64),
}
