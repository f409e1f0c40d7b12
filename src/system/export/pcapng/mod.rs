//! A capture of what was said, as if somebody had listened on the network: for Wireshark and all that
//! reads its files.
//!
//! Programs speak with the host, not with a network: what they say through `wasi:http` becomes
//! HTTP/1.1, a connection for each request, and streams and datagrams get the headers that they would
//! have had. One conversation is in it once, also where both ends are in recordings. Packets come in
//! the order of the system, with the time of whoever sent them.

mod addresses;
mod connection;
mod datagrams;
mod http;
mod packet;
mod tcp;

use self::addresses::{Addresses, Known, Who, split};
use self::connection::{Connection, Moment, Side};
use self::datagrams::Datagram;
use self::packet::{Packet, Payload};
use self::tcp::{Act, Progress, Wire};
use super::{System, plain};
use crate::system::message::NodeId;
use crate::system::words;
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::pcapng::blocks::name_resolution::{
    Ipv4Record, Ipv6Record, NameResolutionBlock, Record,
};
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::{DataLink, Endianness, PcapError};
use std::borrow::Cow;
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// What is not in a capture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Conversations over standard input and output: no network has them.
    pub pipes: usize,
}

/// The ports of HTTP where none is known, and of TLS, which this is not: nothing is encrypted.
const HTTP: u16 = 80;
const HTTPS: u16 = 443;
/// A port for connections of which nothing is known.
const ANY: u16 = 10_000;
/// Names are cut there, and remarks, which have 16 bits for their length.
const MOST_NAME: usize = 200;
const MOST_REMARK: usize = 4000;
/// Names of addresses in one block.
const NAMES_AT_ONCE: usize = 500;

/// Writes a capture.
///
/// # Errors
///
/// If it cannot be written.
pub fn write(system: System<'_>, to: impl Write) -> io::Result<LeftOut> {
    let connections = Connection::all(system);
    let mut addresses = Addresses::default();
    let ends: Vec<[SocketAddr; 2]> = connections
        .iter()
        .map(|connection| addresses_of(connection, &mut addresses))
        .collect();
    let datagrams = datagrams::all(system, &mut addresses);
    let mut capture = Capture::begin(system, to)?;
    capture.names(addresses)?;
    let mut items: Vec<(u64, u32, u32, Item)> = Vec::new();
    for (number, connection) in (0..).zip(&connections) {
        let acts = (0..).zip(tcp::acts(connection));
        items.extend(acts.map(|(at, (rank, act))| (rank, number, at, Item::Act(act))));
    }
    for (number, datagram) in (0..).zip(&datagrams) {
        items.push((datagram.at.rank, u32::MAX, number, Item::Datagram));
    }
    items.sort_by_key(|(rank, connection, at, _)| (*rank, *connection, *at));
    let mut progress: Vec<Progress> = (0..)
        .take(connections.len())
        .map(|number: u32| Progress::new(number.wrapping_add(1)))
        .collect();
    for (_, number, at, item) in items {
        match item {
            Item::Act(act) => {
                let number = number as usize;
                let (Some(connection), Some(addresses), Some(progress)) = (
                    connections.get(number),
                    ends.get(number),
                    progress.get_mut(number),
                ) else {
                    continue;
                };
                let wire = Wire {
                    connection,
                    addresses: *addresses,
                    about: &|| about(system, connection),
                };
                wire.write(act, progress, &mut capture)?;
            }
            Item::Datagram => {
                if let Some(datagram) = datagrams.get(at as usize) {
                    capture.datagram(datagram)?;
                }
            }
        }
    }
    capture.end()?;
    let pipes = system.ends().filter(|(_, end)| end.kind.is_standard());
    Ok(LeftOut {
        pipes: pipes.count(),
    })
}

enum Item {
    Act(Act),
    Datagram,
}

