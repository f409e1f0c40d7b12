//! Walking lifted values by name, element and page: of any type, right or wrong, in
//! bounded work.

use super::types::{Chance, Types};
use rr_dap::component::layout::Pointer;
use rr_dap::component::types::{CoreValue, Resource, StringEncoding, ValueType};
use rr_dap::inspect::ChildCount;
use rr_dap::inspect::hostcall::lift::{Lifter, Limits};
use rr_dap::inspect::hostcall::part::{Part, PartError};
use std::cell::Cell;
use std::sync::Arc;

/// A type around another, of those that random types do not have.
fn around(chance: &mut Chance, ty: ValueType) -> ValueType {
    use ValueType as V;
    let resource = || Arc::new(Resource { name: None, id: 0 });
    let inner = Arc::new(ty);
    match chance.below(8) {
        0 => V::FixedList(inner, chance.below(6) as u32),
        1 => V::Map(Arc::new(V::String), inner),
        2 => V::Map(Arc::new(V::U32), inner),
        3 => V::Tuple([V::Stream(Some(inner.clone())), V::clone(&inner)].into()),
        4 => V::Tuple([V::clone(&inner), V::Future(Some(inner)), V::ErrorContext].into()),
        5 => V::Result(Some(Arc::new(V::Own(resource()))), Some(inner)),
        6 => V::List(Arc::new(V::Tuple(
            [V::Borrow(resource()), V::clone(&inner)].into(),
        ))),
        _ => V::Option(Arc::new(V::FixedList(inner, 3))),
    }
}

/// Goes through all parts, by number and again by the paths that their names make.
fn walk(lifter: &Lifter<'_>, root: &Part, part: &Part, path: &str, left: &Cell<u32>) {
    let count = match part.inside() {
        ChildCount::None => return,
        ChildCount::Named(count) => count,
        ChildCount::Indexed(count) => count.min(8),
    };
    let children = part.children(lifter, 0..count);
    assert!(children.len() as u64 <= count);
    for child in &children {
        if left.get() == 0 {
            return;
        }
        left.set(left.get() - 1);
        let dot = if child.name.starts_with('[') { "" } else { "." };
        let path = format!("{path}{dot}{}", child.name);
        // NaN is not equal to itself.
        let found = root
            .at(lifter, &path)
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(format!("{found:?}"), format!("{child:?}"), "{path}");
        walk(lifter, root, child, &path, left);
    }
}

#[test]
fn parts_are_found_by_the_paths_that_their_names_make() {
    for seed in 5000..5400 {
        let mut chance = Chance::new(seed);
        let mut types = Types::default();
        let (ty, _) = types.any(&mut chance, 3);
        let ty = around(&mut chance, ty);
        let memory: Vec<u8> = (0..512).map(|_| (chance.bits() % 7 * 8) as u8).collect();
        let reads = Cell::new(0u32);
        let read = |address: u64, length: u64| {
            reads.set(reads.get() + 1);
            let start = usize::try_from(address).ok()?;
            let end = start.checked_add(usize::try_from(length).ok()?)?;
            memory.get(start..end).map(<[u8]>::to_vec)
        };
        let core: Vec<CoreValue> = (0..chance.below(20))
            .map(|_| CoreValue::I32(chance.bits() as i32 % 64))
            .collect();
        for pointer in [Pointer::Wasm32, Pointer::Wasm64] {
            let lifter = Lifter {
                limits: Limits {
                    values: 200,
                    ..Limits::default()
                },
                ..Lifter::new(&read, StringEncoding::Utf8, pointer)
            };
            for value in [lifter.stored(&ty, 64), lifter.flat(&ty, &core)] {
                let part = Part::new("root", value, Some(ty.clone()));
                assert!(part.type_name().is_some());
                walk(&lifter, &part, &part, "", &Cell::new(100));
            }
        }
        assert!(
            reads.get() < 1_000_000,
            "seed {seed}: {} reads",
            reads.get()
        );
    }
}

#[test]
fn what_is_not_there_is_told_with_what_is() {
    let read = |_: u64, length: u64| Some(vec![7; length as usize]);
    let lifter = Lifter::new(&read, StringEncoding::Utf8, Pointer::Wasm32);
    let list = ValueType::FixedList(Arc::new(ValueType::U16), 3);
    let ty = ValueType::Tuple([ValueType::U32, list].into());
    let part = Part::new("pair", lifter.stored(&ty, 0), Some(ty));
    let said = |path: &str| part.at(&lifter, path).unwrap_err().to_string();
    assert_eq!(part.at(&lifter, ".1[2]").unwrap().name, "[2]");
    assert_eq!(said(".two"), "pair has no `two`; it has 0, 1");
    assert_eq!(said(".1[3]"), "1 has 3 elements, so none of number 3");
    assert_eq!(said("[0]"), "pair has no elements");
    assert!(matches!(part.at(&lifter, "1"), Err(PartError::Path(_))));
    assert!(matches!(part.at(&lifter, ".1[x]"), Err(PartError::Path(_))));
}
