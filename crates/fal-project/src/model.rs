//! A model as the host needs it.

use std::{borrow::Cow, path::PathBuf};

use fal_plugin::payload::{
    Diagnostic, FileKind, Label, PythonAnalysis, PythonModel, PythonWork, Span,
};

use crate::{cells::NotebookText, diagnostics::FileDiagnostic, error::ProjectError, text::decode};

/// A Python file or notebook that is a model.
#[derive(Clone, Debug)]
pub struct ModelFile {
    /// Name of the model: the stem of its file.
    pub name: String,
    /// Below the project, with `/`.
    pub path: String,
    /// The file, absolute.
    pub file: PathBuf,
    /// A script of ours or a model as dbt defines it.
    pub kind: FileKind,
    /// What the Python parser found.
    pub analysis: PythonAnalysis,
    /// For a notebook: its Python text and where the lines came from.
    pub notebook: Option<NotebookText>,
    /// Path of its stub below the project; `None` for a model that dbt knows by itself.
    pub stub_path: Option<String>,
    /// Warnings about it.
    pub diagnostics: Vec<FileDiagnostic>,
}

impl ModelFile {
    /// The code to run: of a notebook what its parser made of it, else the file's text as it is now.
    ///
    /// # Errors
    /// If the file cannot be read (any more).
    pub fn code(&self) -> Result<Cow<'_, str>, ProjectError> {
        if let Some(notebook) = &self.notebook {
            return Ok(Cow::Borrowed(&notebook.python));
        }
        let bytes =
            fal_files::read(&self.file, fal_files::TEXT).map_err(|source| ProjectError::Read {
                path: self.file.clone(),
                source,
            })?;
        let text = decode(bytes).map_err(|message| {
            Box::new(FileDiagnostic::error(
                &self.path,
                "python::encoding",
                message,
            ))
        })?;
        Ok(Cow::Owned(text))
    }

    /// A complaint about a place in its code, shown as the user wrote it: by line, or by cell.
    pub fn complain(&self, mut diagnostic: Diagnostic, span: Span, text: &str) -> FileDiagnostic {
        diagnostic.labels = vec![Label {
            span,
            text: text.to_owned(),
        }];
        match (&self.notebook, self.code()) {
            (Some(notebook), _) => FileDiagnostic::in_notebook(&self.path, diagnostic, notebook),
            (None, code) => {
                FileDiagnostic::in_text(&self.path, diagnostic, &code.unwrap_or_default())
            }
        }
    }

    /// What an execution backend is told before it loads the project.
    pub fn python_model(&self) -> PythonModel {
        let mut imports: Vec<String> = Vec::new();
        for import in &self.analysis.imports {
            let top = import.module.split('.').next().unwrap_or_default();
            if !top.is_empty() && !imports.iter().any(|known| known == top) {
                imports.push(top.to_owned());
            }
        }
        PythonModel {
            name: self.name.clone(),
            path: self.path.clone(),
            stub_path: self.stub_path.clone(),
            imports,
        }
    }

    /// What an execution backend runs.
    ///
    /// # Errors
    /// If the file cannot be read (any more).
    pub fn work(&self) -> Result<PythonWork, ProjectError> {
        Ok(PythonWork {
            path: self.path.clone(),
            code: self.code()?.into_owned(),
            lines: self
                .notebook
                .as_ref()
                .map(|notebook| notebook.lines.clone()),
            environment: None,
        })
    }
}
