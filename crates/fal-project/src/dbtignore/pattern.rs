//! The pattern of `.dbtignore` that matches one file and nothing else.

/// Anchored at the project, special characters escaped. A `#` or `!` is special only at the start of a line, where the
/// anchor stands.
pub(crate) fn of(path: &str) -> String {
    let mut pattern = String::with_capacity(path.len() + 1);
    pattern.push('/');
    // dbt takes the slash of an absolute path away before it matches.
    for letter in path.trim_start_matches('/').chars() {
        match letter {
            // A line of the file cannot hold these: any character matches then.
            '\n' | '\r' => pattern.push('?'),
            '\\' | '*' | '?' | '[' | ']' => pattern.extend(['\\', letter]),
            _ => pattern.push(letter),
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dbtignore::Rules;

    #[test]
    fn special_characters_are_escaped() {
        assert_eq!(of("models/a b/#x !.py"), "/models/a b/#x !.py");
        assert_eq!(of("/srv/shop/models/a.py"), "/srv/shop/models/a.py");
        assert_eq!(of("models/[x]*?\\.py"), "/models/\\[x\\]\\*\\?\\\\.py");
    }

    proptest! {
        #[test]
        fn a_pattern_matches_its_file_and_no_other(name in "[ -~é☃]{1,12}", other in "[ -~é☃]{1,12}") {
            prop_assume!(!name.contains('/') && !other.contains('/') && name != other);
            let path = format!("models/{name}.py");
            let rules = Rules::of(&of(&path), "");
            prop_assert!(rules.ignores(&path));
            let others = [format!("models/{other}.py"), format!("x/{path}")];
            prop_assert!(others.iter().all(|other| !rules.ignores(other)));
        }
    }
}
