//! Reads the file of a script.

use std::{io, path::Path};

use fal_plugin::{
    NotebookParser, ParseError, PluginError,
    payload::{NotebookAnalysis, PythonWork, Severity},
};

use super::{
    entry::{ScriptEntry, ScriptOwner},
    place::Place,
};
use crate::{cells::NotebookText, config::DbtProject, diagnostics::FileDiagnostic, text::decode};

/// Why a script cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// Its file is missing or invalid.
    #[error("{}: {}", .0.path, .0.message)]
    File(Box<FileDiagnostic>),
    /// The notebook parser failed.
    #[error(transparent)]
    Plugin(#[from] PluginError),
}

/// Reads scripts of a project.
pub struct ScriptReader<'a> {
    project: &'a DbtProject,
    notebooks: Vec<&'a dyn NotebookParser>,
}

impl<'a> ScriptReader<'a> {
    /// Reads `.py` files, and notebooks with these parsers. If two claim an extension, the first
    /// gets it.
    pub fn new(project: &'a DbtProject, notebooks: Vec<&'a dyn NotebookParser>) -> Self {
        Self { project, notebooks }
    }

    /// Reads a script into what an execution backend runs. The caller sets its environment.
    ///
    /// # Errors
    /// If the file is missing, cannot be decoded or is not a notebook.
    pub fn read(
        &self,
        entry: &ScriptEntry,
        owner: &ScriptOwner,
    ) -> Result<PythonWork, ScriptError> {
        let path = self.project.script_path(&entry.path);
        let file = self.project.root.join(&path);
        let parser = self.parser(&path);
        let limit = if parser.is_some() {
            fal_files::DATA
        } else {
            fal_files::TEXT
        };
        let bytes = fal_files::read(&file, limit)
            .map_err(|cause| self.unreadable(entry, owner, &path, &cause))?;
        let (code, lines) = match parser {
            Some(parser) => {
                let notebook = notebook(parser, &path, &bytes)?;
                (notebook.python, Some(notebook.lines))
            }
            None => (text(&path, bytes)?, None),
        };
        Ok(PythonWork {
            path,
            code,
            lines,
            environment: None,
        })
    }

    fn parser(&self, path: &str) -> Option<&dyn NotebookParser> {
        let extension = Path::new(path).extension()?.to_str()?.to_lowercase();
        let claims = |parser: &&&dyn NotebookParser| {
            parser.extensions().iter().any(|claimed| {
                claimed
                    .trim_start_matches('.')
                    .eq_ignore_ascii_case(&extension)
            })
        };
        self.notebooks
            .iter()
            .filter(|_| extension != "py")
            .find(claims)
            .copied()
    }

    fn unreadable(
        &self,
        entry: &ScriptEntry,
        owner: &ScriptOwner,
        path: &str,
        cause: &io::Error,
    ) -> ScriptError {
        let missing = cause.kind() == io::ErrorKind::NotFound;
        let why = if missing {
            no_file(path)
        } else {
            format!("`{path}`: {cause}")
        };
        ScriptError::File(Box::new(cannot_be_read(
            self.project,
            &entry.path,
            &why,
            owner,
        )))
    }
}

/// Returns a problem if a script's file is missing.
pub(super) fn missing(
    project: &DbtProject,
    written: &str,
    path: &str,
    owner: &ScriptOwner,
) -> FileDiagnostic {
    cannot_be_read(project, written, &no_file(path), owner)
}

fn no_file(path: &str) -> String {
    format!("there is no file `{path}`")
}

fn cannot_be_read(
    project: &DbtProject,
    written: &str,
    why: &str,
    owner: &ScriptOwner,
) -> FileDiagnostic {
    let message = format!(
        "{}: the script `{written}` cannot be read: {why}",
        owner.describe()
    );
    let folder = match project.fal_scripts_path.as_str() {
        "" => "the project's folder (set the dbt var `fal-scripts-path` for another)".to_owned(),
        folder => format!("the folder `{folder}` (the dbt var `fal-scripts-path`)"),
    };
    let help = format!("create it, or correct its path, which is relative to {folder}");
    Place::new(&project.root, owner).error("script::missing", message, help, written)
}

fn text(path: &str, bytes: Vec<u8>) -> Result<String, ScriptError> {
    decode(bytes).map_err(|message| {
        let problem =
            FileDiagnostic::error(path, "python::encoding", message).with_help("save it as UTF-8");
        ScriptError::File(Box::new(problem))
    })
}

fn notebook(
    parser: &dyn NotebookParser,
    path: &str,
    bytes: &[u8],
) -> Result<NotebookText, ScriptError> {
    let answer = parser.parse(path, bytes).map_err(|error| match error {
        ParseError::Syntax(diagnostic) => {
            let text = String::from_utf8_lossy(bytes);
            ScriptError::File(Box::new(FileDiagnostic::in_text(path, *diagnostic, &text)))
        }
        ParseError::Plugin(error) => error.into(),
    })?;
    let NotebookAnalysis {
        python,
        lines,
        diagnostics,
        ..
    } = answer;
    let text = NotebookText { python, lines };
    match diagnostics
        .into_iter()
        .find(|diagnostic| diagnostic.severity == Severity::Error)
    {
        Some(error) => Err(ScriptError::File(Box::new(FileDiagnostic::in_notebook(
            path, error, &text,
        )))),
        None => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        path: &str,
        scripts_path: &str,
        files: &[(&str, &str)],
    ) -> Result<PythonWork, ScriptError> {
        let (_folder, mut project) = crate::testing::project(files);
        project.fal_scripts_path = scripts_path.to_owned();
        let entry = ScriptEntry {
            path: path.to_owned(),
            ..ScriptEntry::default()
        };
        let owner = ScriptOwner {
            name: Some("orders".into()),
            kind: "model".into(),
            file: "models/s.yml".into(),
        };
        ScriptReader::new(&project, Vec::new()).read(&entry, &owner)
    }

    #[test]
    fn paths_are_relative_to_the_scripts_folder() {
        let work = read("./x/../a.py", "scripts", &[("scripts/a.py", "print(1)\n")]).unwrap();
        assert_eq!(
            (work.path.as_str(), work.code.as_str()),
            ("scripts/a.py", "print(1)\n")
        );
        assert_eq!(read("a.py", "", &[("a.py", "")]).unwrap().path, "a.py");
    }

    #[test]
    fn a_missing_script_names_model_schema_file_and_both_ways_out() {
        let schema = (
            "models/s.yml",
            "models:\n- name: orders\n  meta: {fal: {scripts: [b.py]}}\n",
        );
        let Err(ScriptError::File(problem)) = read("b.py", "scripts", &[schema]) else {
            panic!()
        };
        insta::assert_snapshot!(problem.message, @"the model `orders`: the script `b.py` cannot be read: there is no file `scripts/b.py`");
        insta::assert_snapshot!(problem.help.as_deref().unwrap(), @"create it, or correct its path, which is relative to the folder `scripts` (the dbt var `fal-scripts-path`)");
        assert_eq!(
            (problem.path.as_str(), problem.place().unwrap().1.line),
            ("models/s.yml", 3)
        );
    }
}
