//! Reads lines of requirements in the syntax of pip's requirements files.

use std::path::{Path, PathBuf};

use crate::{
    error::EnvironmentError,
    local,
    requirement::{Requirements, named},
};

/// The deepest nesting of files that include each other.
const DEEPEST: usize = 20;

/// Reads the lines that a project lists. Paths are relative to `folder`.
pub(crate) fn read(lines: &[String], folder: &Path) -> Result<Requirements, EnvironmentError> {
    let mut reader = Reader::default();
    for text in lines {
        reader.text(text, folder, 0)?;
    }
    Ok(reader.found.normal())
}

#[derive(Default)]
struct Reader {
    found: Requirements,
}

impl Reader {
    fn text(&mut self, text: &str, folder: &Path, depth: usize) -> Result<(), EnvironmentError> {
        let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
        joined
            .lines()
            .try_for_each(|line| self.line(without_comment(line).trim(), folder, depth))
    }

    fn line(&mut self, line: &str, folder: &Path, depth: usize) -> Result<(), EnvironmentError> {
        if line.is_empty() {
            return Ok(());
        }
        if line.contains("--hash") {
            return Err(refused(
                line,
                "hashes would have to be known of all packages, also of those that are added",
            ));
        }
        if line.starts_with('-') {
            return self.option(line, folder, depth);
        }
        let line = self.requirement(line, folder)?;
        self.found.lines.push(line);
        Ok(())
    }

    fn requirement(&mut self, line: &str, folder: &Path) -> Result<String, EnvironmentError> {
        if local::is_path(line) {
            let (line, path) = local::resolve(line, folder)?;
            self.found.content.push(local::content(&path)?);
            return Ok(line);
        }
        let first = line.split([' ', ';']).next().unwrap_or(line);
        // In `name@https://...` the line does not begin with the scheme.
        if first
            .split_once("://")
            .is_some_and(|(scheme, _)| !scheme.contains('@'))
        {
            return Ok(line.to_owned());
        }
        named(line)
    }

    fn option(&mut self, line: &str, folder: &Path, depth: usize) -> Result<(), EnvironmentError> {
        let (option, value) = split_option(line);
        if value.is_empty() {
            return Err(refused(
                line,
                "this option is not known here, or its value is missing",
            ));
        }
        match option {
            "-r" | "--requirement" => self.file(line, &folder.join(value), depth),
            "-e" | "--editable" => self.editable(value, folder),
            "-i" | "--index-url" => self.add_option("--index-url", value),
            "--extra-index-url" => self.add_option("--extra-index-url", value),
            "-f" | "--find-links" if value.contains("://") => {
                self.add_option("--find-links", value)
            }
            "-f" | "--find-links" => {
                self.add_option("--find-links", &folder.join(value).display().to_string())
            }
            _ => {
                let why = "of options, -r, -e, --index-url, --extra-index-url and --find-links are known here; \
                    others are set in the configuration of uv or pip";
                Err(refused(line, why))
            }
        }
    }

    fn add_option(&mut self, option: &str, value: &str) -> Result<(), EnvironmentError> {
        let line = format!("{option} {value}");
        if !self.found.options.contains(&line) {
            self.found.options.push(line);
        }
        Ok(())
    }

    /// Adds an editable package. Its hash covers only its requirements, since other changes take
    /// effect without a new environment.
    fn editable(&mut self, value: &str, folder: &Path) -> Result<(), EnvironmentError> {
        if value.contains("://") {
            self.found.lines.push(format!("-e {value}"));
            return Ok(());
        }
        let (line, path) = local::resolve(value, folder)?;
        self.found.content.push(local::setup_content(&path)?);
        self.found.lines.push(format!("-e {line}"));
        Ok(())
    }

    fn file(&mut self, line: &str, path: &Path, depth: usize) -> Result<(), EnvironmentError> {
        if depth >= DEEPEST {
            return Err(refused(line, "these files name each other"));
        }
        let text = fal_files::read_text(path, fal_files::TEXT)
            .map_err(EnvironmentError::file("read", path))?;
        let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
        self.text(&text, &folder, depth + 1)
    }
}

