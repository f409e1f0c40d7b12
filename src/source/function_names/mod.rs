//! Functions by the names that people type: any end of the path at `::`, without the
//! arguments of types, as in `Node::sum` for `<shop::Node as shop::Tree>::sum`.
//!
//! Nothing is asked of the language: the names of all are taken apart in the same way.

mod nearest;
mod path;

use super::lines::SourceLine;
use super::spelling::short;
pub use nearest::nearest;
use path::{DEEPEST, Named, Part, split};

/// A function as a person names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionName {
    text: String,
    /// Each must be an end of a path of the function.
    ways: Vec<Vec<Part>>,
    parameters: Option<String>,
}

/// What of a name must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// All that the person has written.
    All,
    /// The path; not the arguments of types and the parameters.
    Path,
}

/// The names that debug information has of a function.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// With its path, readable.
    pub whole: &'a str,
    /// As the source declares it.
    pub declared: Option<&'a str>,
    /// As the linker knows it.
    pub linkage: Option<&'a str>,
}

/// Where a function begins that a person means: its own code, or a copy of it that was
/// inlined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    /// The place for a breakpoint: behind the prologue, where there is one.
    pub pc: u32,
    /// The readable name with its path.
    pub name: String,
    /// Where the source declares it.
    pub declared: Option<SourceLine>,
    /// Whether it is a copy within another function.
    pub is_inlined: bool,
}

impl FunctionName {
    /// Takes a name apart; quotes around it do not count.
    pub fn parse(text: &str) -> FunctionName {
        let text = text.trim();
        let unquoted = ['\'', '"', '`'].into_iter().find_map(|quote| {
            let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
            (!inner.is_empty()).then_some(inner)
        });
        let text = unquoted.unwrap_or(text).trim();
        let named = Named::read(text, DEEPEST);
        FunctionName {
            text: text.to_owned(),
            ways: named.ways,
            parameters: named.parameters,
        }
    }

    /// The name as it was typed, without quotes.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The last part of the path: what a function is called without its path.
    pub fn last(&self) -> &str {
        let last = self.ways.first().and_then(|way| way.last());
        last.map_or(&self.text, |part| &part.name)
    }

    /// Whether a function is meant.
    pub fn means(&self, written: Written<'_>, agreement: Agreement) -> bool {
        let Written {
            whole,
            declared,
            linkage,
        } = written;
        let names = [Some(whole), declared, linkage];
        let last = self.last();
        if last.is_empty() || !names.iter().flatten().any(|name| name.contains(last)) {
            return false;
        }
        if names.contains(&Some(&self.text)) {
            return true;
        }
        let mut ways = with_arguments(Named::read(whole, DEEPEST).ways, declared);
        // What is not mangled may have a path that the readable name lacks.
        if let Some(linkage) = linkage.filter(|linkage| is_path(linkage)) {
            ways.extend(Named::read(linkage, DEEPEST).ways);
        }
        let ends_so = |wanted: &Vec<Part>| {
            !wanted.is_empty() && ways.iter().any(|way| ends(way, wanted, agreement))
        };
        if self.ways.is_empty() || !self.ways.iter().all(ends_so) {
            return false;
        }
        match (&self.parameters, agreement) {
            (Some(wanted), Agreement::All) => {
                let signature = linkage.and_then(super::demangle::signature);
                let has = signature.and_then(|signature| Named::read(&signature, 1).parameters);
                has.is_none_or(|has| are_same_parameters(wanted, &has))
            }
            _ => true,
        }
    }
}

/// Whether a linkage name is a path as it is, as those of Zig are.
fn is_path(linkage: &str) -> bool {
    linkage.contains(['.', '#', '/']) && !linkage.starts_with("_Z") && !linkage.starts_with("_R")
}

