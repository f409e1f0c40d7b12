//! Who talks to us: standard input and output, TCP, Unix sockets. One session
//! for each client, each on threads of its own.

pub use super::address::{Address, AddressError, ListenError};
use super::backlog::Backlog;
use super::connection::Connection;
use super::outbox::{MessageLog, Outbox};
use super::places::{Place, Places};
use super::protocol::{Incoming, OutputEventBody, OutputEventCategory, Refusal, codec, framing};
use super::session::{Input, Session};
use super::token::{Door, Token};
#[cfg(unix)]
use super::unix_socket::OwnedListener;
use crate::debuggee::Launcher;
use crate::trace::scarce;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

/// Messages read ahead of the session. A client that sends more waits.
const READ_AHEAD: usize = 256;
/// Sessions at a time on one listener. Each may have hundreds of processes.
const MOST_SESSIONS: usize = 64;
/// Clients that are being told that there are too many.
const MOST_REFUSED: usize = 16;
/// How long one of those may take to say what it wants, and to hear.
const REFUSAL: Duration = Duration::from_secs(2);

/// What all sessions of a server share.
#[derive(Clone)]
pub struct Server {
    /// Opens what sessions debug.
    pub launcher: Arc<dyn Launcher>,
    /// Where all messages are written, if anywhere.
    pub log: Option<MessageLog>,
    /// What clients must say before they are answered; without one, anybody is.
    pub token: Option<Token>,
    /// How long they have to say it: until then they take the place of another.
    pub knocking: Duration,
    /// How long a stop waits for what was printed on the way to be known, so that it comes
    /// before the stop. In the first session with a program it is known seconds later only:
    /// the code that tells is being compiled.
    pub patience: Duration,
}

impl Server {
    /// A server whose sessions debug what this opens.
    pub fn new(launcher: Arc<dyn Launcher>) -> Server {
        Server {
            launcher,
            log: None,
            token: None,
            knocking: Duration::from_secs(30),
            patience: Duration::from_millis(20),
        }
    }

    /// One session on standard input and output; returns when it has ended.
    pub fn serve_stdio(&self) {
        let stdin = BufReader::new(io::stdin());
        self.serve(stdin, Box::new(io::stdout()));
    }

    /// One session with one client; returns when it has ended.
    pub fn serve(&self, reader: impl BufRead + Send + 'static, writer: Box<dyn Write + Send>) {
        let outbox = Outbox::new(writer, self.log.clone());
        let (sender, receiver) = sync_channel(READ_AHEAD);
        let launcher = Arc::clone(&self.launcher);
        let door = Door::new(self.token.clone(), self.knocking);
        let session = Session::new(launcher, outbox, sender.clone(), door, self.patience);
        let log = self.log.clone();
        let reading = std::thread::Builder::new()
            .name("dap-reader".into())
            .spawn(move || read_messages(reader, &sender, log.as_ref()));
        match reading {
            // Not joined: it may wait for a client that will not speak again.
            Ok(_) => session.run(&receiver),
            Err(error) => {
                let remedy = scarce::remedy(&error);
                tracing::error!("no thread for a session: {error}{remedy}");
            }
        }
    }
}

/// Hands on what is read until the stream or the session ends.
fn read_messages(mut reader: impl BufRead, to: &SyncSender<Input>, log: Option<&MessageLog>) {
    let backlog = Backlog::default();
    loop {
        let input = match framing::read_frame(&mut reader) {
            Ok(None) => Input::Gone,
            Ok(Some(body)) => {
                if let Some(log) = log {
                    log.incoming(&body);
                }
                let held = backlog.hold(body.len() as u64);
                Input::Message(body, held)
            }
            Err(error) => {
                if matches!(error, framing::FrameError::Header(_)) {
                    tracing::warn!("a client was sent away: {error}");
                }
                Input::BadFrame(error)
            }
        };
        let last = match &input {
            Input::Gone => true,
            Input::BadFrame(error) => !error.is_recoverable(),
            _ => false,
        };
        if to.send(input).is_err() || last {
            return;
        }
    }
}

/// An open door.
#[derive(Debug)]
pub struct Listener {
    socket: ListeningSocket,
}

#[derive(Debug)]
enum ListeningSocket {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(OwnedListener),
}

