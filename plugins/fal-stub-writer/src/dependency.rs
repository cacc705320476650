//! The lines of a stub for its dependencies, whose text must be harmless inside a comment of SQL
//! and Jinja.

use fal_plugin::{payload::Dependency, PluginError};

/// Pieces of text that would end the comment or Jinja expression around a dependency, or open
/// another.
const BREAKING: [&str; 8] = ["*/", "/*", "{{", "}}", "{%", "%}", "{#", "#}"];

/// Returns the stub's line for a dependency.
///
/// # Errors
/// If its text would end the comment around it; no node of dbt has such a name.
pub(crate) fn line(dependency: &Dependency, path: &str) -> Result<String, PluginError> {
    match broken_by(dependency) {
        None => Ok(format!("{{{{ {} }}}}", dependency.text)),
        Some(what) => Err(refusal(dependency, path, &what)),
    }
}

fn broken_by(dependency: &Dependency) -> Option<String> {
    let texts = || {
        dependency
            .args
            .iter()
            .chain([&dependency.text])
            .chain(&dependency.version)
    };
    let breaking = BREAKING
        .into_iter()
        .find(|piece| texts().any(|text| text.contains(piece)));
    let control = || {
        texts()
            .flat_map(|text| text.chars())
            .find(|c| is_line_breaking(*c))
    };
    match breaking {
        Some(piece) => Some(format!("`{piece}`")),
        None => control().map(|c| format!("the character {}", c.escape_unicode())),
    }
}

fn is_line_breaking(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

fn refusal(dependency: &Dependency, path: &str, what: &str) -> PluginError {
    let place = dependency.span.from.line;
    let text = dependency
        .text
        .escape_debug()
        .to_string()
        .replace("\\'", "'")
        .replace("\\\"", "\"");
    PluginError::new(
        "stub::dependency",
        format!("{path}, line {place}: `{text}` cannot be a dependency: a name in dbt never holds {what}"),
    )
    .with_help("name the model or source as dbt knows it")
}

#[cfg(test)]
mod tests {
    use fal_plugin::payload::{DependencyKind, DependencyOrigin, Position, Span};

    use super::*;

    fn dependency(text: &str, args: &[&str]) -> Dependency {
        let from = Position { line: 3, column: 6 };
        Dependency {
            kind: DependencyKind::Ref,
            text: text.to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            version: None,
            origin: DependencyOrigin::Code,
            span: Span {
                from,
                ..Span::default()
            },
        }
    }

    #[test]
    fn a_name_is_put_in_braces() {
        let line = line(
            &dependency("ref('größe', \"it's\")", &["größe", "it's"]),
            "a.py",
        );
        assert_eq!(line, Ok("{{ ref('größe', \"it's\") }}".to_owned()));
    }

    #[test]
    fn what_would_end_the_comment_is_refused() {
        for piece in BREAKING {
            let text = format!("ref('a{piece}b')");
            let error = line(&dependency(&text, &[&format!("a{piece}b")]), "m.py").unwrap_err();
            assert!(error.message.contains(&text), "{}", error.message);
        }
    }

    #[test]
    fn an_escaped_line_break_in_the_name_is_refused() {
        let error = line(&dependency(r"ref('a\nb')", &["a\nb"]), "models/m.py").unwrap_err();
        insta::assert_snapshot!(error.message, @r"models/m.py, line 3: `ref('a\\nb')` cannot be a dependency: a name in dbt never holds the character \u{a}");
    }
}
