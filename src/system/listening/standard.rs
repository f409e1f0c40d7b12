//! Standard input and output.

use super::call::Call;
use super::hearing::Hearing;
use crate::inspect::hostcall::lift::Lifted;

/// What is known of the program's standard streams.
#[derive(Debug, Default)]
pub(super) struct Standard {}

impl Standard {
    /// A function is called.
    pub(super) fn called(&mut self, _heard: &mut Hearing, _call: &Call<'_>) {}

    /// A function has answered.
    pub(super) fn answered(
        &mut self,
        _heard: &mut Hearing,
        _call: &Call<'_>,
        _answer: Option<&Lifted>,
    ) {
    }
}
