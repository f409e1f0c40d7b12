//! Values lifted from what Wasmtime lowered are the values that went in; and from
//! nonsense, something can always be said.

use super::types::{Chance, Types, core_names};
use rr_dap::component::layout::{self, Lift, Pointer};
use rr_dap::component::types::{
    CoreType, CoreValue, FunctionType, Labels, Record, Resource, StringEncoding, TypeName,
    ValueType, Variant,
};
use rr_dap::inspect::hostcall::lift::{Boundary, Lifted, Lifter, Limits};
use rr_dap::inspect::hostcall::wave;
use std::sync::Arc;
use wasmtime::component::{Component, Instance, Linker, Val};
use wasmtime::{Config, Engine, Store};

const IN: Boundary = Boundary::Lifted(Lift::Sync);

/// A value of a type, by chance.
fn value(chance: &mut Chance, ty: &ValueType) -> Val {
    use ValueType as V;
    let bits = chance.bits();
    match ty {
        V::Bool => Val::Bool(bits & 1 == 1),
        V::S8 => Val::S8(bits as i8),
        V::U8 => Val::U8(bits as u8),
        V::S16 => Val::S16(bits as i16),
        V::U16 => Val::U16(bits as u16),
        V::S32 => Val::S32(bits as i32),
        V::U32 => Val::U32(bits as u32),
        V::S64 => Val::S64(bits as i64),
        V::U64 => Val::U64(bits),
        V::F32 => Val::Float32((bits as i32) as f32 / 8.0),
        V::F64 => Val::Float64((bits as i64) as f64 / 8.0),
        V::Char => Val::Char(['a', '"', 'é', '🦀'][chance.below(4)]),
        V::String => Val::String(["", "a", "naïve", "crab 🦀\n"][chance.below(4)].into()),
        V::List(element) => {
            let count = chance.below(4);
            Val::List((0..count).map(|_| value(chance, element)).collect())
        }
        V::FixedList(element, count) => {
            Val::FixedLengthList((0..*count).map(|_| value(chance, element)).collect())
        }
        V::Map(key, of) => {
            let count = chance.below(4);
            let pairs = (0..count).map(|_| (value(chance, key), value(chance, of)));
            Val::Map(pairs.collect())
        }
        V::Tuple(types) => Val::Tuple(types.iter().map(|ty| value(chance, ty)).collect()),
        V::Option(some) => Val::Option((bits & 1 == 1).then(|| Box::new(value(chance, some)))),
        V::Result(ok, err) => {
            let mut payload =
                |ty: &Option<Arc<V>>| ty.as_ref().map(|ty| Box::new(value(chance, ty)));
            Val::Result(if bits & 1 == 1 {
                Ok(payload(ok))
            } else {
                Err(payload(err))
            })
        }
        V::Record(record) => Val::Record(
            record
                .fields
                .iter()
                .map(|(name, ty)| (name.clone(), value(chance, ty)))
                .collect(),
        ),
        V::Variant(variant) => {
            let (name, payload) = &variant.cases[chance.below(variant.cases.len())];
            let payload = payload.as_ref().map(|ty| Box::new(value(chance, ty)));
            Val::Variant(name.clone(), payload)
        }
        V::Enum(labels) => Val::Enum(labels.labels[chance.below(labels.labels.len())].clone()),
        V::Flags(labels) => {
            let set = labels.labels.iter().filter(|_| chance.below(2) == 1);
            Val::Flags(set.cloned().collect())
        }
        other => panic!("no values of {other}"),
    }
}

