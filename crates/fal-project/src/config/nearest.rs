//! Finds the name that a mistyped one was meant to be.

/// Returns the nearest of the known names, if one is near enough.
pub(crate) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let (distance, best) = known
        .iter()
        .map(|candidate| (distance(name, candidate), *candidate))
        .min()?;
    (distance <= (name.chars().count() / 3).max(1)).then_some(best)
}

/// Returns the number of characters to add, drop or change.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, from) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, to) in other.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_mistake_finds_its_name() {
        let known = ["plugins", "routes", "environments"];
        assert_eq!(nearest("plugin", &known), Some("plugins"));
        assert_eq!(nearest("enviroments", &known), Some("environments"));
        assert_eq!(nearest("hooks", &known), None);
        assert_eq!(nearest("x", &[]), None);
    }
}
