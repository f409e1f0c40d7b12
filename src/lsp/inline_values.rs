//! Inline values: which names in the lines of the frame that is looked at are variables that
//! have a value by then. The debug session evaluates them.

use super::words;
use crate::debuggee::VariableInSource;
use lsp_types::{InlineValue, InlineValueEvaluatableExpression, Position, Range};

/// The variables in a range of lines, up to the one where the frame stands. What that line
/// declares has no value yet.
pub(super) fn values(
    lines: &[String],
    range: Range,
    stopped: u32,
    variables: &[VariableInSource],
) -> Vec<InlineValue> {
    let last = range.end.line.min(stopped);
    let mut values = Vec::new();
    for line in range.start.line..=last {
        let Some(text) = lines.get(line as usize) else {
            break;
        };
        let mut shown: Vec<&str> = Vec::new();
        for word in words::names(text) {
            // Lines of debug information count from one.
            let is_declared = |variable: &VariableInSource| {
                let declared = variable.declared;
                variable.name == word.text
                    && declared.is_some_and(|from| {
                        from <= u64::from(line) + 1 && from <= u64::from(stopped)
                    })
            };
            if word.is_member || shown.contains(&word.text) || !variables.iter().any(is_declared) {
                continue;
            }
            shown.push(word.text);
            let range = Range::new(
                Position::new(line, word.columns.start),
                Position::new(line, word.columns.end),
            );
            values.push(InlineValue::EvaluatableExpression(
                InlineValueEvaluatableExpression {
                    range,
                    expression: Some(word.text.to_owned()),
                },
            ));
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_shown_between_their_declaration_and_the_stop() {
        let text = [
            "int f(int a) {      // a",
            "  int sum = a;",
            "  sum += p.a + a;   // \"sum\"",
            "  return sum;",
            "}",
        ];
        let lines: Vec<String> = text.iter().map(|line| (*line).to_owned()).collect();
        let variable = |name: &str, declared| VariableInSource {
            name: name.to_owned(),
            declared,
        };
        let variables = [
            variable("a", Some(1)),
            variable("sum", Some(2)),
            variable("p", Some(3)),
            variable("int", None),
            variable("later", Some(9)),
        ];
        let all = Range::new(Position::new(0, 0), Position::new(4, 1));
        let shown: Vec<(u32, u32, String)> = values(&lines, all, 2, &variables)
            .into_iter()
            .map(|value| match value {
                InlineValue::EvaluatableExpression(it) => {
                    let at = it.range.start;
                    (at.line, at.character, it.expression.unwrap())
                }
                other => panic!("{other:?}"),
            })
            .collect();
        let expected = [
            (0, 10, "a"),
            (1, 6, "sum"),
            (1, 12, "a"),
            (2, 2, "sum"),
            (2, 15, "a"),
        ];
        let expected = expected.map(|(line, column, name)| (line, column, name.to_owned()));
        assert_eq!(shown, expected);
    }
}
