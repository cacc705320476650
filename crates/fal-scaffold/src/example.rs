//! The project of `fal-host init --example`.

use std::path::{Path, PathBuf};

use crate::{
    error::ScaffoldError,
    template::{File, files},
    write,
};

/// The project's name, if the user gives none.
pub const EXAMPLE: &str = "fal_example";

const FILES: &[File] = files!(
    "project": ".gitignore", "README.md", "dbt_project.yml", "profiles.yml", "requirements.txt",
    "models/orders.sql", "models/weekdays.py", "models/forecast.ipynb", "models/outlook.sql",
    "models/schema.yml",
);

/// Writes a dbt project on DuckDB called `name` into `folder`, which must not exist yet, completely
/// or not at all: SQL, a Python file and a notebook. Returns the paths of its files relative to
/// `folder`.
///
/// # Errors
/// If dbt refuses the name, the folder exists, or it cannot be written.
pub fn write_example(name: &str, folder: &Path) -> Result<Vec<PathBuf>, ScaffoldError> {
    let begins = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let is_word = |char: char| char.is_ascii_alphanumeric() || char == '_';
    if !begins || !name.chars().all(is_word) {
        return Err(ScaffoldError::ProjectName {
            name: name.to_owned(),
        });
    }
    let files: Vec<_> = FILES
        .iter()
        .map(|file| write::NewFile {
            path: file.path.into(),
            content: file.content.replace(EXAMPLE, name),
            executable: file.executable,
        })
        .collect();
    write::folder(folder, &files)?;
    Ok(files.into_iter().map(|file| file.path).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_everywhere() {
        let at = tempfile::tempdir().unwrap();
        let folder = at.path().join("shop_2");
        let files = write_example("shop_2", &folder).unwrap();
        assert_eq!(files.len(), FILES.len());
        let mut named = 0;
        for file in files {
            let text = std::fs::read_to_string(folder.join(file)).unwrap();
            assert!(!text.contains(EXAMPLE));
            named += text.matches("shop_2").count();
        }
        assert!(named >= 4);
    }

    #[test]
    fn names_that_dbt_refuses_write_nothing() {
        let at = tempfile::tempdir().unwrap();
        for name in ["", "2shop", "my shop", "shop-2", "../shop", "größe"] {
            let refused = write_example(name, &at.path().join("new"));
            assert!(matches!(refused, Err(ScaffoldError::ProjectName { .. })));
        }
        assert_eq!(std::fs::read_dir(at.path()).unwrap().count(), 0);
    }
}
