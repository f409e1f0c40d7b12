//! Packets with their headers: Ethernet, IP, TCP and UDP.

use etherparse::{
    EtherType, Ethernet2Header, IpNumber, Ipv4Header, Ipv6FlowLabel, Ipv6Header, TcpHeader,
    UdpHeader,
};
use std::net::{IpAddr, SocketAddr};

/// Most bytes of a datagram of UDP, over IPv4 as over IPv6.
pub(super) const MOST_IN_DATAGRAM: u64 = 65_507;

/// What is in a packet of IP: of the last bytes it may be known only how many there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Payload<'a> {
    pub(super) captured: &'a [u8],
    /// With those that are not known.
    pub(super) length: u16,
}

impl Payload<'_> {
    fn is_whole(&self) -> bool {
        self.captured.len() == usize::from(self.length)
    }
}

/// A packet, and how long it is with what is not known of it.
#[derive(Debug)]
pub(super) struct Packet {
    pub(super) bytes: Vec<u8>,
    pub(super) length: u32,
}

/// A packet of TCP. A checksum goes over all bytes: where some are not known it is left at 0, and
/// whoever reads a truncated packet does not check it.
pub(super) fn tcp(
    (from, to): (SocketAddr, SocketAddr),
    mut header: TcpHeader,
    payload: Payload<'_>,
    identification: u16,
) -> Packet {
    header.source_port = from.port();
    header.destination_port = to.port();
    if payload.is_whole() {
        let (source, destination) = (from.ip(), to.ip());
        let sum = match (source, destination) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                header.calc_checksum_ipv4_raw(from.octets(), to.octets(), payload.captured)
            }
            _ => header.calc_checksum_ipv6_raw(
                octets_6(source),
                octets_6(destination),
                payload.captured,
            ),
        };
        // It is too long only where a payload is not of 16 bits.
        header.checksum = sum.unwrap_or_default();
    }
    let transport = header.to_bytes();
    in_ip(
        (from.ip(), to.ip()),
        IpNumber::TCP,
        &transport,
        payload,
        identification,
    )
}

/// A packet of UDP.
pub(super) fn udp(
    (from, to): (SocketAddr, SocketAddr),
    payload: Payload<'_>,
    identification: u16,
) -> Packet {
    let mut header = UdpHeader {
        source_port: from.port(),
        destination_port: to.port(),
        length: payload.length.saturating_add(UdpHeader::LEN as u16),
        checksum: 0,
    };
    if payload.is_whole() {
        let sum = match (from.ip(), to.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                header.calc_checksum_ipv4_raw(from.octets(), to.octets(), payload.captured)
            }
            (from, to) => {
                header.calc_checksum_ipv6_raw(octets_6(from), octets_6(to), payload.captured)
            }
        };
        header.checksum = sum.unwrap_or_default();
    }
    let transport = header.to_bytes();
    in_ip(
        (from.ip(), to.ip()),
        IpNumber::UDP,
        &transport,
        payload,
        identification,
    )
}

fn in_ip(
    (from, to): (IpAddr, IpAddr),
    protocol: IpNumber,
    transport: &[u8],
    payload: Payload<'_>,
    identification: u16,
) -> Packet {
    let inner = (transport.len() as u16).saturating_add(payload.length);
    let (ether_type, ip) = match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let mut header = Ipv4Header {
                total_len: inner.saturating_add(Ipv4Header::MIN_LEN as u16),
                identification,
                dont_fragment: true,
                time_to_live: 64,
                protocol,
                source: from.octets(),
                destination: to.octets(),
                ..Ipv4Header::default()
            };
            header.header_checksum = header.calc_header_checksum();
            (EtherType::IPV4, header.to_bytes().to_vec())
        }
        _ => {
            let header = Ipv6Header {
                traffic_class: 0,
                flow_label: Ipv6FlowLabel::default(),
                payload_length: inner,
                next_header: protocol,
                hop_limit: 64,
                source: octets_6(from),
                destination: octets_6(to),
            };
            (EtherType::IPV6, header.to_bytes().to_vec())
        }
    };
    let ethernet = Ethernet2Header {
        source: hardware(from),
        destination: hardware(to),
        ether_type,
    };
    let mut bytes = ethernet.to_bytes().to_vec();
    bytes.extend_from_slice(&ip);
    bytes.extend_from_slice(transport);
    let headers = bytes.len();
    bytes.extend_from_slice(payload.captured);
    Packet {
        bytes,
        length: headers as u32 + u32::from(payload.length),
    }
}

fn octets_6(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// An address of a network card that no card has: locally administered, with the end of that of IP.
fn hardware(address: IpAddr) -> [u8; 6] {
    let [.., a, b, c, d] = octets_6(address);
    [2, 0, a, b, c, d]
}