fn is_same(lifted: &Lifted, value: &Val) -> bool {
    let same_payload =
        |lifted: &Option<Box<Lifted>>, value: &Option<Box<Val>>| match (lifted, value) {
            (Some(lifted), Some(value)) => is_same(lifted, value),
            (None, None) => true,
            _ => false,
        };
    let same_row = |lifted: &[Lifted], values: &[Val]| {
        let mut pairs = lifted.iter().zip(values);
        lifted.len() == values.len() && pairs.all(|(lifted, value)| is_same(lifted, value))
    };
    match (lifted, value) {
        (Lifted::Bool(a), Val::Bool(b)) => a == b,
        (Lifted::Signed(a), Val::S8(b)) => *a == i64::from(*b),
        (Lifted::Signed(a), Val::S16(b)) => *a == i64::from(*b),
        (Lifted::Signed(a), Val::S32(b)) => *a == i64::from(*b),
        (Lifted::Signed(a), Val::S64(b)) => a == b,
        (Lifted::Unsigned(a), Val::U8(b)) => *a == u64::from(*b),
        (Lifted::Unsigned(a), Val::U16(b)) => *a == u64::from(*b),
        (Lifted::Unsigned(a), Val::U32(b)) => *a == u64::from(*b),
        (Lifted::Unsigned(a), Val::U64(b)) => a == b,
        (Lifted::F32(a), Val::Float32(b)) => a == b,
        (Lifted::F64(a), Val::Float64(b)) => a == b,
        (Lifted::Char(a), Val::Char(b)) => a == b,
        (Lifted::String(a), Val::String(b)) => a.text == *b && a.more == 0,
        (Lifted::Bytes(a), Val::List(b) | Val::FixedLengthList(b)) => {
            let bytes = b.iter().map(|byte| match byte {
                Val::U8(byte) => *byte,
                other => panic!("{other:?} is not a byte"),
            });
            a.head == bytes.collect::<Vec<_>>()
        }
        (Lifted::List(a), Val::List(b) | Val::FixedLengthList(b)) => same_row(&a.head, b),
        (Lifted::List(a), Val::Map(b)) => {
            let mut pairs = a.head.iter().zip(b);
            let is_pair = |lifted: &Lifted, (key, value): &(Val, Val)| match lifted {
                Lifted::Tuple(pair) => same_row(pair, &[key.clone(), value.clone()]),
                _ => false,
            };
            a.head.len() == b.len() && pairs.all(|(lifted, pair)| is_pair(lifted, pair))
        }
        (Lifted::Tuple(a), Val::Tuple(b)) => same_row(a, b),
        (Lifted::Record(a), Val::Record(b)) => {
            let mut pairs = a.iter().zip(b);
            a.len() == b.len() && pairs.all(|(a, b)| a.0 == b.0 && is_same(&a.1, &b.1))
        }
        (Lifted::Variant(a, a_payload), Val::Variant(b, b_payload)) => {
            a == b && same_payload(a_payload, b_payload)
        }
        (Lifted::Enum(a), Val::Enum(b)) => a == b,
        (Lifted::Flags(a), Val::Flags(b)) => a == b,
        (Lifted::Option(a), Val::Option(b)) => same_payload(a, b),
        (Lifted::Result(Ok(a)), Val::Result(Ok(b))) => same_payload(a, b),
        (Lifted::Result(Err(a)), Val::Result(Err(b))) => same_payload(a, b),
        _ => false,
    }
}

/// A component whose `run` keeps its core arguments, eight bytes each from address 0
/// on, and whose `dump` answers its memory.
fn keeper(types: &Types, params: &str, signature: &[CoreType], encoding: &str) -> String {
    let stores = signature.iter().enumerate().map(|(number, ty)| {
        let (ty, at) = (core_names(&[*ty]), number * 8);
        format!("({ty}.store offset={at} (i32.const 0) (local.get {number}))\n")
    });
    format!(
        r#"(component {definitions}
          (core module $m
            (memory (export "memory") 1)
            (global $top (mut i32) (i32.const 1024))
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $new i32)
              (local.set $new (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
              (global.set $top (i32.add (local.get $new) (local.get 3)))
              (if (local.get 0) (then (memory.copy (local.get $new) (local.get 0) (local.get 1))))
              (local.get $new))
            (func (export "run") (param {core}) {stores})
            (func (export "dump") (result i32)
              (i32.store (i32.const 1000) (i32.const 0)) (i32.store (i32.const 1004) (i32.const 65536))
              (i32.const 1000)))
          (core instance $i (instantiate $m))
          (func (export "run") {params}
            (canon lift (core func $i "run") {encoding} (memory $i "memory") (realloc (func $i "realloc"))))
          (func (export "dump") (result (list u8)) (canon lift (core func $i "dump") (memory $i "memory"))))"#,
        definitions = types.exported(),
        core = core_names(signature),
        stores = stores.collect::<String>(),
    )
}

