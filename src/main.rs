//! The command `rr-dap`.

use std::process::ExitCode;

fn main() -> ExitCode {
    rr_dap::cli::main()
}