impl Listener {
    /// Opens the door: from now on clients can connect, and wait to be served. The socket
    /// that a killed server left at a path is replaced.
    ///
    /// # Errors
    ///
    /// If the address cannot be had.
    pub fn bind(address: &Address) -> Result<Self, ListenError> {
        let failed = |cause| ListenError::Bind {
            address: address.clone(),
            cause,
        };
        let socket = match address {
            Address::Tcp(host) => ListeningSocket::Tcp(TcpListener::bind(host).map_err(failed)?),
            #[cfg(unix)]
            Address::Unix(path) => ListeningSocket::Unix(OwnedListener::bind(address, path)?),
            #[cfg(not(unix))]
            Address::Unix(_) => return Err(failed(io::ErrorKind::Unsupported.into())),
        };
        Ok(Self { socket })
    }

    /// Where clients connect: the port, or the path of the Unix socket.
    ///
    /// # Errors
    ///
    /// If the system does not tell.
    pub fn local(&self) -> io::Result<String> {
        match &self.socket {
            ListeningSocket::Tcp(tcp) => Ok(tcp.local_addr()?.port().to_string()),
            #[cfg(unix)]
            ListeningSocket::Unix(unix) => Ok(format!("unix:{}", unix.path().display())),
        }
    }

    /// Whether others than this host's users may come: it listens beyond the loopback.
    pub fn is_exposed(&self) -> bool {
        match &self.socket {
            // Where the system does not tell, the worse is assumed.
            ListeningSocket::Tcp(tcp) => !tcp
                .local_addr()
                .is_ok_and(|address| address.ip().to_canonical().is_loopback()),
            #[cfg(unix)]
            ListeningSocket::Unix(_) => false,
        }
    }

    /// Tells whoever started the server that it is ready: `LISTENING PORT`
    /// alone on a line, in one write, so that no reader sees half of it.
    ///
    /// # Errors
    ///
    /// As [`Listener::local`], or if it cannot be written.
    pub fn announce(&self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(format!("LISTENING {}\n", self.local()?).as_bytes())?;
        to.flush()
    }

    /// Takes clients, a bounded number at a time, for ever.
    pub fn serve(&self, server: &Server) -> ! {
        let hall = Hall {
            server: server.clone(),
            sessions: Places::new(MOST_SESSIONS),
            refusals: Places::new(MOST_REFUSED),
        };
        let mut is_told = false;
        loop {
            let accepted = match &self.socket {
                ListeningSocket::Tcp(tcp) => {
                    tcp.accept().and_then(|(client, _)| hall.receive(client))
                }
                #[cfg(unix)]
                ListeningSocket::Unix(unix) => {
                    unix.accept().and_then(|client| hall.receive(client))
                }
            };
            if let Err(error) = accepted {
                // Out of descriptors or threads, mostly: others may end soon.
                if !std::mem::replace(&mut is_told, true) {
                    let remedy = scarce::remedy(&error);
                    tracing::warn!("a client was not taken: {error}{remedy}");
                }
                std::thread::sleep(Duration::from_millis(100));
            } else {
                is_told = false;
            }
        }
    }
}

/// Where clients of a listener are, and how many there may be.
struct Hall {
    server: Server,
    sessions: Places,
    refusals: Places,
}

impl Hall {
    fn receive<C: Connection>(&self, client: C) -> io::Result<()> {
        client.prepare()?;
        let (reader, writer) = (client.copy()?, client.copy()?);
        let reader = BufReader::new(reader);
        let name = std::thread::Builder::new().name("dap-session".into());
        let thread = if let Some(place) = self.sessions.take() {
            let server = self.server.clone();
            name.spawn(move || {
                server.serve(reader, Box::new(writer));
                // The reader thread waits on its own copy of the socket.
                client.hang_up();
                drop::<Place>(place);
            })
        } else if let Some(place) = self.refusals.take() {
            client.hurry(REFUSAL)?;
            name.spawn(move || {
                refuse(reader, Box::new(writer));
                client.hang_up();
                drop::<Place>(place);
            })
        } else {
            client.hang_up();
            return Ok(());
        };
        thread.map(drop)
    }
}

/// Tells a client that there are too many: in answer to its first request, where editors show
/// it.
fn refuse(mut reader: impl BufRead, writer: Box<dyn Write + Send>) {
    let message = format!(
        "this server has {MOST_SESSIONS} sessions under way, and takes no more: end one, or \
         start another server"
    );
    tracing::warn!("a client was sent away: there are {MOST_SESSIONS} sessions");
    let outbox = Outbox::new(writer, None);
    match framing::read_frame(&mut reader).map(|body| body.map(|body| codec::decode(&body))) {
        Ok(Some(Ok(Incoming::Request(request)))) => {
            outbox.respond(&request, Err(Refusal::because(message)));
        }
        _ => outbox.output(OutputEventBody {
            category: Some(OutputEventCategory::Important),
            output: format!("rr-dap: {message}\n"),
            ..OutputEventBody::default()
        }),
    }
}
