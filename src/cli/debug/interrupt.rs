//! ^C stops what the server is at, and never the prompt.

use crate::cli::client::Interrupter;
use signal_hook::consts::SIGINT;
use signal_hook::iterator::Signals;
use std::io;

/// From now on SIGINT is passed on to this conversation.
pub(super) fn on_interrupt(interrupter: Interrupter) -> io::Result<()> {
    let mut interrupts = Signals::new([SIGINT])?;
    std::thread::Builder::new()
        .name("rr-dap-interrupts".into())
        .spawn(move || {
            for _ in interrupts.forever() {
                interrupter.interrupt();
            }
        })?;
    Ok(())
}
