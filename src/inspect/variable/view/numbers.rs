//! The numbers that values are, the library's included.

use crate::inspect::variable::library::{cpp, rust};
use crate::inspect::variable::place::Unavailable;
use crate::inspect::variable::scalar::{self, Number};
use crate::inspect::variable::value::{Look, Of, Value};
use crate::source::Type;

impl Look<'_> {
    /// The number that a value is: a pointer's is its address.
    pub(in crate::inspect) fn numeric(&self, value: &Value) -> Result<Option<Number>, Unavailable> {
        let Of::Type(id) = value.of else {
            return Ok(None);
        };
        Ok(match self.source.resolved(id)?.1 {
            Type::Base { encoding, size, .. } => {
                scalar::number(encoding, &value.place.read(size, self.state)?)
            }
            Type::Enumeration { size, .. } | Type::Pointer { size, .. } => {
                let number = value.place.read_number(size, self.state)?;
                Some(Number::Whole(number.into()))
            }
            Type::Composite(composite) if composite.is_rust => {
                match rust::number_in(self, &composite, &value.place)? {
                    Some(number) => self.numeric(&number)?,
                    None => None,
                }
            }
            Type::Composite(composite) => match cpp::number_in(self, &composite, &value.place) {
                Some(number) => self.numeric(&number)?,
                None => None,
            },
            _ => None,
        })
    }

    /// The whole number that a value is.
    pub(in crate::inspect) fn number(&self, value: &Value) -> Option<i128> {
        match self.numeric(value) {
            Ok(Some(Number::Whole(number))) => Some(number),
            _ => None,
        }
    }
}
