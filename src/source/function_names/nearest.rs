//! What a person may have meant by a name that no function has.

use super::FunctionName;

/// The names that are most like a wanted one, the most similar first: those that differ in
/// few letters, or only in case, or have it as a part.
pub fn nearest<'n>(
    wanted: &FunctionName,
    names: impl Iterator<Item = &'n str>,
    most: usize,
) -> Vec<String> {
    let last = wanted.last().to_lowercase();
    let length = last.chars().count();
    if length == 0 || length > 64 {
        return Vec::new();
    }
    let bound = (length / 3).max(1);
    let mut found: Vec<(usize, usize, &str)> = Vec::new();
    for name in names {
        let named = FunctionName::parse(name);
        let own = named.last().to_lowercase();
        let distance = match own.contains(&last) && length > 2 {
            true if own == last => 0,
            true => 1,
            false => distance(&last, &own, bound).unwrap_or(usize::MAX),
        };
        if distance <= bound {
            found.push((distance, name.len(), name));
        }
    }
    found.sort_unstable();
    found.dedup_by_key(|(.., name)| *name);
    let names = found.into_iter().map(|(.., name)| name.to_owned());
    names.take(most).collect()
}

/// How many letters must be put in, left out, changed, or exchanged with the next; `None` if
/// more than the bound.
fn distance(one: &str, other: &str, bound: usize) -> Option<usize> {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len().abs_diff(other.len()) > bound {
        return None;
    }
    let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let changed = at(&row, j) + usize::from(a != b);
            let least = changed.min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let crosses =
                i > 0 && j > 0 && other.get(j - 1) == Some(a) && one.get(i - 1) == Some(b);
            next.push(match crosses {
                true => least.min(at(&before, j - 1) + 1),
                false => least,
            });
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().filter(|distance| *distance <= bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_guessed() {
        let names = [
            "shop::Node::insert",
            "shop::checkout",
            "shop::Node::sum",
            "run",
        ];
        let near = |wanted: &str| nearest(&FunctionName::parse(wanted), names.into_iter(), 2);
        assert_eq!(near("Node::isnert"), ["shop::Node::insert"]);
        assert_eq!(near("chekout"), ["shop::checkout"]);
        assert_eq!(near("rnu"), ["run"]);
        assert_eq!(near("Sum"), ["shop::Node::sum"]);
        assert!(near("tokenize").is_empty());
    }
}
