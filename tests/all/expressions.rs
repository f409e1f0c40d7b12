//! The language of watches, conditions and log messages, on frames of `hello.c` made by
//! hand and on hostcalls.

use crate::support::hello::{Frame, MOMENT, evaluate, main_frame, source, variable};
use rr_dap::inspect::expression::{Evaluated, Expression, ExpressionError, Fault, Scene};
use rr_dap::inspect::hostcall::in_progress::LiftedCall;
use rr_dap::inspect::hostcall::lift::Lifted;
use rr_dap::inspect::variable::variables::children;
use rr_dap::timeline::travel::elsewhere::{Elsewhere, Other, Since};

/// One line of a value, or the error.
fn text(value: Result<Evaluated, ExpressionError>) -> Result<String, Fault> {
    value
        .map(|value| value.text())
        .map_err(|error| *error.fault)
}

/// Expressions over `main`'s variables: `pts` holds three points, `buf` text at 0x800,
/// `c` the enumerator `BLUE` (6), `u` a union.
fn check(cases: &[(&str, &str)]) {
    let source = source("O0");
    let (pc, frame) = main_frame(&source);
    for (expression, expected) in cases {
        let value = text(evaluate(&source, pc, &frame, expression));
        assert_eq!(value, Ok((*expected).to_owned()), "{expression}");
    }
}

/// The fault of an expression, and the part of it that has it.
fn fault(expression: &str) -> (Fault, String) {
    let source = source("O0");
    let (pc, frame) = main_frame(&source);
    let error = evaluate(&source, pc, &frame, expression).expect_err(expression);
    let part = error.part().to_owned();
    assert!(!error.to_string().is_empty());
    (*error.fault, part)
}

#[test]
fn paths_walk_through_values() {
    check(&[
        ("pts[1].name", "0x510 \"two\""),
        (" pts [ 0x2 ] . x ", "-7"),
        ("(*pts).y", "2"),
        ("*pts[1].name", "116 't'"),
        ("pts[1].name[2]", "111 'o'"),
        ("pts->w", "3.5"),
        ("c", "BLUE"),
        ("u.f", "1.5"),
        ("buf[0]", "116 't'"),
        ("pts[pts[0].x].x", "4"),
        (
            "pts[1..3]",
            "[{x: 4, y: 5, w: 6.5, name: 0x510 \"two\"}, {x: -7, y: 8, w: 9.5, name: 0x520 \"three\"}]",
        ),
        ("buf[0..5]", "\"three\""),
    ]);
}

#[test]
fn so_many_values_from_one_on_are_an_array() {
    check(&[
        (
            "pts[1]@2",
            "[{x: 4, y: 5, w: 6.5, name: 0x510 \"two\"}, {x: -7, y: 8, w: 9.5, name: 0x520 \"three\"}]",
        ),
        ("*pts[1].name@3", "\"two\""),
        ("pts[0].x@2", "[1, 2]"),
        ("(pts[0].x@2)[1]", "2"),
        ("pts[0].x @ (1 + 1)", "[1, 2]"),
        ("(pts[0].x@4)[0] + 1", "2"),
        ("pts[0].x@1+1", "[1, 2]"),
        ("pts[0].x@2 == pts[0].x@2", "true"),
    ]);
    assert_eq!(fault("3@2"), (Fault::NoAddress, "3".into()));
    assert_eq!(fault("pts[0].x@").1, "");
    assert_eq!(fault("pts[0].x@-1").0, Fault::Backward { from: 0, to: -1 });
}

