//! The scripted debuggee has no recording to look through.

use super::Demo;
use rr_dap::debuggee::*;

impl Whole for Demo {}
