//! Asks a server for the same thing again and again, over connections that are kept, and
//! prints how many answers there were in a second and how long they took.
//!
//! `load URL [-c CONNECTIONS] [-n REQUESTS] [-s SECONDS] [-b BYTES]`: 8 connections unless
//! said otherwise; it ends after so many requests or seconds, whichever is first (10 seconds,
//! or 600 where requests are counted). With BYTES each request is a POST with a body of that
//! length, a mebibyte at most. It fails if an answer was not one of HTTP/1.1 or did not come;
//! any status will do.
//!
//! It uses the standard library only: `rustc -O --edition 2024 examples/load.rs` compiles it.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const USAGE: &str = "usage: load URL [-c CONNECTIONS] [-n REQUESTS] [-s SECONDS] [-b BYTES]";
/// No answer within this time is an error.
const PATIENCE: Duration = Duration::from_secs(30);
/// A head or trailers that are longer are an error.
const HEAD: u64 = 64 * 1024;
/// A body is sent before its answer is read: one that is longer, and echoed, would not fit
/// into what lies between.
const MOST_BYTES: u64 = 1 << 20;
/// A connection is given up after so many errors in a row.
const ERRORS_IN_A_ROW: u32 = 10;
/// So many kinds of errors are told apart.
const KINDS: usize = 20;

struct Plan {
    address: SocketAddr,
    request: Vec<u8>,
    connections: usize,
    requests: u64,
    time: Duration,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let plan = match plan(&args) {
        Ok(plan) => plan,
        Err(message) => {
            eprintln!("load: {message}");
            return ExitCode::from(2);
        }
    };
    let begun = AtomicU64::new(0);
    let start = Instant::now();
    let mut all = Taken::new();
    std::thread::scope(|scope| {
        let (plan, begun) = (&plan, &begun);
        let threads: Vec<_> = (0..plan.connections)
            .map(|_| scope.spawn(move || ask_on(plan, begun, start + plan.time)))
            .collect();
        for thread in threads {
            match thread.join() {
                Ok(taken) => all.add(&taken),
                Err(_) => all.error("a thread panicked".to_owned()),
            }
        }
    });
    all.print(start.elapsed());
    if all.errors.is_empty() && all.answers > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn plan(args: &[String]) -> Result<Plan, String> {
    let mut url = None;
    let (mut connections, mut requests, mut seconds, mut bytes) = (8, None, None, None);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if !arg.starts_with('-') && url.is_none() {
            url = Some(arg);
            continue;
        }
        let value: u64 = args
            .next()
            .and_then(|value| value.parse().ok())
            .ok_or_else(|| format!("{arg} needs a whole number\n{USAGE}"))?;
        match arg.as_str() {
            "-c" => connections = value.clamp(1, 1000) as usize,
            "-n" => requests = Some(value),
            "-s" => seconds = Some(value),
            "-b" => bytes = Some(value.min(MOST_BYTES) as usize),
            _ => return Err(format!("{arg} is not an option\n{USAGE}")),
        }
    }
    let url = url.ok_or(USAGE)?;
    let rest = url
        .strip_prefix("http://")
        .ok_or_else(|| format!("{url}: only http:// is spoken"))?;
    let (authority, path) = match rest.find(['/', '?']) {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    let slash = if path.starts_with('/') { "" } else { "/" };
    let with_port = match authority.rsplit_once(':') {
        Some((_, port)) if port.parse::<u16>().is_ok() => authority.to_owned(),
        _ => format!("{authority}:80"),
    };
    let address = with_port
        .to_socket_addrs()
        .map_err(|error| format!("{authority}: {error}"))?
        .next()
        .ok_or_else(|| format!("{authority} has no address"))?;
    let request = match bytes {
        None => format!("GET {slash}{path} HTTP/1.1\r\nhost: {authority}\r\n\r\n").into_bytes(),
        Some(length) => {
            let mut request = format!(
                "POST {slash}{path} HTTP/1.1\r\nhost: {authority}\r\n\
                 content-type: text/plain\r\ncontent-length: {length}\r\n\r\n"
            )
            .into_bytes();
            request.extend((0..length).map(|at| b'a' + (at % 26) as u8));
            request
        }
    };
    let otherwise = if requests.is_some() { 600 } else { 10 };
    Ok(Plan {
        address,
        request,
        connections,
        requests: requests.unwrap_or(u64::MAX),
        time: Duration::from_secs(seconds.unwrap_or(otherwise)),
    })
}

/// Asks over one connection, until the time is over or all requests have begun.
fn ask_on(plan: &Plan, begun: &AtomicU64, end: Instant) -> Taken {
    let mut taken = Taken::new();
    let mut connection = None;
    let mut in_a_row = 0;
    while in_a_row < ERRORS_IN_A_ROW
        && Instant::now() < end
        && begun.fetch_add(1, Ordering::Relaxed) < plan.requests
    {
        let began = Instant::now();
        match ask(plan, &mut connection, end, &mut taken.connections) {
            Ok(answer) => {
                in_a_row = 0;
                taken.answer(&answer, began.elapsed());
                if !answer.is_kept {
                    connection = None;
                }
            }
            Err(error) => {
                in_a_row += 1;
                connection = None;
                taken.error(error.to_string());
            }
        }
    }
    taken
}

type Connection = BufReader<Timed>;

/// A stream that is not read from after a time: an answer may never end.
struct Timed {
    stream: TcpStream,
    end: Instant,
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if Instant::now() > self.end {
            return Err(wrong("an answer did not end".to_owned()));
        }
        self.stream
            .read(buffer)
            .map_err(|error| match error.kind() {
                io::ErrorKind::WouldBlock => wrong(format!("nothing came for {PATIENCE:?}")),
                _ => error,
            })
    }
}

