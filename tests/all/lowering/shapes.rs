//! The values that are passed: strings of all kinds, in everything that may hold them.

use wasmtime::component::Val;

pub const ENCODINGS: [&str; 3] = ["utf8", "utf16", "latin1+utf16"];

/// Types that must have a name to be imported and exported.
pub const NAMED: &[(&str, &str)] = &[
    (
        "rec",
        r#"(record (field "id" u8) (field "name" string) (field "tags" (list string)))"#,
    ),
    (
        "var",
        r#"(variant (case "n" u32) (case "s" string) (case "l" (list string)) (case "none"))"#,
    ),
];

/// A function that is given a value and returns it.
pub struct Shape {
    pub name: &'static str,
    /// Its type in the text format.
    pub ty: &'static str,
    /// Where each flat value lies in the type's layout, and its size. Empty if it is
    /// passed in memory.
    pub flat: &'static [(u32, u32)],
    /// A value with these strings, as many of them as it has room for.
    pub value: fn(&[&str]) -> Val,
}

const POINTER_AND_LENGTH: &[(u32, u32)] = &[(0, 4), (4, 4)];
const CASE_AND_TWO: &[(u32, u32)] = &[(0, 1), (4, 4), (8, 4)];

pub const SHAPES: &[Shape] = &[
    Shape {
        name: "a-string",
        ty: "string",
        flat: POINTER_AND_LENGTH,
        value: |strings| string(nth(strings, 0)),
    },
    Shape {
        name: "strings",
        ty: "(list string)",
        flat: POINTER_AND_LENGTH,
        value: list,
    },
    Shape {
        name: "lists",
        ty: "(list (list string))",
        flat: POINTER_AND_LENGTH,
        value: |strings| Val::List(strings.chunks(3).map(list).collect()),
    },
    Shape {
        name: "records",
        ty: "(list $rec)",
        flat: POINTER_AND_LENGTH,
        value: |strings| Val::List(strings.chunks(4).map(record).collect()),
    },
    Shape {
        name: "variants",
        ty: "(list $var)",
        flat: POINTER_AND_LENGTH,
        value: |strings| {
            let cases =
                (0..strings.len() + 3).map(|i| variant(i, &strings[i.min(strings.len())..]));
            Val::List(cases.collect())
        },
    },
    Shape {
        name: "options",
        ty: "(list (option string))",
        flat: POINTER_AND_LENGTH,
        value: |strings| {
            let some = strings.iter().map(|s| option(Some(s)));
            Val::List(some.flat_map(|some| [option(None), some]).collect())
        },
    },
    Shape {
        name: "tuples",
        ty: "(list (tuple string u8 string))",
        flat: POINTER_AND_LENGTH,
        value: |strings| {
            let tuple =
                |pair: &[&str]| Val::Tuple(vec![string(pair[0]), Val::U8(7), string(nth(pair, 1))]);
            Val::List(strings.chunks(2).map(tuple).collect())
        },
    },
    Shape {
        name: "results",
        ty: "(list (result string (error (list string))))",
        flat: POINTER_AND_LENGTH,
        value: |strings| {
            let both = strings.chunks(3).flat_map(|some| {
                let ok = Ok(Some(Box::new(string(some[0]))));
                [
                    Val::Result(ok),
                    Val::Result(Err(Some(Box::new(list(some))))),
                ]
            });
            Val::List(both.collect())
        },
    },
    Shape {
        name: "a-record",
        ty: "$rec",
        flat: &[(0, 1), (4, 4), (8, 4), (12, 4), (16, 4)],
        value: record,
    },
    Shape {
        name: "a-variant",
        ty: "$var",
        flat: CASE_AND_TWO,
        value: |strings| variant(strings.len(), strings),
    },
    Shape {
        name: "an-option",
        ty: "(option string)",
        flat: CASE_AND_TWO,
        value: |strings| option(strings.first().copied()),
    },
    Shape {
        name: "a-result",
        ty: "(result (list string) (error string))",
        flat: CASE_AND_TWO,
        value: |strings| match strings {
            [only] => Val::Result(Err(Some(Box::new(string(only))))),
            some => Val::Result(Ok(Some(Box::new(list(some))))),
        },
    },
    // More than is passed flat.
    Shape {
        name: "many",
        ty: "(tuple string string string string string string string string string)",
        flat: &[],
        value: |strings| Val::Tuple((0..9).map(|i| string(nth(strings, i))).collect()),
    },
];

/// Of all encodings' kinds, shorter and longer; some begin as what they do not go on as.
pub const STRINGS: &[fn() -> String] = &[
    || String::new(),
    || "a".into(),
    || "plain, but long enough not to fit a word ".repeat(3),
    || "é".into(),
    || "żółć is not Latin-1, çédille is".into(),
    || "Übermut tut selten gut. ".repeat(4),
    || "€".into(),
    || "plain and then €uro".into(),
    || "plain and then Ünd then €uro and then plain again ".repeat(3),
    || "書き込む".repeat(7),
    || "\u{10348}".into(),
    || "☃\u{1f3df}".into(),
    || "plain, then \u{1f980}, then é".repeat(5),
];

fn nth<'a>(strings: &[&'a str], index: usize) -> &'a str {
    match strings.len() {
        0 => "none",
        all => strings[index % all],
    }
}

fn string(text: &str) -> Val {
    Val::String(text.into())
}

fn list(strings: &[&str]) -> Val {
    Val::List(strings.iter().map(|s| string(s)).collect())
}

fn option(text: Option<&str>) -> Val {
    Val::Option(text.map(|text| Box::new(string(text))))
}

fn record(strings: &[&str]) -> Val {
    Val::Record(vec![
        ("id".into(), Val::U8(strings.len() as u8)),
        ("name".into(), string(nth(strings, 0))),
        ("tags".into(), list(strings)),
    ])
}

fn variant(case: usize, strings: &[&str]) -> Val {
    let (name, payload) = match case % 4 {
        0 => ("n", Some(Val::U32(case as u32))),
        1 => ("s", Some(string(nth(strings, 0)))),
        2 => ("l", Some(list(strings.get(..2).unwrap_or(strings)))),
        _ => ("none", None),
    };
    Val::Variant(name.into(), payload.map(Box::new))
}