/// Returns the file in `-r file`, `-rfile`, `--requirement file` or `--requirement=file`.
fn split_option(line: &str) -> (&str, &str) {
    if line.starts_with("--") {
        let (option, value) = line.split_once(['=', ' ', '\t']).unwrap_or((line, ""));
        return (option, value.trim());
    }
    let (option, value) = line.split_at_checked(2).unwrap_or((line, ""));
    (option, value.trim())
}

fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with('#') {
        return "";
    }
    line.find(" #")
        .or_else(|| line.find("\t#"))
        .map_or(line, |at| &line[..at])
}

fn refused(line: &str, why: &str) -> EnvironmentError {
    EnvironmentError::Requirement {
        line: line.to_owned(),
        why: why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn lines(texts: &[&str], folder: &Path) -> Result<Requirements, EnvironmentError> {
        read(
            &texts
                .iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>(),
            folder,
        )
    }

    #[test]
    fn files_are_read_with_the_files_that_they_name() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("more")).unwrap();
        fs::write(
            folder.path().join("a.txt"),
            "# head\nsix \\\n  ==1.16  # why\n-r more/b.txt\n",
        )
        .unwrap();
        fs::write(
            folder.path().join("more/b.txt"),
            "-r c.txt\nidna\n\n--index-url=https://i/simple\n",
        )
        .unwrap();
        fs::write(folder.path().join("more/c.txt"), "attrs;python_version>'3'").unwrap();
        let found = lines(&["-r a.txt", "six==1.16"], folder.path()).unwrap();
        assert_eq!(
            found.lines,
            ["attrs ; python_version>'3'", "idna", "six==1.16"]
        );
        assert_eq!(found.options, ["--index-url https://i/simple"]);
        fs::write(folder.path().join("more/c.txt"), "-r ../a.txt").unwrap();
        assert!(
            lines(&["-ra.txt"], folder.path())
                .unwrap_err()
                .to_string()
                .contains("name each other")
        );
    }

    #[test]
    fn local_packages_are_known_by_path_and_content() {
        let folder = tempfile::tempdir().unwrap();
        let package = folder.path().canonicalize().unwrap().join("pkg");
        fs::create_dir(&package).unwrap();
        fs::write(package.join("pyproject.toml"), "[project]").unwrap();
        fs::write(package.join("code.py"), "1").unwrap();
        let plain = lines(&["./pkg[x] ; python_version > '3'"], folder.path()).unwrap();
        assert_eq!(
            plain.lines,
            [format!("{}[x] ; python_version > '3'", package.display())]
        );
        let editable = lines(&["-e pkg"], folder.path()).unwrap();
        assert_eq!(editable.lines, [format!("-e {}", package.display())]);
        fs::write(package.join("code.py"), "2").unwrap();
        assert_ne!(
            lines(&["./pkg[x] ; python_version > '3'"], folder.path()).unwrap(),
            plain
        );
        assert_eq!(lines(&["-e ./pkg"], folder.path()).unwrap(), editable);
        assert!(lines(&["./gone"], folder.path()).is_err());
    }

    #[test]
    fn addresses_are_left_alone() {
        let found = lines(
            &[
                "git+https://h/r.git@main#egg=r",
                "https://h/x-1.whl",
                "x @ git+https://h/x",
            ],
            Path::new("/"),
        )
        .unwrap();
        assert_eq!(
            found.lines,
            [
                "git+https://h/r.git@main#egg=r",
                "https://h/x-1.whl",
                "x @ git+https://h/x"
            ]
        );
    }

    #[test]
    fn other_options_are_refused() {
        insta::assert_snapshot!(lines(&["--pre"], Path::new("/")).unwrap_err(), @"`--pre` cannot be used: this option is not known here, or its value is missing");
        insta::assert_snapshot!(lines(&["--target x"], Path::new("/")).unwrap_err(), @"`--target x` cannot be used: of options, -r, -e, --index-url, --extra-index-url and --find-links are known here; others are set in the configuration of uv or pip");
        assert!(lines(&["six --hash=sha256:00"], Path::new("/")).is_err());
    }
}
