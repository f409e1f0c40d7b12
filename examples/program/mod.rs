//! Where the rr-dap executable is that examples start as a replayer.

use std::path::PathBuf;

/// `$RR_DAP`, or the executable beside the folder of examples.
pub fn rr_dap() -> std::io::Result<PathBuf> {
    if let Some(program) = std::env::var_os("RR_DAP") {
        return Ok(program.into());
    }
    let example = std::env::current_exe()?;
    let folder = example.parent().and_then(|folder| folder.parent());
    Ok(folder.map_or_else(|| PathBuf::from("rr-dap"), |folder| folder.join("rr-dap")))
}