fn call(store: &mut Store<()>, instance: &Instance, name: &str, args: &[Val]) -> Option<Val> {
    let function = instance.get_func(&mut *store, name).unwrap();
    let count = function.ty(&*store).results().count();
    let mut results = vec![Val::Bool(false); count];
    function.call(&mut *store, args, &mut results).unwrap();
    results.pop()
}

fn core_values(memory: &[u8], signature: &[CoreType]) -> Vec<CoreValue> {
    let slots = memory.as_chunks::<8>().0.iter();
    let values = signature.iter().zip(slots).map(|(ty, slot)| {
        let bits = u64::from_le_bytes(*slot);
        match ty {
            CoreType::I32 => CoreValue::I32(bits as i32),
            CoreType::I64 => CoreValue::I64(bits as i64),
            CoreType::F32 => CoreValue::F32(bits as u32),
            CoreType::F64 => CoreValue::F64(bits),
        }
    });
    values.collect()
}

fn reader(memory: &[u8]) -> impl Fn(u64, u64) -> Option<Vec<u8>> + '_ {
    |address, size| {
        let start = usize::try_from(address).ok()?;
        let end = start.checked_add(usize::try_from(size).ok()?)?;
        memory.get(start..end).map(<[u8]>::to_vec)
    }
}

#[test]
fn values_that_wasmtime_lowers_lift_to_themselves() {
    let mut config = Config::new();
    config
        .wasm_component_model_fixed_length_lists(true)
        .wasm_component_model_map(true);
    let engine = Engine::new(&config).unwrap();
    for seed in 0..150 {
        let mut chance = Chance::new(seed);
        let mut types = Types::default();
        let mut function = FunctionType::default();
        let mut params = String::new();
        // One parameter is mostly flat; seven mostly spill.
        for number in 0..[1, 2, 7][chance.below(3)] {
            let (ty, text) = types.any(&mut chance, 3);
            params += &format!("(param \"p{number}\" {text}) ");
            function.params.push((format!("p{number}"), ty));
        }
        let (encoding, option) = [
            (StringEncoding::Utf8, "string-encoding=utf8"),
            (StringEncoding::Utf16, "string-encoding=utf16"),
            (StringEncoding::CompactUtf16, "string-encoding=latin1+utf16"),
        ][chance.below(3)];
        let signature = layout::lifted(&function, Pointer::Wasm32, Lift::Sync)
            .signature
            .params;
        let text = keeper(&types, &params, &signature, option);
        let bytes = wat::parse_str(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let component = Component::new(&engine, &bytes).unwrap_or_else(|e| panic!("{e:?}\n{text}"));
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine)
            .instantiate(&mut store, &component)
            .unwrap();

        let values = function.params.iter().map(|(_, ty)| value(&mut chance, ty));
        let values: Vec<Val> = values.collect();
        call(&mut store, &instance, "run", &values);
        let Some(Val::List(dump)) = call(&mut store, &instance, "dump", &[]) else {
            panic!("no dump");
        };
        let bytes = dump.into_iter().map(|byte| match byte {
            Val::U8(byte) => byte,
            other => panic!("{other:?} is not a byte"),
        });
        let memory: Vec<u8> = bytes.collect();

        let read = reader(&memory);
        let args = core_values(&memory, &signature);
        let lifted = Lifter::new(&read, encoding, Pointer::Wasm32).params(&function, IN, &args);
        assert_eq!(lifted.len(), values.len());
        for ((name, lifted), value) in lifted.iter().zip(&values) {
            assert!(
                is_same(lifted, value),
                "{name}: {lifted:?}\n{value:?}\n{text}"
            );
        }
    }
}

#[test]
fn nonsense_is_told_apart_and_never_too_long() {
    for seed in 1000..1300 {
        let mut chance = Chance::new(seed);
        let mut types = Types::default();
        let (ty, _) = types.any(&mut chance, 5);
        let memory: Vec<u8> = (0..256).map(|_| chance.bits() as u8).collect();
        let read = reader(&memory);
        let function = FunctionType {
            params: vec![("p".into(), ty.clone())],
            ..FunctionType::default()
        };
        let core: Vec<CoreValue> = (0..chance.below(20))
            .map(|_| match chance.below(5) {
                0 => CoreValue::I64(chance.bits() as i64),
                1 => CoreValue::F32(chance.bits() as u32),
                2 => CoreValue::F64(chance.bits()),
                3 => CoreValue::Ref(true),
                _ => CoreValue::I32(chance.bits() as i32 % 300),
            })
            .collect();
        for pointer in [Pointer::Wasm32, Pointer::Wasm64] {
            let mut lifter = Lifter::new(&read, StringEncoding::CompactUtf16, pointer);
            lifter.limits = Limits {
                values: 50,
                ..Limits::default()
            };
            let mut lifted = vec![
                lifter.stored(&ty, chance.bits() % 300),
                lifter.flat(&ty, &core),
            ];
            lifted.extend(
                lifter
                    .params(&function, IN, &core)
                    .into_iter()
                    .map(|(_, v)| v),
            );
            for value in lifted {
                let text = wave::text(&value, 80);
                assert!(text.len() <= 80 + '…'.len_utf8(), "{text}");
            }
        }
    }
}

