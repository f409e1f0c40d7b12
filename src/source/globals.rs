//! The globals of a module that places of variables count from.

use wasmparser::{ConstExpr, GlobalSectionReader, Operator};

/// What a module says of its globals.
#[derive(Debug, Default)]
pub(super) struct Globals {
    /// The values of those that never change, by index.
    constants: Vec<Option<u64>>,
    /// `__tls_base`, by its index: it holds where the variables of a thread start.
    pub(super) tls_base: Option<u32>,
}

impl Globals {
    /// One is imported: its value is not the module's to say.
    pub(super) fn import(&mut self) {
        self.constants.push(None);
    }

    /// The module's own.
    pub(super) fn read(&mut self, globals: GlobalSectionReader<'_>) {
        let globals = globals.into_iter().map_while(Result::ok);
        self.constants.extend(globals.map(|global| {
            let value = constant(&global.init_expr).filter(|_| !global.ty.mutable);
            value.map(u64::from)
        }));
    }

    /// The value of one that never changes.
    pub(super) fn constant(&self, global: u32) -> Option<u64> {
        self.constants.get(global as usize).copied().flatten()
    }
}

/// The value of an expression that is one constant of at most 32 bits.
pub(super) fn constant(expression: &ConstExpr<'_>) -> Option<u32> {
    let mut operators = expression.get_operators_reader();
    match operators.read().ok()? {
        Operator::I32Const { value } => Some(value.cast_unsigned()),
        Operator::I64Const { value } => u32::try_from(value).ok(),
        _ => None,
    }
}
