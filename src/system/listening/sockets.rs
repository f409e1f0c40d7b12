//! `wasi:sockets`, 0.2 and 0.3: TCP connections and UDP datagrams.

use super::call::Call;
use super::hearing::Hearing;
use crate::inspect::hostcall::lift::Lifted;

/// What a handle of `wasi:sockets` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Thing {}

/// A function is called.
pub(super) fn called(_heard: &mut Hearing, _call: &Call<'_>) {}

/// A function has answered.
pub(super) fn answered(_heard: &mut Hearing, _call: &Call<'_>, _answer: Option<&Lifted>) {}
