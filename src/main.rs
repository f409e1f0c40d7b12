//! The command `rr-dap`.

#![warn(clippy::print_stderr, clippy::print_stdout)]

use std::process::ExitCode;

fn main() -> ExitCode {
    rr_dap::cli::main()
}