#[test]
fn numbers_are_calculated_and_compared() {
    check(&[
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("-pts[2].x % 4", "3"),
        ("pts[0].x + pts[1].x == 5", "true"),
        ("pts[0].w * 2", "7.0"),
        ("pts[0].w > 3 && pts[0].w <= 3.5", "true"),
        ("pts[0].x == 2 || !(pts[0].y == 2)", "false"),
        ("0x10 | 0b101", "21"),
        ("6 & 4 == 4", "true"),
        ("1 << 4 >> 2", "4"),
        ("~0", "-1"),
        ("10 / 4", "2"),
        ("10 / 4.0", "2.5"),
        ("1_000_000", "1000000"),
        ("2.5e3", "2500.0"),
        ("'A'", "A"),
        ("'A' + 1", "66"),
        ("buf[0] == 't'", "true"),
        ("sizeof(pts)", "72"),
        ("sizeof(int)", "4"),
        ("1 < 2", "true"),
        ("5 - 3 - 1", "1"),
        ("5 -3", "2"),
    ]);
}

#[test]
fn types_are_measured_and_choices_made() {
    check(&[
        ("sizeof(struct point)", "24"),
        ("sizeof(struct point *)", "4"),
        ("sizeof(unsigned long long) * 2", "16"),
        ("sizeof pts[0]", "24"),
        ("sizeof *pts", "24"),
        ("sizeof(pts[0].name)", "4"),
        ("sizeof(pts) / sizeof(pts[0])", "3"),
        ("sizeof(point)", "24"),
        ("c == BLUE ? pts[0].x : pts[1].x", "1"),
        ("0 ? 1 : 0 ? 2 : 3", "3"),
        ("1 ? 0 ? 1 : 2 : 3", "2"),
        ("(c ? 1 : 2) + 1", "2"),
        ("if pts[0].x > 1 { 5 } else { 6 }", "6"),
        ("BLUE", "BLUE"),
        ("GREEN + 1 == BLUE", "true"),
        ("pts[0].x == RED", "false"),
        ("(enum color)GREEN", "GREEN"),
        ("fib", "fib"),
    ]);
    // The condition decides: what is not chosen need not have a value.
    check(&[("1 ? 2 : *0", "2")]);
    assert_eq!(
        fault("sizeof(struct nothing)").0,
        Fault::UnknownType("nothing".into())
    );
}

#[test]
fn a_comma_says_how_a_value_is_written() {
    check(&[
        ("pts[2].x,x", "0xfffffff9"),
        ("pts[2].x,u", "4294967289"),
        ("pts[0].x , o", "0o1"),
        ("pts[1].x,t", "0b100"),
        ("pts[1].x,b", "0b100"),
        ("c,d", "6"),
        ("u.f,x", "1.5"),
        ("buf[0],c", "116 't'"),
        ("buf[0],x", "0x74"),
        ("(pts[0].x@2),x", "[0x1, 0x2]"),
        ("pts[1].name,[2]", "\"tw\""),
        ("pts[1].name,2", "\"tw\""),
        ("pts[1].name,[2],x", "[0x74, 0x77]"),
        ("255 + 1,x", "0x100"),
    ]);
    let (what, at) = fault("pts[0].x,q");
    assert_eq!(what, Fault::NoFormat(",q".into()));
    assert_eq!(at, "q");
}

#[test]
fn texts_enumerators_and_pointers_are_compared_as_what_they_are() {
    check(&[
        ("pts[1].name == \"two\"", "true"),
        ("pts[1].name != \"tw\"", "true"),
        ("pts[0].name < \"p\"", "true"),
        ("buf == \"three=\\\"15\\\"\\n\"", "true"),
        ("c == BLUE", "true"),
        ("c == RED", "false"),
        ("c == 6", "true"),
        ("c != \"BLUE\"", "false"),
        ("buf == 0x800", "true"),
        ("buf != 0", "true"),
        ("&pts[1] == &pts[0] + 1", "true"),
        ("&pts[2] - &pts[0]", "2"),
        ("(pts + 1)->x", "4"),
        ("*(buf + 1)", "104 'h'"),
    ]);
}

