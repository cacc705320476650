//! One requirement in a normal form, and a set of them.

use crate::error::EnvironmentError;

/// The packages that the worker imports: data is transferred as Arrow, and `ref` returns pandas.
pub(crate) const NEEDED: [&str; 2] = ["pandas", "pyarrow"];

/// A set of requirements in a normal form: the installer's options in order, the sorted
/// requirements, and the hashes of the local files that they name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Requirements {
    /// Options that say where packages come from. Their order matters.
    pub(crate) options: Vec<String>,
    /// Options and requirements, one in each line, as the installer reads them.
    pub(crate) lines: Vec<String>,
    /// Hashes of local files: changed content makes another environment.
    pub(crate) content: Vec<String>,
}

impl Requirements {
    /// Requirements in the form in which they are compared.
    pub(crate) fn normal(mut self) -> Self {
        for list in [&mut self.lines, &mut self.content] {
            list.sort_unstable();
            list.dedup();
        }
        self
    }

    /// Returns the lines that distinguish one environment from another.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &str> {
        let groups = [
            ("options", &self.options),
            ("lines", &self.lines),
            ("content", &self.content),
        ];
        groups
            .into_iter()
            .flat_map(|(name, list)| std::iter::once(name).chain(list.iter().map(String::as_str)))
    }

    /// Returns whether a package is required, by its name or as a wheel.
    pub(crate) fn name(&self, package: &str) -> bool {
        self.lines
            .iter()
            .any(|line| name_of(line) == package || wheel_name(line).as_deref() == Some(package))
    }
}

/// Returns the name of the package in `folder/name-version-tags.whl`.
fn wheel_name(line: &str) -> Option<String> {
    let file = line
        .split(".whl")
        .next()
        .filter(|path| path.len() < line.len())?
        .rsplit('/')
        .next()?;
    Some(normal_name(file.split('-').next()?))
}

/// Returns the name that a line begins with, in its normal form.
pub(crate) fn name_of(line: &str) -> String {
    let end = line.find(|char: char| !is_name(char)).unwrap_or(line.len());
    normal_name(&line[..end])
}

fn is_name(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '.' | '_' | '-')
}

fn normal_name(name: &str) -> String {
    let mut normal = String::new();
    for char in name.chars() {
        match char {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            other => normal.push(other.to_ascii_lowercase()),
        }
    }
    normal
}

/// Normalizes a requirement by name: `name[extras]`, then versions or `@ URL`, then a marker.
pub(crate) fn named(line: &str) -> Result<String, EnvironmentError> {
    let wrong = |why: &str| EnvironmentError::Requirement {
        line: line.to_owned(),
        why: why.to_owned(),
    };
    let end = line.find(|char: char| !is_name(char)).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    let is_end = |char: Option<char>| char.is_some_and(|char| char.is_ascii_alphanumeric());
    if !is_end(name.chars().next()) || !is_end(name.chars().last()) {
        return Err(wrong("it does not begin with the name of a package"));
    }
    let (extras, rest) = extras(rest.trim_start()).ok_or_else(|| wrong("`[` is not closed"))?;
    let name = format!("{}{extras}", normal_name(name));
    if let Some(address) = rest.strip_prefix('@') {
        return Ok(format!("{name} @ {}", address.trim()));
    }
    let (versions, marker) = rest
        .split_once(';')
        .map_or((rest, None), |(versions, marker)| (versions, Some(marker)));
    let versions =
        specifiers(versions).ok_or_else(|| wrong("a version is written as `==1.2` or `>=1,<2`"))?;
    Ok(
        match marker
            .map(single_spaced)
            .filter(|marker| !marker.is_empty())
        {
            Some(marker) => format!("{name}{versions} ; {marker}"),
            None => format!("{name}{versions}"),
        },
    )
}

fn extras(text: &str) -> Option<(String, &str)> {
    let Some(inside) = text.strip_prefix('[') else {
        return Some((String::new(), text));
    };
    let (inside, rest) = inside.split_once(']')?;
    let mut names: Vec<_> = inside
        .split(',')
        .map(|name| normal_name(name.trim()))
        .collect();
    names.retain(|name| !name.is_empty());
    names.sort_unstable();
    names.dedup();
    let extras = if names.is_empty() {
        String::new()
    } else {
        format!("[{}]", names.join(","))
    };
    Some((extras, rest.trim_start()))
}

fn specifiers(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text
        .strip_prefix('(')
        .and_then(|text| text.strip_suffix(')'))
        .unwrap_or(text);
    let mut parts = Vec::new();
    for part in text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        let version = part.trim_start_matches(['=', '<', '>', '!', '~']);
        let operator = &part[..part.len() - version.len()];
        let version = version.trim();
        let known = ["===", "==", "~=", "!=", "<=", ">=", "<", ">"].contains(&operator);
        if !known || version.is_empty() || version.contains(char::is_whitespace) {
            return None;
        }
        parts.push(format!("{operator}{version}"));
    }
    parts.sort_unstable();
    parts.dedup();
    Some(parts.join(","))
}

/// Replaces each run of white space by one space.
pub(crate) fn single_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Reads the `packages` of a conda environment into a normal form.
pub(crate) fn conda_packages(lines: &[String]) -> Result<Requirements, EnvironmentError> {
    let mut found = Requirements::default();
    for line in lines
        .iter()
        .map(|line| single_spaced(line))
        .filter(|line| !line.is_empty())
    {
        let name = conda_name(&line);
        if line.starts_with('-') || name.is_empty() {
            let why = "it does not begin with the name of a package".to_owned();
            return Err(EnvironmentError::Requirement { line, why });
        }
        found.lines.push(line);
    }
    Ok(found.normal())
}

/// Returns the name in `channel::name=version`.
pub(crate) fn conda_name(line: &str) -> String {
    name_of(line.rsplit_once("::").map_or(line, |(_, package)| package))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_no_conda_packages() {
        assert!(conda_packages(&["--channel x".to_owned()]).is_err());
    }

    #[test]
    fn spelling_does_not_matter() {
        for line in [
            "Foo.Bar[b, A] <2 , >= 1.0",
            "foo_bar[a,b](>=1.0,<2)",
            "foo--bar [A,b,a]>=1.0,<2",
        ] {
            assert_eq!(named(line).unwrap(), "foo-bar[a,b]<2,>=1.0", "{line}");
        }
        assert_eq!(
            named("x;python_version  < '3.10'").unwrap(),
            "x ; python_version < '3.10'"
        );
        assert_eq!(
            named("x @  https://h/x-1.whl").unwrap(),
            "x @ https://h/x-1.whl"
        );
        assert_eq!(name_of("foo-bar[a]>=1"), "foo-bar");
        let wheel = "https://h/a/Foo_Bar-1.0-py3-none-any.whl ; python_version > '3'";
        assert_eq!(wheel_name(wheel).as_deref(), Some("foo-bar"));
        assert_eq!(wheel_name("foo-bar"), None);
    }

    #[test]
    fn malformed_requirements_are_reported() {
        insta::assert_snapshot!(named("six = 1.16").unwrap_err(), @"`six = 1.16` cannot be used: a version is written as `==1.2` or `>=1,<2`");
        insta::assert_snapshot!(named("six 1.16").unwrap_err(), @"`six 1.16` cannot be used: a version is written as `==1.2` or `>=1,<2`");
        insta::assert_snapshot!(named("six[x").unwrap_err(), @"`six[x` cannot be used: `[` is not closed");
        insta::assert_snapshot!(named("_six").unwrap_err(), @"`_six` cannot be used: it does not begin with the name of a package");
    }
}
