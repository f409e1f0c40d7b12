//! What a module says of the types of its functions: how many values each takes and returns.

use std::ops::Range;
use wasmparser as wp;

/// The types of a module's functions, and where their bodies are.
#[derive(Debug, Clone, Default)]
pub struct FunctionTypes {
    types: Vec<wp::SubType>,
    /// Types of functions, imported ones first.
    functions: Vec<u32>,
    imported: u32,
    tags: Vec<u32>,
    bodies: Vec<Range<u32>>,
}

impl FunctionTypes {
    /// Reads them; what is malformed ends it.
    pub fn read(module: &[u8]) -> FunctionTypes {
        let mut read = FunctionTypes::default();
        // A component's modules have been validated, so nothing of this fails.
        _ = read.fill(module);
        read
    }

    fn fill(&mut self, module: &[u8]) -> Result<(), wp::BinaryReaderError> {
        for payload in wp::Parser::new(0).parse_all(module) {
            match payload? {
                wp::Payload::TypeSection(section) => {
                    for group in section {
                        self.types.extend(group?.into_types());
                    }
                }
                wp::Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        match import?.ty {
                            wp::TypeRef::Func(ty) | wp::TypeRef::FuncExact(ty) => {
                                self.functions.push(ty);
                                self.imported += 1;
                            }
                            wp::TypeRef::Tag(tag) => self.tags.push(tag.func_type_idx),
                            _ => {}
                        }
                    }
                }
                wp::Payload::FunctionSection(section) => {
                    for ty in section {
                        self.functions.push(ty?);
                    }
                }
                wp::Payload::TagSection(section) => {
                    for tag in section {
                        self.tags.push(tag?.func_type_idx);
                    }
                }
                wp::Payload::CodeSectionEntry(body) => {
                    let range = body.range();
                    self.bodies.push(range.start as u32..range.end as u32);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The body of a function, by its index in the module; `None` for an imported one.
    pub fn body(&self, function: u32) -> Option<Range<u32>> {
        let defined = function.checked_sub(self.imported)?;
        self.bodies.get(defined as usize).cloned()
    }

    /// Whether a function is one that the module imports.
    pub fn is_imported(&self, function: u32) -> bool {
        function < self.imported
    }

    /// The type of the function whose body this is.
    pub(super) fn type_of_body(&self, body: &Range<u32>) -> Option<u32> {
        let defined = self.bodies.iter().position(|of| of == body)?;
        let index = (self.imported as usize).checked_add(defined)?;
        self.functions.get(index).copied()
    }

    pub(super) fn sub_type(&self, index: u32) -> Option<&wp::SubType> {
        self.types.get(index as usize)
    }

    pub(super) fn type_of_function(&self, function: u32) -> Option<u32> {
        self.functions.get(function as usize).copied()
    }

    pub(super) fn tag(&self, index: u32) -> Option<u32> {
        self.tags.get(index as usize).copied()
    }
}
