//! From where to where: the addresses that recordings know, and others where they know none.

use crate::system::message::NodeId;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What is known of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Known {
    pub(super) ip: Option<IpAddr>,
    pub(super) port: Option<u16>,
}

impl Known {
    /// `0.0.0.0` and port 0 are what a program asked for, and no addresses.
    pub(super) fn of(address: Option<SocketAddr>) -> Known {
        let ip = address.map(|address| address.ip().to_canonical());
        let port = address.map(|address| address.port());
        Known {
            ip: ip.filter(|ip| !ip.is_unspecified()),
            port: port.filter(|port| *port != 0),
        }
    }

    /// `shop:8080`, as far as there are addresses in that.
    pub(super) fn in_authority(authority: Option<&str>) -> Known {
        let Some(authority) = authority else {
            return Known::default();
        };
        let (host, port) = split(authority);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let ip: Option<IpAddr> = host.parse().ok();
        let port = port.and_then(|port| port.parse().ok());
        Known {
            ip: ip
                .map(|ip| ip.to_canonical())
                .filter(|ip| !ip.is_unspecified()),
            port: port.filter(|port| *port != 0),
        }
    }

    /// What else is known.
    pub(super) fn or(self, other: Known) -> Known {
        Known {
            ip: self.ip.or(other.ip),
            port: self.port.or(other.port),
        }
    }
}

/// The host of `shop:8080`, and the port.
pub(super) fn split(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        // An IPv6 address without a port ends with a bracket.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

/// Who has an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who<'a> {
    Node(NodeId),
    /// None of the recordings: a host by its name, if there is one.
    Outside(Option<&'a str>),
}

/// Of whom nobody knows anything.
const NOBODY: &str = "outside";
/// So many hosts outside have addresses of their own.
const MOST_OUTSIDE: usize = 60_000;
/// Names of one address.
const MOST_NAMES: usize = 16;
/// The first port that nobody asked for.
const FIRST_PORT: u16 = 49_152;

/// The addresses of a capture. Made ones are of the ranges that are set aside for measuring networks (RFC
/// 2544 and RFC 5180), which no host has: `198.18.0.0/16` and `2001:2:0:0::/64` for nodes,
/// `198.19.0.0/16` and `2001:2:0:1::/64` for others.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    outside: HashMap<String, u16>,
    next_ports: HashMap<IpAddr, u16>,
    names: BTreeMap<IpAddr, BTreeSet<String>>,
    owners: HashMap<IpAddr, Option<NodeId>>,
    /// From where to where there is a connection already.
    taken: HashSet<(SocketAddr, SocketAddr)>,
}

impl Addresses {
    /// Both ends of a connection in one family: that of the server, if it is known.
    pub(super) fn of_connection(
        &mut self,
        (client, client_known): (Who<'_>, Known),
        (server, server_known): (Who<'_>, Known),
        usual_port: u16,
    ) -> (SocketAddr, SocketAddr) {
        let family = server_known.ip.or(client_known.ip);
        let is_6 = family.is_some_and(|ip| ip.is_ipv6());
        let server_ip = self.ip(server, server_known.ip, is_6);
        let client_ip = self.ip(client, client_known.ip, is_6);
        let server_port = server_known.port.unwrap_or(usual_port);
        let client_port = match client_known.port {
            Some(port) => port,
            None => self.port(client_ip),
        };
        let mut from = SocketAddr::new(client_ip, client_port);
        let to = SocketAddr::new(server_ip, server_port);
        // Hosts that do not know each other may have the same addresses: readers would take two
        // connections for one.
        if !self.taken.insert((from, to)) {
            let ip = self.ip(client, None, is_6);
            from = SocketAddr::new(ip, self.port(ip));
            self.taken.insert((from, to));
        }
        (from, to)
    }

    /// The known one, if it is of the family.
    pub(super) fn ip(&mut self, who: Who<'_>, known: Option<IpAddr>, is_6: bool) -> IpAddr {
        if let Some(ip) = known.filter(|ip| ip.is_ipv6() == is_6) {
            if let Who::Node(node) = who {
                // Several nodes may be at 127.0.0.1: then it is nobody's.
                let owner = self.owners.entry(ip).or_insert(Some(node));
                if *owner != Some(node) {
                    *owner = None;
                }
            }
            return ip;
        }
        let (block, number) = match who {
            Who::Node(node) => (0, node.0 as u16),
            Who::Outside(name) => (1, self.outside(name.unwrap_or(NOBODY))),
        };
        // From 1 on, without 0 and 255 at the end.
        let (high, low) = (number / 254, number % 254 + 1);
        let ip = match is_6 {
            false => Ipv4Addr::new(198, 18 + block as u8, (high % 256) as u8, low as u8).into(),
            true => {
                let last = number.wrapping_add(1);
                Ipv6Addr::new(0x2001, 2, 0, block, 0, 0, 0, last).into()
            }
        };
        if let Who::Outside(name) = who {
            self.call(ip, name.unwrap_or(NOBODY));
        } else if let Who::Node(node) = who {
            self.owners.insert(ip, Some(node));
        }
        ip
    }

    fn outside(&mut self, name: &str) -> u16 {
        let count = self.outside.len();
        if let Some(number) = self.outside.get(name) {
            return *number;
        }
        if count >= MOST_OUTSIDE {
            return count as u16;
        }
        self.outside.insert(name.to_owned(), count as u16);
        count as u16
    }

    /// A port that no connection of this address had, as long as there are such.
    pub(super) fn port(&mut self, ip: IpAddr) -> u16 {
        let next = self.next_ports.entry(ip).or_insert(FIRST_PORT);
        let port = *next;
        *next = port.checked_add(1).unwrap_or(10_000);
        port
    }

    /// What an address is called.
    pub(super) fn call(&mut self, ip: IpAddr, name: &str) {
        let names = self.names.entry(ip).or_default();
        if names.len() < MOST_NAMES {
            names.insert(name.to_owned());
        }
    }

    /// All addresses that have names.
    pub(super) fn names(
        mut self,
        name_of: impl Fn(NodeId) -> String,
    ) -> BTreeMap<IpAddr, BTreeSet<String>> {
        for (ip, owner) in std::mem::take(&mut self.owners) {
            if let Some(node) = owner {
                self.call(ip, &name_of(node));
            }
        }
        self.names
    }
}
