//! What the reader of components says of real binaries.

use rr_dap::component::{Component, Direction};

#[test]
#[ignore]
fn dump() {
    for f in std::env::var("DUMP").unwrap().split(',') {
        let c = Component::parse(std::fs::read(f).unwrap()).unwrap();
        for x in c.crossings() {
            println!(
                "{:?} {:?} {:?} b{} f{} m{:?} {:?} {:?} {}",
                x.id.0,
                x.direction() == Direction::Outgoing,
                x.kind,
                x.body.0,
                x.core_function,
                x.memory,
                x.signature,
                x.return_area,
                x.name
            );
        }
        for b in c.bodies() {
            println!(
                "{:?} core {} reaches {} items {}",
                b.id,
                b.has_core,
                b.reaches_core,
                b.items.len()
            );
        }
    }
}