/// The arguments of a generic function, which only the name that its source declares has.
fn with_arguments(mut ways: Vec<Vec<Part>>, declared: Option<&str>) -> Vec<Vec<Part>> {
    let declared = declared.filter(|name| name.contains('<'));
    let own = declared.and_then(|name| Named::read(name, 1).ways.into_iter().next()?.pop());
    for last in ways.iter_mut().filter_map(|way| way.last_mut()) {
        if let Some(own) = &own
            && last.arguments.is_none()
            && last.name == own.name
        {
            last.arguments.clone_from(&own.arguments);
        }
    }
    ways
}

fn ends(way: &[Part], wanted: &[Part], agreement: Agreement) -> bool {
    let Some(before) = way.len().checked_sub(wanted.len()) else {
        return false;
    };
    let end = way.get(before..).unwrap_or_default();
    end.iter().zip(wanted).all(|(part, wanted)| {
        part.name == wanted.name
            && match (&wanted.arguments, agreement) {
                (Some(wanted), Agreement::All) => {
                    let has = part.arguments.as_deref().unwrap_or_default();
                    // Those that a template has by default are left out.
                    has.len() >= wanted.len() && has.iter().zip(wanted).all(|(a, b)| is_same(a, b))
                }
                _ => true,
            }
    })
}

/// Whether two types are spelled alike but for spaces and what libraries keep to themselves.
fn is_same(one: &str, other: &str) -> bool {
    one == other || tokens(one) == tokens(other)
}

fn are_same_parameters(one: &str, other: &str) -> bool {
    let list = |text: &str| {
        let mut list: Vec<Vec<String>> = split(text, ',').iter().map(|p| tokens(p)).collect();
        list.retain(|parameter| !parameter.is_empty() && parameter != &["void"]);
        list
    };
    list(one) == list(other)
}

