//! Component types and values by chance, and their text forms, for checking what we
//! compute against what Wasmtime and wasmparser do.

use rr_dap::component::types::{CoreType, Labels, Record, TypeName, ValueType, Variant};
use std::fmt::Write;
use std::sync::Arc;

/// xorshift: chance that is the same in every run.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.bits() >> 32) as usize % end
    }
}

/// Types by chance, with the definitions their text needs.
#[derive(Default)]
pub struct Types {
    /// `(name, definition)` of each named type, in order.
    pub named: Vec<(String, String)>,
}

impl Types {
    /// A type, `depth` levels deep at most, and the text that refers to it.
    pub fn any(&mut self, chance: &mut Chance, depth: usize) -> (ValueType, String) {
        use ValueType as V;
        let simple = [
            (V::Bool, "bool"),
            (V::S8, "s8"),
            (V::U8, "u8"),
            (V::S16, "s16"),
            (V::U16, "u16"),
            (V::S32, "s32"),
            (V::U32, "u32"),
            (V::S64, "s64"),
            (V::U64, "u64"),
            (V::F32, "f32"),
            (V::F64, "f64"),
            (V::Char, "char"),
            (V::String, "string"),
        ];
        let choice = chance.below(if depth == 0 { 13 } else { 29 });
        if let Some((ty, text)) = simple.get(choice) {
            return (ty.clone(), (*text).to_string());
        }
        match choice {
            13 | 14 => {
                let (element, text) = self.any(chance, depth - 1);
                (V::List(Arc::new(element)), format!("(list {text})"))
            }
            15 | 16 => {
                let (some, text) = self.any(chance, depth - 1);
                (V::Option(Arc::new(some)), format!("(option {text})"))
            }
            17 | 18 => self.result(chance, depth - 1),
            19 => {
                let parts = self.some(chance, depth - 1);
                let text = parts.iter().map(|(_, text)| text.as_str());
                let text = format!("(tuple {})", text.collect::<Vec<_>>().join(" "));
                (
                    V::Tuple(parts.into_iter().map(|(ty, _)| ty).collect()),
                    text,
                )
            }
            20 | 21 => self.record(chance, depth - 1),
            22 | 23 => self.variant(chance, depth - 1),
            24 => {
                let (labels, text) = labels([1, 3, 256, 257][chance.below(4)]);
                let name = self.name(format!("(enum {text})"));
                (V::Enum(named(&name, labels)), name)
            }
            25 => {
                let (key, key_text) = simple[[1, 6, 8, 11, 12][chance.below(5)]].clone();
                let (value, text) = self.any(chance, depth - 1);
                let text = format!("(map {key_text} {text})");
                (V::Map(Arc::new(key), Arc::new(value)), text)
            }
            26 | 27 => {
                let (element, text) = self.any(chance, depth - 1);
                let count = 1 + chance.below(4) as u32;
                let text = format!("(list {text} {count})");
                (V::FixedList(Arc::new(element), count), text)
            }
            _ => {
                let (labels, text) = labels([1, 8, 9, 16, 17, 32][chance.below(6)]);
                let name = self.name(format!("(flags {text})"));
                (V::Flags(named(&name, labels)), name)
            }
        }
    }

    fn some(&mut self, chance: &mut Chance, depth: usize) -> Vec<(ValueType, String)> {
        let count = 1 + chance.below(4);
        (0..count).map(|_| self.any(chance, depth)).collect()
    }

    fn result(&mut self, chance: &mut Chance, depth: usize) -> (ValueType, String) {
        let mut text = String::from("(result");
        let mut ok = None;
        let mut err = None;
        if chance.below(4) > 0 {
            let (ty, name) = self.any(chance, depth);
            write!(text, " {name}").unwrap();
            ok = Some(Arc::new(ty));
        }
        if chance.below(4) > 0 {
            let (ty, name) = self.any(chance, depth);
            write!(text, " (error {name})").unwrap();
            err = Some(Arc::new(ty));
        }
        (ValueType::Result(ok, err), text + ")")
    }

    fn record(&mut self, chance: &mut Chance, depth: usize) -> (ValueType, String) {
        let parts = self.some(chance, depth);
        let mut text = String::from("(record");
        let mut fields = Vec::new();
        for (number, (ty, name)) in parts.into_iter().enumerate() {
            write!(text, " (field \"f{number}\" {name})").unwrap();
            fields.push((format!("f{number}"), ty));
        }
        let name = self.name(text + ")");
        let record = Record {
            name: Some(type_name(&name)),
            fields,
        };
        (ValueType::Record(Arc::new(record)), name)
    }

    fn variant(&mut self, chance: &mut Chance, depth: usize) -> (ValueType, String) {
        let parts = self.some(chance, depth);
        let mut text = String::from("(variant (case \"none\")");
        let mut cases = vec![("none".to_string(), None)];
        for (number, (ty, name)) in parts.into_iter().enumerate() {
            write!(text, " (case \"c{number}\" {name})").unwrap();
            cases.push((format!("c{number}"), Some(ty)));
        }
        let name = self.name(text + ")");
        let variant = Variant {
            name: Some(type_name(&name)),
            cases,
        };
        (ValueType::Variant(Arc::new(variant)), name)
    }

    fn name(&mut self, definition: String) -> String {
        let name = format!("$t{}", self.named.len());
        self.named.push((name.clone(), definition));
        name
    }

    /// The definitions for a component that exports functions of these types.
    pub fn exported(&self) -> String {
        self.named
            .iter()
            .map(|(name, definition)| {
                let plain = &name[1..];
                format!("(type {name}' {definition}) (export {name} \"{plain}\" (type {name}'))\n")
            })
            .collect()
    }

    /// The definitions for a component that imports functions of these types.
    pub fn imported(&self) -> String {
        self.named
            .iter()
            .map(|(name, definition)| {
                let plain = &name[1..];
                format!(
                    "(type {name}' {definition}) (import \"{plain}\" (type {name} (eq {name}')))\n"
                )
            })
            .collect()
    }
}

fn type_name(name: &str) -> TypeName {
    TypeName {
        interface: "".into(),
        name: name[1..].into(),
    }
}

fn named(name: &str, labels: Vec<String>) -> Arc<Labels> {
    Arc::new(Labels {
        name: Some(type_name(name)),
        labels,
    })
}

fn labels(count: usize) -> (Vec<String>, String) {
    let labels: Vec<String> = (0..count).map(|number| format!("l{number}")).collect();
    let text = labels.iter().map(|label| format!("\"{label}\""));
    let text = text.collect::<Vec<_>>().join(" ");
    (labels, text)
}

pub fn core_names(types: &[CoreType]) -> String {
    let names = types.iter().map(|ty| match ty {
        CoreType::I32 => "i32",
        CoreType::I64 => "i64",
        CoreType::F32 => "f32",
        CoreType::F64 => "f64",
    });
    names.collect::<Vec<_>>().join(" ")
}
