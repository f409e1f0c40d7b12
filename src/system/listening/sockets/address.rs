//! Addresses and errors of `wasi:sockets`, out of what was lifted: both generations spell them
//! alike.

use crate::inspect::hostcall::lift::Lifted;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// An `ip-socket-address`, or an optional one that is there.
pub(super) fn address(value: &Lifted) -> Option<SocketAddr> {
    let (family, fields) = match value {
        Lifted::Option(Some(inside)) => return address(inside),
        Lifted::Variant(family, Some(inside)) => match inside.as_ref() {
            Lifted::Record(fields) => (family.as_str(), fields),
            _ => return None,
        },
        _ => return None,
    };
    let field = |name| field(fields, name);
    let port = u16::try_from(unsigned(field("port")?)?).ok()?;
    let Lifted::Tuple(parts) = field("address")? else {
        return None;
    };
    match family {
        "ipv4" => {
            let parts: [u8; 4] = numbers(parts)?;
            Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::from(parts)), port))
        }
        "ipv6" => {
            let parts: [u16; 8] = numbers(parts)?;
            let word = |name| {
                let number = field(name).and_then(unsigned).unwrap_or(0);
                u32::try_from(number).unwrap_or(0)
            };
            let ip = Ipv6Addr::from(parts);
            let address = SocketAddrV6::new(ip, port, word("flow-info"), word("scope-id"));
            Some(SocketAddr::V6(address))
        }
        _ => None,
    }
}

/// A field of a record.
pub(super) fn field<'a>(fields: &'a [(String, Lifted)], name: &str) -> Option<&'a Lifted> {
    let mut fields = fields.iter();
    fields.find(|(of, _)| of == name).map(|(_, value)| value)
}

fn unsigned(value: &Lifted) -> Option<u64> {
    match value {
        Lifted::Unsigned(number) => Some(*number),
        _ => None,
    }
}

fn numbers<T: TryFrom<u64>, const COUNT: usize>(parts: &[Lifted]) -> Option<[T; COUNT]> {
    let numbers = parts.iter().map(|part| T::try_from(unsigned(part)?).ok());
    let numbers: Option<Vec<T>> = numbers.collect();
    numbers?.try_into().ok()
}

/// Why something failed, if it did, and is not merely to be tried again.
pub(super) fn error(answer: &Lifted) -> Option<String> {
    match answer {
        Lifted::Result(Err(error)) => match error.as_deref() {
            Some(Lifted::Variant(name, _) | Lifted::Enum(name)) => {
                (name != "would-block").then(|| name.clone())
            }
            _ => Some("an error that is not known".to_owned()),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifted(family: &str, port: u64, parts: &[u64]) -> Lifted {
        let parts = parts.iter().map(|part| Lifted::Unsigned(*part)).collect();
        let fields = vec![
            ("port".to_owned(), Lifted::Unsigned(port)),
            ("address".to_owned(), Lifted::Tuple(parts)),
        ];
        Lifted::Variant(family.to_owned(), Some(Box::new(Lifted::Record(fields))))
    }

    #[test]
    fn addresses_of_both_families_are_read() {
        let v4 = lifted("ipv4", 80, &[10, 0, 0, 7]);
        assert_eq!(address(&v4), "10.0.0.7:80".parse().ok());
        let some = Lifted::Option(Some(Box::new(v4)));
        assert_eq!(address(&some), "10.0.0.7:80".parse().ok());
        let v6 = lifted("ipv6", 443, &[0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]);
        assert_eq!(address(&v6), "[2001:db8::1]:443".parse().ok());
    }

    #[test]
    fn what_is_no_address_is_none() {
        for wrong in [
            lifted("ipv4", 80, &[10, 0, 0]),
            lifted("ipv4", 80, &[10, 0, 0, 256]),
            lifted("ipv4", 65536, &[10, 0, 0, 7]),
            lifted("ipx", 80, &[10, 0, 0, 7]),
            Lifted::Option(None),
            Lifted::Elided,
        ] {
            assert_eq!(address(&wrong), None, "{wrong:?}");
        }
    }
}