#[test]
fn casts_see_bytes_as_other_types() {
    check(&[
        ("(unsigned char)-1", "255 '\\xff'"),
        ("300 as u8", "44 ','"),
        ("(int)2.9", "2"),
        ("(float)1", "1.0"),
        ("3 as f64 / 2", "1.5"),
        ("((struct point *)&pts[1])->y", "5"),
        ("*(int *)&u.f", "1069547520"),
        ("(enum color)6", "BLUE"),
        ("(char *)0x510", "0x510 \"two\""),
        ("*(char *)0x510 == 't'", "true"),
        ("(c)", "BLUE"),
        ("-1 as u64", "18446744073709551615"),
    ]);
}

#[test]
fn the_core_level_and_the_moment_have_names() {
    check(&[
        ("$local0", "65536"),
        ("$local7 + 1", "65537"),
        ("$pc > 0", "true"),
        ("$event", "7"),
        ("$tick > 100", "true"),
        ("$event * 2 + $tick", "137"),
        ("$mem[0x510; 4]", "74 77 6f 00  \"two\\0\""),
        ("$mem[buf; 5] == \"three\"", "true"),
        ("$mem[buf][1]", "104"),
    ]);
    let position = MOMENT.position.expect("a position").to_string();
    check(&[(&format!("$position == \"{position}\""), "true")]);
}

#[test]
fn an_address_can_be_followed_and_unfolded() {
    let source = source("O0");
    let (pc, frame) = main_frame(&source);
    let of = |text| variable(evaluate(&source, pc, &frame, text));
    let (address, whole) = (of("&pts[1]"), of("pts"));
    assert_eq!(address.points_to, whole.address.map(|at| at + 24));
    assert_eq!(address.type_name, "point *");
    let fields = children(&source, &address, &frame, 0..10).expect("fields");
    let fields: Vec<_> = fields
        .iter()
        .map(|f| (f.name.as_str(), f.value.as_str()))
        .collect();
    assert_eq!(fields[..2], [("x", "4"), ("y", "5")]);
    assert_eq!(fields.len(), 4);
}

#[test]
fn errors_point_at_the_place() {
    let unknown = |name: &str| (Fault::Unknown(name.to_owned()), name.to_owned());
    assert_eq!(fault("nothing"), unknown("nothing"));
    assert_eq!(fault("pts[0].x + other * 2"), unknown("other"));
    assert_eq!(
        fault("pts[0].x == typo"),
        (Fault::Unknown("typo".to_owned()), "typo".to_owned())
    );
    assert_eq!(fault("c == PURPLE"), unknown("PURPLE"));
    let range = Fault::OutOfRange { index: 3, count: 3 };
    assert_eq!(fault("1 + pts[3].x"), (range, "pts[3]".to_owned()));
    assert!(
        matches!(fault("pts[1].z").0, Fault::NoField { known, .. } if known == "x, y, w, name")
    );
    assert_eq!(fault("1 / (2 - 2)").0, Fault::DivisionByZero);
    assert_eq!(fault("&(1 + 2)").0, Fault::NoAddress);
    assert_eq!(
        fault("*0x100"),
        (Fault::Untyped("0x100".into()), "0x100".into())
    );
    assert_eq!(
        fault("(nothing *)buf").0,
        Fault::UnknownType("nothing".into())
    );
    assert_eq!(fault("$arg.path").0, Fault::NoHostcall);
    assert_eq!(fault("$result == 1"), (Fault::NoHostcall, "$result".into()));
    assert_eq!(fault("$stack0").0, Fault::NoRegister);
    assert!(matches!(fault("$nonsense").0, Fault::UnknownSpecial(_)));
    assert!(matches!(fault("pts < pts[0]").0, Fault::Incomparable(..)));
    assert!(matches!(fault("pts[u]").0, Fault::NotANumber(_)));
    for wrong in [
        "",
        "pts[",
        "pts]",
        "a b",
        "pts[1]..x",
        "&",
        "*",
        "1 +",
        "\"open",
        "0xg",
        "$arg",
    ] {
        let error = Expression::parse(wrong).expect_err(wrong);
        assert!(error.column() <= wrong.len() + 1, "{wrong}: {error}");
    }
    let error = Expression::parse("a + ").expect_err("incomplete");
    assert_eq!(
        error.to_string(),
        "a variable or a number is expected here (column 5 of `a + `)"
    );
    let deep = format!("{}pts", "(".repeat(100_000));
    assert_eq!(fault(&deep).0, Fault::TooDeep);
    let deep = format!("{}1", "-".repeat(100_001));
    assert!(Expression::parse(&deep).is_err());
    let long = format!("1{}", " + 1".repeat(10_000));
    let _ = Expression::parse(&long);
}