/// The words and signs of a type, in an order that does not depend on where `const` is.
fn tokens(text: &str) -> Vec<String> {
    let plain = short(&short(text, false), true);
    let mut tokens: Vec<String> = Vec::new();
    let mut word = String::new();
    for next in plain.chars() {
        if next.is_alphanumeric() || next == '_' || next == ':' {
            word.push(next);
            continue;
        }
        if !word.is_empty() {
            tokens.push(std::mem::take(&mut word));
        }
        if !next.is_whitespace() {
            tokens.push(next.to_string());
        }
    }
    tokens.extend(Some(word).filter(|word| !word.is_empty()));
    if tokens.iter().any(|token| token == "const") {
        tokens.sort();
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn means(wanted: &str, whole: &str, declared: &str, linkage: Option<&str>) -> bool {
        let written = Written {
            whole,
            declared: Some(declared),
            linkage,
        };
        FunctionName::parse(wanted).means(written, Agreement::All)
    }

    #[test]
    fn any_end_of_a_path_names_a_function() {
        for (whole, declared, wanted, others) in [
            (
                "shop::Node::sum",
                "sum",
                vec![
                    "sum",
                    "Node::sum",
                    "shop::Node::sum",
                    "'shop::Node::sum'",
                    "Node::sum()",
                ],
                vec![
                    "um",
                    "ode::sum",
                    "Node",
                    "shop::sum",
                    "x::shop::Node::sum",
                    "",
                ],
            ),
            (
                "<shop::Percent as shop::Discount>::apply",
                "apply",
                vec![
                    "apply",
                    "Percent::apply",
                    "Discount::apply",
                    "shop::Discount::apply",
                    "<shop::Percent as shop::Discount>::apply",
                    "<Percent as Discount>::apply",
                ],
                vec![
                    "<Fixed as Discount>::apply",
                    "shop::apply",
                    "Percent::Discount::apply",
                ],
            ),
            (
                "shop::fold",
                "fold<i32, shop::main::{closure_env#0}>",
                vec!["fold", "shop::fold", "fold::<i32>", "fold<i32>"],
                vec!["fold::<u8>", "shop"],
            ),
            (
                "shop::types::<impl shop::Node>::depth",
                "depth",
                vec!["Node::depth", "shop::Node::depth"],
                vec!["types::depth"],
            ),
            (
                "shop::main::{{closure}}",
                "{closure#0}",
                vec!["main::{{closure}}", "{closure#0}"],
                vec!["main", "closure"],
            ),
            (
                "<&mut alloc::vec::Vec<T> as core::iter::Extend<T>>::extend",
                "extend",
                vec!["Vec::extend", "Extend::extend"],
                vec!["T::extend"],
            ),
            (
                "geo::Box<int, 3>::at",
                "at",
                vec![
                    "at",
                    "Box::at",
                    "geo::Box::at",
                    "geo::Box<int, 3>::at",
                    "Box<int,3>::at",
                ],
                vec!["Box<char, 3>::at", "geo::at"],
            ),
            (
                "std::__2::vector<int, std::__2::allocator<int> >::push_back[abi:ne180100]",
                "push_back",
                vec![
                    "std::vector::push_back",
                    "std::vector<int>::push_back",
                    "vector::push_back",
                ],
                vec!["std::vector<char>::push_back"],
            ),
            (
                "(anonymous namespace)::helper",
                "helper",
                vec!["helper", "(anonymous namespace)::helper"],
                vec!["namespace::helper"],
            ),
            (
                "geo::Point::operator+",
                "operator+",
                vec!["operator+", "Point::operator+", "operator +"],
                vec!["operator++", "operator", "Point::operator-"],
            ),
            (
                "Row::operator()",
                "operator()",
                vec!["Row::operator()"],
                vec!["Row"],
            ),
            (
                "Row::operator<",
                "operator<",
                vec!["Row::operator<", "operator<"],
                vec!["operator<<"],
            ),
            (
                "language()::$_0::operator() const",
                "operator()",
                vec!["operator()", "language()::$_0::operator() const"],
                vec!["language", "const"],
            ),
            (
                "Flag::operator bool",
                "operator bool",
                vec!["operator bool", "Flag::operator bool"],
                vec!["bool"],
            ),
            (
                "Node::~Node",
                "~Node",
                vec!["~Node", "Node::~Node"],
                vec!["Node::Node", "Node"],
            ),
            ("copy.llvm.1234", "copy", vec!["copy"], vec!["llvm"]),
            (
                "main.(*Account).Deposit",
                "Deposit",
                vec!["Account.Deposit", "Deposit"],
                vec!["main"],
            ),
        ] {
            for wanted in wanted {
                assert!(means(wanted, whole, declared, None), "{wanted} is {whole}");
            }
            for other in others {
                assert!(
                    !means(other, whole, declared, None),
                    "{other} is not {whole}"
                );
            }
        }
    }

    #[test]
    fn paths_in_linkage_names_and_parameters_count() {
        let zig = Some("array_list.ArrayList(u8,null).append__anon_12");
        assert!(means("ArrayList.append", "append", "append", zig));
        assert!(means(
            "array_list.ArrayList.append",
            "append",
            "append",
            zig
        ));
        let touch =
            Some("_Z5touchRKNSt3__212basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEEE");
        for wanted in [
            "touch",
            "touch(std::string const&)",
            "touch(const std::string &)",
        ] {
            assert!(means(wanted, "touch", "touch", touch), "{wanted}");
        }
        assert!(!means("touch(int)", "touch", "touch", touch));
        assert!(!means("touch()", "touch", "touch", touch));
        assert!(means("touch()", "touch", "touch", Some("_Z5touchv")));
    }

    #[test]
    fn hostile_names_end() {
        for name in [
            "<",
            "<<<<",
            "<a as <b as <c",
            "operator",
            "((((",
            "a::<",
            "}{",
            "<>::",
            "::",
        ] {
            assert!(!means("x", name, name, None));
            _ = means(name, "x", "x", None);
        }
        let deep = "<".repeat(8000) + &">".repeat(8000);
        assert!(!means("x::y", &format!("{deep}::y"), "y", None));
    }
}