fn addresses_of(connection: &Connection<'_>, addresses: &mut Addresses) -> [SocketAddr; 2] {
    let of = |side: Side<'_>, is_local: bool| {
        let address = side.and_then(|(_, end)| if is_local { end.local } else { end.remote });
        Known::of(address)
    };
    let authority = |side: Side<'_>| {
        let authority = side.and_then(|(_, end)| end.authority.as_deref());
        Known::in_authority(authority)
    };
    let (client, server) = (connection.client, connection.server);
    let whole = |known: Known| Some(known).filter(|known| known.ip.is_some());
    let of_client = of(client, true).or(of(server, false));
    let of_server = [
        of(server, true),
        of(client, false),
        authority(client),
        authority(server),
    ];
    let first = of_server.iter().copied().find_map(whole);
    let of_server = of_server
        .into_iter()
        .fold(first.unwrap_or_default(), Known::or);
    let name = [client, server]
        .into_iter()
        .flatten()
        .find_map(|(_, end)| end.authority.as_deref())
        .map(|authority| split(authority).0)
        .filter(|host| !host.is_empty());
    let node = |side: Side<'_>| side.map(|(id, _)| Who::Node(id.node));
    let of_server = match connection.is_http && of_server.port == Some(HTTPS) {
        true => Known {
            port: Some(HTTP),
            ..of_server
        },
        false => of_server,
    };
    let (from, to) = addresses.of_connection(
        (node(client).unwrap_or(Who::Outside(None)), of_client),
        (node(server).unwrap_or(Who::Outside(name)), of_server),
        if connection.is_http { HTTP } else { ANY },
    );
    if let Some(name) = name
        && name.parse::<IpAddr>().is_err()
        && !name.starts_with('[')
    {
        addresses.call(to.ip(), name);
    }
    [from, to]
}

/// What the first packet of a connection says of it.
fn about(system: System<'_>, connection: &Connection<'_>) -> String {
    let side = |side: Side<'_>| match side {
        Some((id, end)) => {
            let event = Some(end.began.events).filter(|_| end.began.in_call);
            words::moment(system.name(id.node), event, end.began)
        }
        None => "outside of these recordings".to_owned(),
    };
    let what = connection
        .client
        .or(connection.server)
        .map_or_else(String::new, |(_, end)| words::end(end));
    let evidence = connection
        .evidence
        .map_or_else(String::new, |of| format!(" ({})", of.told()));
    let (from, to) = (side(connection.client), side(connection.server));
    plain(&format!("{from} -> {to}: {what}{evidence}"), MOST_REMARK)
}

/// A packet that is to be written.
struct Packaged {
    packet: Packet,
    nanos: Option<i64>,
    rank: u64,
    interface: NodeId,
    remark: Option<String>,
}

/// The file that is written.
struct Capture<'a, W: Write> {
    system: System<'a>,
    writer: PcapNgWriter<W>,
    /// No recording has a time: then a step in the order is a microsecond.
    by_order: bool,
    last: u64,
    packets: u16,
}

