//! Which parts of an answer look like secrets, and are left out of it unless asked for: what has
//! a name that such things have, what looks as keys do, and what the recording knows to be one.

use crate::trace::Trace;

/// What stands in a secret's place.
pub(super) const HIDDEN: &str = "[hidden: it looks like a secret]";

/// Parts of names, in small letters and without signs between words.
const NAMES: &[&str] = &[
    "accesskey",
    "apikey",
    "auth",
    "bearer",
    "cookie",
    "credential",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "pwd",
    "secret",
    "sessionid",
    "token",
];

/// Names that contain one of those, and are none.
const HARMLESS: &[&str] = &[
    "author",
    "authority",
    "authors",
    "pwd",
    "oldpwd",
    "tokens",
    "tokenizer",
];

/// How keys of well-known makers begin.
const BEGINNINGS: &[&str] = &[
    "AKIA",
    "ASIA",
    "AIza",
    "eyJ",
    "gho_",
    "ghp_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "sk-",
    "sk_live_",
    "xoxb-",
    "xoxp-",
];

/// So long is what begins like a key at least, to be one.
const SHORTEST_KEY: usize = 16;
/// A shorter text is in others by chance.
const SHORTEST_KNOWN: usize = 6;

/// The secrets of a recording that are known.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    /// As they are in texts, the longest first.
    known: Vec<String>,
}

/// Whether something of this name is a secret, by the looks of it.
pub(super) fn is_secret_name(name: &str) -> bool {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    let plain: String = letters.flat_map(char::to_lowercase).collect();
    !HARMLESS.contains(&plain.as_str()) && NAMES.iter().any(|part| plain.contains(part))
}

impl Secrets {
    /// Those that a recording tells of: in the environment, and in the headers of requests.
    pub(super) fn of(trace: &Trace) -> Secrets {
        let environment = trace.metadata().env.iter();
        let environment = environment.filter(|(name, _)| is_secret_name(name));
        let mut known: Vec<String> = environment.map(|(_, value)| value.clone()).collect();
        for request in trace.noted_requests().iter() {
            let headers = request.headers.iter();
            let secret = headers.filter(|(name, _)| is_secret_name(name));
            known.extend(secret.map(|(_, value)| value.clone()));
        }
        known.retain(|value| value.len() >= SHORTEST_KNOWN);
        known.sort_by_key(|value| std::cmp::Reverse(value.len()));
        known.dedup();
        Secrets { known }
    }

    /// A text without them.
    pub(super) fn hide(&self, text: &str) -> String {
        let mut hidden = text.to_owned();
        for known in &self.known {
            hidden = hidden.replace(known.as_str(), HIDDEN);
        }
        let lines: Vec<String> = hidden.split('\n').map(hide_in_line).collect();
        lines.join("\n")
    }
}

/// A line without values whose names are those of secrets (`password = "x"`, `("TOKEN", "x")`,
/// `token: x`), and without what looks as keys do.
fn hide_in_line(line: &str) -> String {
    let mut hidden = String::new();
    let mut rest = line;
    while let Some((at, value)) = next_secret(rest) {
        hidden.push_str(rest.get(..at).unwrap_or_default());
        hidden.push_str(HIDDEN);
        rest = rest.get(at + value..).unwrap_or_default();
    }
    hidden + rest
}

/// The first secret in a line: where its value begins, and how long it is, in bytes.
fn next_secret(line: &str) -> Option<(usize, usize)> {
    let is_of_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let mut at = 0;
    while let Some(found) = line.get(at..)?.find(is_of_word) {
        let begin = at + found;
        let word = line.get(begin..)?;
        let length = word.find(|c| !is_of_word(c)).unwrap_or(word.len());
        let end = begin + length;
        let word = word.get(..length)?;
        if length >= SHORTEST_KEY && BEGINNINGS.iter().any(|key| word.starts_with(key)) {
            // What is signed goes on behind dots.
            let whole = line.get(begin..)?;
            let length = whole.find(|c| !is_of_word(c) && c != '.');
            return Some((begin, length.unwrap_or(whole.len())));
        }
        if is_secret_name(word)
            && let Some((from, length)) = value_behind(line, end)
        {
            return Some((from, length));
        }
        at = end;
    }
    None
}

