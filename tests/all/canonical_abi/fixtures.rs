//! The shapes of all functions of the fixtures, WASI's among them, are those the
//! validator found.

use rr_dap::component::layout::{self, Lift, Pointer};
use rr_dap::component::{Component, CrossingKind, component_bytes};
use std::path::Path;

#[test]
fn functions_of_the_fixtures_have_the_shapes_their_signatures_tell() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let names = [
        "ledger.wasm",
        "kitchen.wasm",
        "wat/greeter.wat",
        "wat/values.wat",
    ];
    let mut checked = 0;
    for name in names {
        let component = Component::parse(component_bytes(&fixtures.join(name)).unwrap()).unwrap();
        for crossing in component.crossings() {
            let Some(function) = &crossing.function else {
                continue;
            };
            let shape = match crossing.kind {
                CrossingKind::Lower => layout::lowered(function, Pointer::Wasm32, false),
                CrossingKind::Lift => layout::lifted(function, Pointer::Wasm32, Lift::Sync),
                _ => continue,
            };
            assert_eq!(
                shape.signature, crossing.signature,
                "{}: {function}",
                crossing.name
            );
            checked += 1;
        }
    }
    assert!(checked > 50, "{checked}");
}