fn text_at(memory: &[u8], ty: &ValueType) -> String {
    let read = reader(memory);
    let lifter = Lifter::new(&read, StringEncoding::Utf8, Pointer::Wasm32);
    wave::text(&lifter.stored(ty, 0), 200)
}

fn list(element: ValueType) -> ValueType {
    ValueType::List(Arc::new(element))
}

#[test]
fn what_is_wrong_is_said_in_its_place() {
    let choice = ValueType::Enum(Arc::new(Labels {
        name: None,
        labels: vec!["red".into(), "green".into()],
    }));
    let pair = ValueType::Tuple([choice, ValueType::Char].into());
    let text = text_at(&[1, 0, 0, 0, 0x00, 0xd8, 0, 0], &pair);
    assert_eq!(text, "(green, <invalid: 0xd800 is not a character>)");
    let text = text_at(&[7, 0, 0, 0, b'x', 0, 0, 0], &pair);
    assert_eq!(text, "(<invalid: there is no case 7, only 2>, 'x')");

    let text = text_at(
        &[8, 0, 0, 0, 3, 0, 0, 0, b'a', 0xff, b'b'],
        &ValueType::String,
    );
    assert_eq!(text, "<invalid: a string is not UTF-8 at its byte 1>");
    let text = text_at(&[8, 0, 0, 0, 4, 0, 0, 0, b'a', b'b'], &ValueType::String);
    let outside = "<invalid: a string of 4 units at 0x8 reaches outside of memory>";
    assert_eq!(text, outside);
    let text = text_at(&[0xff; 8], &list(ValueType::U64));
    assert_eq!(text, "<invalid: a list at 0xffffffff is not aligned>");
    assert_eq!(
        text_at(&[], &ValueType::U8),
        "<invalid: address 0x0 is outside of memory>"
    );
}