/// The value that stands behind a name: after `=`, `:`, `->`, or, if the name is in quotes, a comma.
fn value_behind(line: &str, name_end: usize) -> Option<(usize, usize)> {
    let rest = line.get(name_end..)?;
    let unquoted = rest.trim_start_matches(['"', '\'']);
    let is_quoted = unquoted.len() < rest.len();
    let sign = unquoted.trim_start();
    let behind = sign
        .strip_prefix("->")
        .or_else(|| sign.strip_prefix('='))
        .or_else(|| sign.strip_prefix(':'))
        .or_else(|| sign.strip_prefix(',').filter(|_| is_quoted))?;
    let value = behind.trim_start();
    if value.is_empty() || value.starts_with(HIDDEN) || value.starts_with(':') {
        return None;
    }
    let from = line.len() - value.len();
    Some((from, length_of(value)))
}

/// How long the value is that a text begins with: up to the quote that ends it, or the bracket, or
/// else a comma.
fn length_of(value: &str) -> usize {
    let mut open = 0_i32;
    let mut quote = None;
    let mut is_escaped = false;
    for (at, c) in value.char_indices() {
        match (quote, c) {
            (Some(_), _) if is_escaped => is_escaped = false,
            (Some(_), '\\') => is_escaped = true,
            (Some(end), c) if c == end => {
                quote = None;
                if open == 0 {
                    return at + c.len_utf8();
                }
            }
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[' | '{') => open += 1,
            (None, ')' | ']' | '}') if open == 0 => return at,
            (None, ')' | ']' | '}') => {
                open -= 1;
                if open == 0 {
                    return at + c.len_utf8();
                }
            }
            (None, ',' | ';') if open == 0 => return at,
            (None, _) => {}
        }
    }
    value.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_the_name_of_a_secret_is_hidden() {
        let secrets = Secrets::default();
        for (text, hidden) in [
            (
                "password = \"a, b\", user = \"me\"",
                "password = #, user = \"me\"",
            ),
            ("  api_key: char* = 0x10 \"abc\"", "  api_key: #"),
            (
                "[(\"DB_PASSWORD\", \"x\"), (\"HOME\", \"/\")]",
                "[(\"DB_PASSWORD\", #), (\"HOME\", \"/\")]",
            ),
            ("authorization: [1, 2, 3], n: 4", "authorization: #, n: 4"),
            ("{\"sessionToken\": \"a\\\"b\"}", "{\"sessionToken\": #}"),
            ("token", "token"),
            ("check_token at auth.c:3", "check_token at auth.c:3"),
            ("tokens: 3, author: \"me\"", "tokens: 3, author: \"me\""),
            ("auth::login(name=1)", "auth::login(name=1)"),
        ] {
            assert_eq!(secrets.hide(text), hidden.replace('#', HIDDEN), "{text}");
        }
    }

    #[test]
    fn keys_are_known_by_their_looks() {
        let secrets = Secrets::default();
        let key = "x = \"ghp_0123456789abcdefABCDEF\";";
        assert_eq!(secrets.hide(key), format!("x = \"{HIDDEN}\";"));
        let signed = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_1 rest";
        assert_eq!(secrets.hide(signed), format!("{HIDDEN} rest"));
        assert_eq!(secrets.hide("sk-short eyJ"), "sk-short eyJ");
    }

    #[test]
    fn what_the_recording_knows_is_hidden_wherever_it_is() {
        let secrets = Secrets {
            known: vec!["hunter2!".to_owned()],
        };
        assert_eq!(
            secrets.hide("buffer: \"xhunter2!y\""),
            format!("buffer: \"x{HIDDEN}y\"")
        );
    }
}