impl<'a, W: Write> Capture<'a, W> {
    /// An interface for each node: its name is in each packet that it sent.
    fn begin(system: System<'a>, to: W) -> io::Result<Capture<'a, W>> {
        let by_order = !system.nodes.iter().any(|node| system.tells_time(node));
        let mut said = vec![format!(
            "What {} recordings say that they said, made into packets",
            system.nodes.len()
        )];
        if by_order {
            said.push("no recording tells the time: a microsecond is a step in their order".into());
        }
        for node in system.nodes {
            if let Some(why) = &node.conversations.cut_short {
                said.push(format!("of {}, more may be missing: {why}", node.name));
            }
        }
        let section = SectionHeaderBlock {
            endianness: Endianness::Little,
            options: vec![
                SectionHeaderOption::UserApplication(Cow::Borrowed(concat!(
                    "rr-dap ",
                    env!("CARGO_PKG_VERSION")
                ))),
                SectionHeaderOption::Comment(Cow::Owned(plain(&said.join("; "), MOST_REMARK))),
            ],
            ..SectionHeaderBlock::default()
        };
        let writer = PcapNgWriter::with_section_header(to, section).map_err(unwritten)?;
        let mut capture = Capture {
            system,
            writer,
            by_order,
            last: 0,
            packets: 0,
        };
        for node in system.nodes {
            let interface = InterfaceDescriptionBlock {
                linktype: DataLink::ETHERNET,
                snaplen: 0,
                options: vec![
                    InterfaceDescriptionOption::IfName(Cow::Owned(plain(node.name, MOST_NAME))),
                    // Nanoseconds.
                    InterfaceDescriptionOption::IfTsResol(9),
                ],
            };
            let written = capture.writer.write_pcapng_block(interface);
            written.map_err(unwritten)?;
        }
        Ok(capture)
    }

    fn names(&mut self, addresses: Addresses) -> io::Result<()> {
        let system = self.system;
        let names = addresses.names(|node| system.name(node).to_owned());
        let mut records = Vec::new();
        for (ip, names) in &names {
            let names = names.iter().map(|name| Cow::Owned(as_host(name)));
            let names: Vec<Cow<'_, str>> = names.collect();
            records.push(match ip {
                IpAddr::V4(ip) => Record::Ipv4(Ipv4Record {
                    ip_addr: Cow::Owned(ip.octets().to_vec()),
                    names,
                }),
                IpAddr::V6(ip) => Record::Ipv6(Ipv6Record {
                    ip_addr: Cow::Owned(ip.octets().to_vec()),
                    names,
                }),
            });
        }
        for records in records.chunks(NAMES_AT_ONCE) {
            let block = NameResolutionBlock {
                records: records.to_vec(),
                options: Vec::new(),
            };
            let written = self.writer.write_pcapng_block(block);
            written.map_err(unwritten)?;
        }
        Ok(())
    }

    /// A moment of a node, so that it can be gone to, and what else is to be said.
    fn moment(&self, at: Moment, remark: Option<&str>) -> String {
        let name = self.system.name(at.node);
        let moment = words::moment(name, at.event, at.place);
        match remark {
            Some(remark) => plain(&format!("{moment}; {remark}"), MOST_REMARK),
            None => plain(&moment, MOST_REMARK),
        }
    }

    /// The number of the next packet.
    fn identification(&mut self) -> u16 {
        self.packets = self.packets.wrapping_add(1);
        self.packets
    }

    fn datagram(&mut self, datagram: &Datagram<'_>) -> io::Result<()> {
        let payload = Payload {
            captured: datagram.captured,
            length: datagram.length,
        };
        let number = self.identification();
        let remark = self.moment(datagram.at, datagram.remark.as_deref());
        self.packet(Packaged {
            packet: packet::udp((datagram.from, datagram.to), payload, number),
            nanos: datagram.at.nanos,
            rank: datagram.at.rank,
            interface: datagram.at.node,
            remark: Some(remark),
        })
    }

    fn packet(&mut self, packaged: Packaged) -> io::Result<()> {
        // Of a node that tells no time, it is that of what came before in the order of the system.
        let now = match self.by_order {
            true => packaged.rank.saturating_mul(1000).max(self.last),
            false => packaged
                .nanos
                .and_then(|nanos| u64::try_from(nanos).ok())
                .unwrap_or(self.last),
        };
        self.last = now;
        let Packet { bytes, length } = packaged.packet;
        let remark = packaged.remark.map(Cow::Owned);
        let block = EnhancedPacketBlock {
            interface_id: packaged.interface.0,
            timestamp: Duration::from_nanos(now),
            original_len: length,
            data: Cow::Owned(bytes),
            options: remark
                .map(EnhancedPacketOption::Comment)
                .into_iter()
                .collect(),
        };
        let written = self.writer.write_pcapng_block(block);
        written.map(|_| ()).map_err(unwritten)
    }

    fn end(&mut self) -> io::Result<()> {
        self.writer.get_mut().flush()
    }
}

/// What can be the name of a host: blanks end one.
fn as_host(name: &str) -> String {
    let name: String = name
        .chars()
        .map(|c| match c.is_whitespace() || c.is_control() {
            true => '_',
            false => c,
        })
        .take(MOST_NAME)
        .collect();
    if name.is_empty() {
        "_".to_owned()
    } else {
        name
    }
}

fn unwritten(error: PcapError) -> io::Error {
    match error {
        PcapError::IoError(error) => error,
        other => io::Error::other(other),
    }
}
