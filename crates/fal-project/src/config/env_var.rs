//! The only Jinja that configuration needs before dbt has started: `{{ env_var('NAME', 'default')
//! }}`.

/// Looks up an environment variable.
pub(crate) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Replaces each `env_var` call of a text. Other Jinja stays as it is.
///
/// # Errors
/// Returns the name of a variable that is not set and has no default.
pub(crate) fn evaluate(text: &str, env: Env<'_>) -> Result<String, String> {
    let mut result = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let Some(length) = rest[start..].find("}}") else {
            break;
        };
        let end = start + length + 2;
        result.push_str(&rest[..start]);
        match call(rest[start + 2..end - 2].trim()) {
            Some((name, default)) => result.push_str(&env(&name).or(default).ok_or(name)?),
            None => result.push_str(&rest[start..end]),
        }
        rest = &rest[end..];
    }
    result.push_str(rest);
    Ok(result)
}

/// Returns the name and the default of an `env_var` call. Filters behind it (`| as_text`) do not
/// change text.
fn call(expression: &str) -> Option<(String, Option<String>)> {
    let inside = expression
        .strip_prefix("env_var")?
        .trim_start()
        .strip_prefix('(')?;
    let (name, rest) = literal(inside.trim_start())?;
    let rest = rest.trim_start();
    let (default, rest) = match rest.strip_prefix(',') {
        Some(second) => {
            let (default, rest) = literal(second.trim_start())?;
            (Some(default), rest)
        }
        None => (None, rest),
    };
    let behind = rest.trim_start().strip_prefix(')')?.trim();
    (behind.is_empty() || behind.starts_with('|')).then_some((name, default))
}

fn literal(text: &str) -> Option<(String, &str)> {
    let quote = text
        .chars()
        .next()
        .filter(|quote| matches!(quote, '\'' | '"'))?;
    let (value, rest) = text[1..].split_once(quote)?;
    Some((value.to_owned(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        (name == "SET").then(|| "value".to_owned())
    }

    #[test]
    fn calls_are_replaced_and_other_jinja_stays() {
        let cases = [
            ("plain", Ok("plain")),
            ("{{ env_var('SET') }}", Ok("value")),
            ("a/{{env_var(\"SET\",'d')}}/b", Ok("a/value/b")),
            (
                "{{ env_var('UNSET', 'd') }}{{ env_var('SET') | as_text }}",
                Ok("dvalue"),
            ),
            ("{{ var('x') }}", Ok("{{ var('x') }}")),
            (
                "{{ env_var('SET', none) }}",
                Ok("{{ env_var('SET', none) }}"),
            ),
            ("{{ env_var('SET'", Ok("{{ env_var('SET'")),
            ("{{ env_var('UNSET') }}", Err("UNSET")),
        ];
        for (text, expected) in cases {
            assert_eq!(
                evaluate(text, &env),
                expected.map(str::to_owned).map_err(str::to_owned),
                "{text}"
            );
        }
    }
}
