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
    /// Whether it calls `write_to_model` or is a model as dbt defines it.
    pub kind: FileKind,
    /// What the Python parser found.
    pub analysis: PythonAnalysis,
    /// For a notebook, its Python text and the origins of its lines.
    pub notebook: Option<NotebookText>,
    /// The stub's path below the project; `None` for a dbt-native model, which needs none.
    pub stub_path: Option<String>,
    /// Warnings about it.
    pub diagnostics: Vec<FileDiagnostic>,
}

impl ModelFile {
    /// Returns the code to run: for a notebook its parser's text, else the file's current text.
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

    /// Places a problem in the model's code as the user wrote it, by line or by cell.
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

    /// Returns what an execution backend needs to know of the model before it loads the project.
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

    /// Returns what an execution backend runs.
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