fn ask(
    plan: &Plan,
    kept: &mut Option<Connection>,
    end: Instant,
    connections: &mut u64,
) -> io::Result<Answer> {
    let mut connect = || -> io::Result<Connection> {
        let stream = TcpStream::connect_timeout(&plan.address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        *connections += 1;
        let end = end + PATIENCE;
        Ok(BufReader::with_capacity(16 * 1024, Timed { stream, end }))
    };
    if let Some(connection) = kept {
        // A server may close a connection that nothing is asked on.
        let is_open = connection.get_mut().stream.write_all(&plan.request).is_ok()
            && match connection.fill_buf() {
                Ok(bytes) => !bytes.is_empty(),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => false,
                Err(error) => return Err(error),
            };
        if is_open {
            return answer(connection);
        }
    }
    let connection = kept.insert(connect()?);
    connection.get_mut().stream.write_all(&plan.request)?;
    answer(connection)
}

/// What is kept of an answer.
struct Answer {
    status: u16,
    /// Of its body.
    length: u64,
    /// Whether more can be asked over this connection.
    is_kept: bool,
}

fn wrong(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

/// Reads one answer to its end.
fn answer(connection: &mut Connection) -> io::Result<Answer> {
    let mut head = head(connection)?;
    while (100..200).contains(&head.status) {
        head = self::head(connection)?;
    }
    let length = match head.body {
        Body::None => 0,
        Body::Length(length) => skip(connection, length)?,
        Body::Chunks => chunks(connection)?,
        Body::UntilClose => io::copy(connection, &mut io::sink())?,
    };
    Ok(Answer {
        status: head.status,
        length,
        is_kept: head.is_kept && head.body != Body::UntilClose,
    })
}

#[derive(PartialEq, Eq)]
enum Body {
    None,
    Length(u64),
    Chunks,
    UntilClose,
}

struct Head {
    status: u16,
    body: Body,
    is_kept: bool,
}

fn head(connection: &mut Connection) -> io::Result<Head> {
    let mut lines = connection.by_ref().take(HEAD);
    let first = line(&mut lines)?;
    let mut words = first.splitn(3, ' ');
    let (version, status) = (words.next(), words.next());
    let status = status
        .filter(|digits| digits.len() == 3)
        .and_then(|digits| digits.parse().ok())
        .filter(|status| version == Some("HTTP/1.1") && *status >= 100)
        .ok_or_else(|| wrong(format!("{first:?} is not how an answer begins")))?;
    let mut head = Head {
        status,
        body: Body::UntilClose,
        is_kept: true,
    };
    loop {
        let header = line(&mut lines)?;
        if header.is_empty() {
            break;
        }
        let (name, value) = header
            .split_once(':')
            .ok_or_else(|| wrong(format!("{header:?} is not a header")))?;
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => {
                let length = value
                    .parse()
                    .map_err(|_| wrong(format!("{value:?} is not a length")))?;
                match head.body {
                    Body::UntilClose => head.body = Body::Length(length),
                    _ => return Err(wrong("there is more than one length".to_owned())),
                }
            }
            "transfer-encoding" if value.eq_ignore_ascii_case("chunked") => match head.body {
                Body::UntilClose => head.body = Body::Chunks,
                _ => return Err(wrong("there is a length, and there are chunks".to_owned())),
            },
            "transfer-encoding" => return Err(wrong(format!("{value:?} is not asked for"))),
            "connection" if value.eq_ignore_ascii_case("close") => head.is_kept = false,
            _ => {}
        }
    }
    if matches!(head.status, 100..=199 | 204 | 304) {
        head.body = Body::None;
    }
    Ok(head)
}

/// A line without its end.
fn line(lines: &mut impl BufRead) -> io::Result<String> {
    let mut bytes = Vec::new();
    lines.take(HEAD).read_until(b'\n', &mut bytes)?;
    if !bytes.ends_with(b"\n") {
        return Err(wrong(format!("an answer ended after {:?}", shown(&bytes))));
    }
    match bytes.strip_suffix(b"\r\n") {
        Some(line) => Ok(String::from_utf8_lossy(line).into_owned()),
        None => Err(wrong(format!("{:?} has no \\r", shown(&bytes)))),
    }
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().take(40).collect()
}

fn skip(connection: &mut Connection, length: u64) -> io::Result<u64> {
    let skipped = io::copy(&mut connection.by_ref().take(length), &mut io::sink())?;
    if skipped < length {
        return Err(wrong(format!("{} bytes did not come", length - skipped)));
    }
    Ok(skipped)
}

fn chunks(connection: &mut Connection) -> io::Result<u64> {
    let mut total = 0_u64;
    loop {
        let size = line(connection)?;
        let digits = size.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(digits, 16)
            .map_err(|_| wrong(format!("{digits:?} is not the size of a chunk")))?;
        if size == 0 {
            break;
        }
        total = total.saturating_add(skip(connection, size)?);
        let end = line(connection)?;
        if !end.is_empty() {
            return Err(wrong(format!(
                "{:?} follows a chunk",
                shown(end.as_bytes())
            )));
        }
    }
    let mut trailers = connection.by_ref().take(HEAD);
    while !line(&mut trailers)?.is_empty() {}
    Ok(total)
}

/// What was learnt of all answers. It does not grow with their number.
struct Taken {
    answers: u64,
    bytes: u64,
    connections: u64,
    /// How many there were of each status.
    statuses: BTreeMap<u16, u64>,
    /// And of each error.
    errors: BTreeMap<String, u64>,
    /// Answers by how long they took: see [`place`].
    times: Vec<u64>,
    worst: Duration,
}

/// Times are told apart to a 32nd of themselves.
const PARTS: u64 = 32;

/// Where a time is counted: each power of two of nanoseconds has as many places.
fn place(time: Duration) -> usize {
    let nanoseconds = u64::try_from(time.as_nanos())
        .unwrap_or(u64::MAX)
        .max(PARTS);
    let power = u64::from(nanoseconds.ilog2());
    let shift = power - u64::from(PARTS.ilog2());
    (shift * PARTS + ((nanoseconds >> shift) - PARTS)) as usize
}

/// The longest time that is counted at a place.
fn time_at(place: usize) -> Duration {
    let (shift, part) = (place as u64 / PARTS, place as u64 % PARTS);
    let end = u128::from(PARTS + part + 1) << shift;
    Duration::from_nanos(u64::try_from(end - 1).unwrap_or(u64::MAX))
}

impl Taken {
    fn new() -> Taken {
        Taken {
            answers: 0,
            bytes: 0,
            connections: 0,
            statuses: BTreeMap::new(),
            errors: BTreeMap::new(),
            times: vec![0; place(Duration::MAX) + 1],
            worst: Duration::ZERO,
        }
    }

    fn answer(&mut self, answer: &Answer, time: Duration) {
        self.answers += 1;
        self.bytes += answer.length;
        *self.statuses.entry(answer.status).or_default() += 1;
        if let Some(count) = self.times.get_mut(place(time)) {
            *count += 1;
        }
        self.worst = self.worst.max(time);
    }

    fn error(&mut self, message: String) {
        self.errors_of(message, 1);
    }

    fn errors_of(&mut self, message: String, count: u64) {
        let is_new = !self.errors.contains_key(&message);
        let message = if is_new && self.errors.len() >= KINDS {
            "other errors".to_owned()
        } else {
            message
        };
        *self.errors.entry(message).or_default() += count;
    }

    fn add(&mut self, other: &Taken) {
        self.answers += other.answers;
        self.bytes += other.bytes;
        self.connections += other.connections;
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        for (message, count) in &other.errors {
            self.errors_of(message.clone(), *count);
        }
        for (count, more) in self.times.iter_mut().zip(&other.times) {
            *count += more;
        }
        self.worst = self.worst.max(other.worst);
    }

    /// The time in which this part of the answers came, in percent.
    fn percentile(&self, part: u64) -> Duration {
        let wanted = (self.answers * part).div_ceil(100).max(1);
        let mut seen = 0;
        for (place, count) in self.times.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return time_at(place).min(self.worst);
            }
        }
        self.worst
    }

    fn print(&self, elapsed: Duration) {
        let seconds = elapsed.as_secs_f64();
        println!(
            "answers {} in {seconds:.3} s over {} connections, {} bytes",
            self.answers, self.connections, self.bytes
        );
        println!("rate {:.1} /s", self.answers as f64 / seconds);
        let parts = [50, 90, 99].map(|part| (format!("p{part}"), self.percentile(part)));
        for (name, time) in parts.into_iter().chain([("worst".to_owned(), self.worst)]) {
            println!("{name} {:.3} ms", time.as_secs_f64() * 1e3);
        }
        for (status, count) in &self.statuses {
            println!("status {status} {count}");
        }
        println!("errors {}", self.errors.values().sum::<u64>());
        for (message, count) in &self.errors {
            println!("error {count} times: {message}");
        }
    }
}