/// Values of every type, as they lie in memory at 0.
#[test]
fn every_type_has_its_text() {
    use ValueType as V;
    let arc = |ty: V| Arc::new(ty);
    let labels = |labels: &[&str]| {
        Arc::new(Labels {
            name: None,
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        })
    };
    let resource = Arc::new(Resource {
        name: Some(TypeName {
            interface: "a:b/c".into(),
            name: "thing".into(),
        }),
        id: 3,
    });
    let record = V::Record(Arc::new(Record {
        name: None,
        fields: vec![("name".into(), V::U8), ("is-on".into(), V::Bool)],
    }));
    let variant = V::Variant(Arc::new(Variant {
        name: None,
        cases: vec![
            ("none-of-it".into(), None),
            ("some-of-it".into(), Some(V::S16)),
        ],
    }));
    let flags = V::Flags(labels(&["read", "write", "run"]));
    let pair = b"\x08\0\0\0\x02\0\0\0\x01\x02\x03\x04";
    for (ty, memory, text) in [
        (V::Bool, &b"\x01"[..], "true"),
        (V::S8, b"\xff", "-1"),
        (V::U8, b"\xff", "255"),
        (V::S16, b"\xfe\xff", "-2"),
        (V::U16, b"\xfe\xff", "65534"),
        (V::S32, b"\xfd\xff\xff\xff", "-3"),
        (V::U32, b"\xfd\xff\xff\xff", "4294967293"),
        (V::S64, &[0xff; 8], "-1"),
        (V::U64, &[0xff; 8], "18446744073709551615"),
        (V::F32, &1.5f32.to_le_bytes(), "1.5"),
        (V::F32, &f32::NEG_INFINITY.to_le_bytes(), "-inf"),
        (V::F64, &3f64.to_le_bytes(), "3.0"),
        (V::F64, &f64::NAN.to_le_bytes(), "nan"),
        (V::Char, b"\xe4\0\0\0", "'ä'"),
        (V::Char, b"'\0\0\0", r"'\''"),
        (V::String, b"\x08\0\0\0\x03\0\0\0a\"\n", r#""a\"\n""#),
        (list(V::U8), pair, r#"b"\x01\x02""#),
        (list(V::U16), pair, "[513, 1027]"),
        (V::FixedList(arc(V::U16), 2), pair, "[8, 0]"),
        (V::Map(arc(V::U8), arc(V::U8)), pair, "[(1, 2), (3, 4)]"),
        (V::Tuple([V::U8, V::U16].into()), b"\x01\0\x02\0", "(1, 2)"),
        (V::Option(arc(V::U8)), b"\0\x07", "none"),
        (V::Option(arc(V::U8)), b"\x01\x07", "some(7)"),
        (V::Result(Some(arc(V::U8)), None), b"\0\x07", "ok(7)"),
        (V::Result(Some(arc(V::U8)), None), b"\x01\x07", "err"),
        (V::Result(None, Some(arc(V::U8))), b"\x01\x07", "err(7)"),
        (V::Result(None, None), b"\0", "ok"),
        (record, b"\x05\x01", "{name: 5, is-on: true}"),
        (variant.clone(), b"\0\0\x05\0", "none-of-it"),
        (variant, b"\x01\0\x05\0", "some-of-it(5)"),
        (V::Enum(labels(&["red", "green"])), b"\x01", "green"),
        (flags.clone(), b"\x05", "{read, run}"),
        (flags, b"\0", "{}"),
        (V::Own(resource.clone()), b"\x09\0\0\0", "own<thing> 9"),
        (V::Borrow(resource), b"\x09\0\0\0", "borrow<thing> 9"),
        (V::Stream(Some(arc(V::U8))), b"\x02\0\0\0", "stream<u8> 2"),
        (V::Future(None), b"\x02\0\0\0", "future 2"),
        (V::ErrorContext, b"\x02\0\0\0", "error-context 2"),
    ] {
        assert_eq!(text_at(memory, &ty), text, "{ty}");
    }
}

#[test]
fn bytes_are_text_where_they_are_text() {
    let bytes = list(ValueType::U8);
    let text = text_at(b"\x08\0\0\0\x06\0\0\0hello\n", &bytes);
    assert_eq!(text, r#"b"hello\n""#);
    let text = text_at(b"\x08\0\0\0\x05\0\0\0\x7fE\xffF\0", &bytes);
    assert_eq!(text, r#"b"\x7fE\xffF\x00""#);
}

#[test]
fn long_lists_are_lifted_by_pages() {
    let ty = list(ValueType::U32);
    let mut memory = vec![8, 0, 0, 0, 0xe8, 3, 0, 0];
    memory.extend((0..1000u32).flat_map(u32::to_le_bytes));
    let read = reader(&memory);
    let mut lifter = Lifter::new(&read, StringEncoding::Utf8, Pointer::Wasm32);
    lifter.limits.elements = 3;
    let lifted = lifter.stored(&ty, 0);
    assert_eq!(wave::text(&lifted, 80), "[0, 1, 2, … 997 more]");
    let Lifted::List(list) = &lifted else {
        panic!("{lifted:?} is not a list");
    };
    let page = lifter.page(list, 998, 10);
    assert_eq!(page, [Lifted::Unsigned(998), Lifted::Unsigned(999)]);
}

#[test]
fn types_are_written_as_in_wit() {
    let resource = Arc::new(Resource {
        name: Some(TypeName {
            interface: "wasi:io/streams@0.2.6".into(),
            name: "output-stream".into(),
        }),
        id: 0,
    });
    let error = ValueType::Result(None, Some(Arc::new(ValueType::ErrorContext)));
    let function = FunctionType {
        params: vec![
            ("self".into(), ValueType::Borrow(resource)),
            ("contents".into(), list(ValueType::U8)),
        ],
        result: Some(error),
        is_async: false,
    };
    assert_eq!(
        function.to_string(),
        "func(self: borrow<output-stream>, contents: list<u8>) -> result<_, error-context>"
    );
}
