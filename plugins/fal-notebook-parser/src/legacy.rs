//! Lines that a notebook needs in Jupyter and that have no effect in a run: `%init_fal` and its
//! import.

/// Modules that define the magic in any version of fal: (package, module).
const MODULES: [(&str, &str); 3] = [
    ("faldbt", "magics"),
    ("fal.dbt.integration", "magics"),
    ("fal", "magics"),
];

/// Whether an escaped statement is a magic of fal.
pub(crate) fn is_legacy_magic(statement: &str) -> bool {
    let mut words = statement.split_whitespace();
    match words.next() {
        Some("%init_fal") => true,
        Some("%load_ext" | "%reload_ext") => words.next().is_some_and(is_module),
        _ => false,
    }
}

/// Returns the rest of a statement without fal's imports; `None` if it has none. `separators` are
/// the offsets of the `;` between simple statements.
pub(crate) fn without_imports(statement: &str, separators: &[usize]) -> Option<String> {
    if !MODULES
        .iter()
        .any(|(package, _)| statement.contains(package))
    {
        return None;
    }
    let starts = [0].into_iter().chain(separators.iter().map(|at| at + 1));
    let ends = separators.iter().copied().chain([statement.len()]);
    let parts: Vec<_> = starts
        .zip(ends)
        .map(|(start, end)| &statement[start..end])
        .collect();
    let kept: Vec<_> = parts.iter().map(|part| without_import(part)).collect();
    if kept.iter().all(Option::is_none) {
        return None;
    }
    let kept = parts
        .iter()
        .zip(kept)
        .map(|(part, kept)| kept.unwrap_or_else(|| part.trim().to_owned()));
    Some(
        kept.filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("; "),
    )
}

/// Returns the rest of a simple statement; `None` if it imports nothing of fal.
fn without_import(statement: &str) -> Option<String> {
    let flat = flatten(statement);
    if let Some(rest) = flat.strip_prefix("from ") {
        let (module, names) = rest.split_once(" import ")?;
        let package = MODULES
            .iter()
            .find(|(package, _)| *package == module.trim());
        return if is_module(module.trim()) {
            Some(String::new())
        } else {
            let kept = others(names, |name| {
                package.is_some_and(|(_, module)| *module == name)
            })?;
            Some(if kept.is_empty() {
                kept
            } else {
                format!("from {} import {kept}", module.trim())
            })
        };
    }
    let kept = others(flat.strip_prefix("import ")?, is_module)?;
    Some(if kept.is_empty() {
        kept
    } else {
        format!("import {kept}")
    })
}

/// Returns the entries of an import list that stay; `None` if all stay.
fn others(list: &str, dropped: impl Fn(&str) -> bool) -> Option<String> {
    let entries: Vec<_> = list
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .collect();
    let name = |entry: &&&str| !entry.split(' ').next().is_some_and(&dropped);
    let kept: Vec<_> = entries.iter().filter(name).copied().collect();
    (kept.len() < entries.len()).then(|| kept.join(", "))
}

fn is_module(name: &str) -> bool {
    MODULES.iter().any(|(package, module)| {
        name.strip_prefix(package)
            .and_then(|rest| rest.strip_prefix('.'))
            == Some(module)
    })
}

/// Writes a statement on one line, without comments, brackets and continuation marks, and with
/// single spaces between its words.
fn flatten(statement: &str) -> String {
    let lines = statement
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default());
    let text = lines
        .collect::<Vec<_>>()
        .join(" ")
        .replace(['(', ')', '\\'], " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_of_the_magics_module_go() {
        for (statement, expected) in [
            ("from faldbt.magics import init_fal", Some("")),
            (
                "from fal.dbt.integration.magics import init_fal  # fal",
                Some(""),
            ),
            ("from faldbt.magics import (\n    init_fal,\n)", Some("")),
            ("from faldbt.magics import *", Some("")),
            ("import faldbt.magics", Some("")),
            ("import faldbt.magics as m", Some("")),
            (
                "import pandas as pd, faldbt.magics",
                Some("import pandas as pd"),
            ),
            (
                "from faldbt import magics, project",
                Some("from faldbt import project"),
            ),
            ("from fal.dbt.integration import magics", Some("")),
            ("from fal.magics import init_fal", Some("")),
            (
                "from fal import magics, FalDbt",
                Some("from fal import FalDbt"),
            ),
            ("from fal.typing import *", None),
            ("from faldbt.project import FalDbt", None),
            ("import faldbt.magics_of_mine", None),
            ("x = 'import faldbt.magics'", None),
            ("import pandas", None),
        ] {
            assert_eq!(
                without_imports(statement, &[]).as_deref(),
                expected,
                "{statement}"
            );
        }
    }

    #[test]
    fn what_shares_the_line_stays() {
        let statement = "import os; import faldbt.magics; x = 1";
        assert_eq!(
            without_imports(statement, &[9, 31]).as_deref(),
            Some("import os; x = 1")
        );
    }

    #[test]
    fn the_magic_goes_with_any_arguments() {
        assert!(is_legacy_magic("%init_fal project_dir=/x profiles_dir=/y"));
        assert!(is_legacy_magic("%load_ext faldbt.magics"));
        assert!(is_legacy_magic("%load_ext fal.magics"));
        assert!(!is_legacy_magic("%load_ext autoreload"));
        assert!(!is_legacy_magic("%init_falcon"));
    }
}
