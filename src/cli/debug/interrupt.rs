//! ^C stops what the server is at, and never the prompt.

use super::prompt::{Done, Next, Prompt};
use crate::dap::client::Interrupter;
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

/// `set interrupt-stays on|off`: whether a motion that is interrupted ends where it has come to,
/// or is given up, so that the session stands where it began.
pub(super) fn set_stays(prompt: &mut Prompt, value: &str) -> Done {
    prompt.client.gives_up_when_interrupted(match value {
        "on" | "1" | "" => false,
        "off" | "0" => true,
        other => anyhow::bail!(
            "`{other}` is neither `on` nor `off`: `set interrupt-stays on` has ^C stand where the \
             motion had come to, `off` where it began"
        ),
    });
    Ok(Next::Continue)
}