#[test]
fn the_past_cannot_be_changed() {
    for expression in [
        "c = 3",
        "pts[0].x = 1",
        "c += 1",
        "c++",
        "--c",
        "c <<= 1",
        "*buf = 'x'",
        "c &= 1",
    ] {
        let error = Expression::parse(expression).expect_err(expression);
        assert_eq!(*error.fault, Fault::Assignment, "{expression}");
    }
    for expression in ["strlen(buf)", "pts.push(1)"] {
        let error = Expression::parse(expression).expect_err(expression);
        assert_eq!(*error.fault, Fault::Call, "{expression}");
    }
}

/// Chains nest without parentheses. Short ones have a value, at once; long ones are refused.
#[test]
fn chains_of_any_length_have_an_answer() {
    let chain = |first: &str, link: &str, count: usize| first.to_owned() + &link.repeat(count);
    check(&[
        (&chain("1", "+1", 300), "301"),
        (&chain("0", "|1", 300), "1"),
        (&chain("300", " as u8 as i32", 100), "44"),
        (&chain("pts[0].x", "*1", 300), "1"),
    ]);
    for (first, link) in [
        ("1", "+1"),
        ("pts", "[0]"),
        ("pts[0].x", "@1"),
        ("u", ".i"),
        ("c", " as u8"),
    ] {
        let (fault, _) = fault(&chain(first, link, 20_000));
        assert!(fault == Fault::TooDeep, "{first}{link}…");
    }
}

/// Every prefix and every single character left out of some expressions: an answer or an
/// error, and the error's place is in the text.
#[test]
fn no_text_is_too_odd() {
    let source = source("O0");
    let (pc, frame) = main_frame(&source);
    let whole = [
        "pts[1].name == \"two\" && (int)$mem[buf; 4][0] << 2 > -0x1f",
        "((struct point *)&pts[1])->w * 1.5e3 as f32 / sizeof(c) - 'é'",
        "$arg.path-flags.x[0..2] || $result.err == not-there | ~u.i",
    ];
    for text in whole {
        let cuts = (0..=text.len()).filter(|&at| text.is_char_boundary(at));
        for at in cuts {
            let (head, tail) = text.split_at(at);
            let mut rest = tail.chars();
            rest.next();
            for odd in [
                head.to_owned(),
                format!("{head}{}", rest.as_str()),
                tail.to_owned(),
            ] {
                if let Err(error) = evaluate(&source, pc, &frame, &odd) {
                    assert!(odd.get(error.at.clone()).is_some(), "{odd}: {error:?}");
                }
            }
        }
    }
}

