//! Components without their debug information.

use super::binary::leb128;

/// The component without its custom sections: neither its own nor its modules'.
pub fn stripped(component: &[u8]) -> Vec<u8> {
    let mut out = component[..8].to_vec();
    let mut at = 8;
    while at < component.len() {
        let (id, start) = (component[at], at);
        let (mut size, mut shift) = (0, 0);
        loop {
            at += 1;
            size |= usize::from(component[at] & 0x7f) << shift;
            shift += 7;
            if component[at] & 0x80 == 0 {
                break;
            }
        }
        let end = at + 1 + size;
        let content = &component[at + 1..end];
        match id {
            0 => {}
            // A core module in a component; and everything in that one.
            1 if component[4..8] == [13, 0, 1, 0] => {
                let module = stripped(content);
                out.push(1);
                leb128(module.len(), &mut out);
                out.extend(module);
            }
            _ => out.extend(&component[start..end]),
        }
        at = end;
    }
    out
}
