//! The `ref` calls of a SQL file that have literal arguments.

/// A `ref` with literal names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlRef {
    /// The package, if one is named.
    pub package: Option<String>,
    /// The model.
    pub name: String,
    /// Its line, from 1.
    pub line: usize,
}

/// Returns the calls in order. Jinja comments are skipped.
pub fn sql_refs(text: &str) -> Vec<SqlRef> {
    let text = without_comments(text);
    let mut found = Vec::new();
    for (at, _) in text.match_indices("ref") {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_') {
            continue;
        }
        let Some(arguments) = text[at + 3..].trim_start().strip_prefix('(') else {
            continue;
        };
        let Some((first, rest)) = literal(arguments) else {
            continue;
        };
        let second = rest.trim_start().strip_prefix(',').and_then(literal);
        let line = text[..at].matches('\n').count() + 1;
        found.push(match second {
            Some((second, _)) => SqlRef {
                package: Some(first.to_owned()),
                name: second.to_owned(),
                line,
            },
            None => SqlRef {
                package: None,
                name: first.to_owned(),
                line,
            },
        });
    }
    found
}

/// Splits off a quoted text at the beginning.
fn literal(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let quote = text
        .chars()
        .next()
        .filter(|quote| matches!(quote, '"' | '\''))?;
    text[1..].split_once(quote)
}

/// Replaces Jinja comments by blanks, so that line numbers stay.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{#") {
        let end = rest[start..]
            .find("#}")
            .map_or(rest.len(), |end| start + end + 2);
        out.push_str(&rest[..start]);
        out.extend(
            rest[start..end]
                .chars()
                .map(|letter| if letter == '\n' { '\n' } else { ' ' }),
        );
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_refs_have_their_lines() {
        let text = "{# ref('no')\n #}\nselect * from {{ ref('a') }}\njoin {{ ref( \"pkg\" , 'b') }} on xref('no')\n{{ ref(x) }} {{ builtins.ref('c', v=2) }}";
        let found: Vec<_> = sql_refs(text)
            .into_iter()
            .map(|one| (one.package.unwrap_or_default(), one.name, one.line))
            .collect();
        let expected = [("", "a", 3), ("pkg", "b", 4), ("", "c", 5)];
        assert_eq!(
            found,
            expected.map(|(package, name, line)| (package.to_owned(), name.to_owned(), line))
        );
    }
}