#[test]
fn hostcalls_are_asked_by_the_names_of_wit() {
    let list = Lifted::Tuple(vec![Lifted::Unsigned(3), Lifted::Char('x')]);
    let call = LiftedCall {
        name: "wasi:example/thing#[method]a.open-at".to_owned(),
        arguments: vec![
            (
                "path-flags".to_owned(),
                Lifted::Flags(vec!["follow".to_owned()]),
            ),
            ("size".to_owned(), Lifted::Unsigned(40)),
            ("pair".to_owned(), list),
        ],
        result: Some(Lifted::Result(Err(Some(Box::new(Lifted::Enum(
            "no-entry".to_owned(),
        )))))),
    };
    let frame = Frame {
        stack: 5,
        ..Frame::default()
    };
    let scene = Scene {
        moment: MOMENT,
        registers: Some(&frame),
        pc: Some(0x1c4),
        frame: None,
        hostcall: Some(&call),
        at_hostcall: false,
        elsewhere: None,
    };
    let value = |text: &str| {
        let value = Expression::parse(text).and_then(|parsed| parsed.evaluate(&scene));
        value
            .map(|value| value.text())
            .map_err(|error| *error.fault)
    };
    for (expression, expected) in [
        ("$arg.path-flags", "{follow}"),
        ("$arg.size - 1", "39"),
        ("$arg.size > $local0 * 2", "true"),
        ("$arg.pair.0", "3"),
        ("$arg.pair[1] == 'x'", "true"),
        ("$result", "err(no-entry)"),
        ("$result == err", "true"),
        ("$result == \"ok\"", "false"),
        ("$result.err == no_entry", "true"),
        ("$result.err == \"no-entry\"", "true"),
        ("$result.err == NoEntry", "true"),
    ] {
        assert_eq!(value(expression), Ok(expected.to_owned()), "{expression}");
    }
    let missing = value("$arg.nothing");
    assert!(
        matches!(missing, Err(Fault::NoArgument { known, .. }) if known == "path-flags, size, pair")
    );
    assert!(matches!(value("$result.ok"), Err(Fault::NoField { known, .. }) if known == "err"));
    assert!(matches!(value("size"), Err(Fault::NoSource(_))));
    let in_its_frame = Scene {
        at_hostcall: true,
        ..scene
    };
    let bare = Expression::parse("size * 2").and_then(|parsed| parsed.evaluate(&in_its_frame));
    assert_eq!(bare.map(|value| value.text()).ok().as_deref(), Some("80"));
}

#[test]
fn other_nodes_are_asked_how_far_they_have_come() {
    let other = |name: &str, steps: &[(u64, u64)]| Other {
        name: name.to_owned(),
        steps: steps
            .iter()
            .map(|(event, other)| Since {
                event: *event,
                in_call: false,
                other: *other,
            })
            .collect(),
    };
    let elsewhere = Elsewhere {
        nodes: vec![
            other("shop", &[(3, 4), (8, 99)]),
            other("answer-2", &[(7, 12)]),
            other("two#2.x", &[(1, 5)]),
        ],
    };
    let scene = Scene {
        moment: MOMENT,
        registers: None,
        pc: None,
        frame: None,
        hostcall: None,
        at_hostcall: false,
        elsewhere: Some(&elsewhere),
    };
    let value = |text: &str, scene: &Scene<'_>| {
        let value = Expression::parse(text).and_then(|parsed| parsed.evaluate(scene));
        value
            .map(|value| value.text())
            .map_err(|error| error.fault.to_string())
    };
    // The moment is before event 7.
    for (text, expected) in [
        ("$node.shop.event", "4"),
        ("$node.answer-2.event", "12"),
        ("$node[\"two#2.x\"].event", "5"),
        ("$node[ \"shop\" ].event + 1", "5"),
        ("$node.answer-2.event > $node.shop.event", "true"),
    ] {
        assert_eq!(value(text, &scene).as_deref(), Ok(expected), "{text}");
    }
    for (text, expected) in [
        (
            "$node.ship.event",
            "no other node is named `ship`; there are shop, answer-2, two#2.x",
        ),
        ("$node.shop", "`.event` is expected here"),
        ("$node", "`.` and the name of a node is expected here"),
        (
            "$node[shop].event",
            "the name of a node, in double quotes is expected here",
        ),
        ("$node[\"shop.event", "is expected here"),
        ("$node..event", "the name of a node is expected here"),
    ] {
        let refused = value(text, &scene).expect_err(text);
        assert!(refused.contains(expected), "{text}: {refused}");
    }
    let alone = Scene {
        elsewhere: None,
        ..scene
    };
    let refused = value("$node.shop.event", &alone).expect_err("nobody else");
    assert!(
        refused.contains("one recording alone is debugged"),
        "{refused}"
    );
}
