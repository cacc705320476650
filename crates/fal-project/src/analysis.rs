//! Reads files and asks the parsers about them, in parallel. Files that the cache knows are neither
//! read nor parsed.

use std::path::Path;

use fal_plugin::{
    ParseError, PythonParser,
    payload::{Diagnostic, FileKind, NotebookAnalysis, PythonAnalysis, Severity, WriteCount},
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::{
    cache::{Cache, Entry, StubRecord},
    cells::NotebookText,
    diagnostics::FileDiagnostic,
    discover::{Language, SourceFile},
    stages::{NOTEBOOK_PARSER, PYTHON_PARSER, PluginFailure, Stages},
    text::decode,
};

/// The parsers' answers about a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Parsed {
    pub(crate) analysis: PythonAnalysis,
    pub(crate) notebook: Option<NotebookText>,
    /// The notebook parser's diagnostics.
    pub(crate) notebook_diagnostics: Vec<Diagnostic>,
}

/// A file with its analysis.
#[derive(Debug)]
pub(crate) struct Analysed {
    pub(crate) file: SourceFile,
    pub(crate) parsed: Parsed,
    pub(crate) hash: u128,
    /// The stub that belongs to exactly this content, if the cache knows it.
    pub(crate) stub: Option<StubRecord>,
    pub(crate) diagnostics: Vec<FileDiagnostic>,
    /// Whether all of this came from the cache.
    pub(crate) cached: bool,
    /// Whether a schema file names it as a script, so that it is not a model. The cache does not
    /// hold this.
    pub(crate) is_script: bool,
    /// Whether it was read and parsed. A file that was not is treated as a script, so that its stub
    /// stays and dbt does not read it.
    pub(crate) understood: bool,
}

impl Analysed {
    /// Returns the kind of file that the project treats it as.
    pub(crate) fn kind(&self) -> FileKind {
        if self.is_script {
            FileKind::Helper
        } else {
            self.parsed.analysis.kind
        }
    }

    /// Treats it as a script, whose writes are not counted.
    pub(crate) fn become_script(&mut self) {
        self.is_script = true;
        if self.understood {
            self.diagnostics.clear();
        }
    }

    fn not_understood(file: SourceFile, problem: FileDiagnostic) -> Self {
        let analysis = PythonAnalysis {
            kind: FileKind::Script,
            docstring: None,
            dependencies: Vec::new(),
            unresolved: Vec::new(),
            writes: Vec::new(),
            write_count: WriteCount::default(),
            imports: Vec::new(),
            diagnostics: Vec::new(),
        };
        let parsed = Parsed {
            analysis,
            notebook: None,
            notebook_diagnostics: Vec::new(),
        };
        let diagnostics = vec![problem];
        Self {
            file,
            parsed,
            hash: 0,
            stub: None,
            diagnostics,
            cached: false,
            is_script: false,
            understood: false,
        }
    }
}

/// The analyses of all files, in the order given.
#[derive(Default)]
pub(crate) struct Analyses {
    pub(crate) files: Vec<Analysed>,
    pub(crate) failures: Vec<PluginFailure>,
}

enum Trouble {
    File(Box<FileDiagnostic>),
    Plugin(Box<PluginFailure>),
}

/// Analyses every file.
pub(crate) fn analyse(
    project: &Path,
    files: Vec<SourceFile>,
    cache: &mut Cache,
    stages: &Stages<'_>,
) -> Analyses {
    let known: Vec<_> = files
        .into_iter()
        .map(|file| {
            let entry = cache.take(&file.path);
            let fresh = entry.as_ref().is_some_and(|entry| {
                entry.fingerprint == file.fingerprint && !cache.is_racy(&file.fingerprint)
            });
            (file, entry, fresh)
        })
        .collect();
    let results: Vec<_> = known
        .into_par_iter()
        .with_min_len(16)
        .map(|(file, entry, fresh)| match entry {
            Some(entry) if fresh => Ok(finish(project, file, entry, true, None)),
            entry => match read(project, file.clone(), entry, stages) {
                Ok(analysed) => Ok(analysed),
                Err(Trouble::File(problem)) => Ok(Analysed::not_understood(file, *problem)),
                Err(Trouble::Plugin(failure)) => Err(failure),
            },
        })
        .collect();
    let mut analyses = Analyses::default();
    for result in results {
        match result {
            Ok(analysed) => analyses.files.push(analysed),
            Err(failure) => analyses.failures.push(*failure),
        }
    }
    analyses
}

/// Reads a file. If its content is the cached one, the cached analysis still holds.
fn read(
    project: &Path,
    file: SourceFile,
    entry: Option<Entry>,
    stages: &Stages<'_>,
) -> Result<Analysed, Trouble> {
    let bytes = contents(project, &file).map_err(|error| unreadable(&file.path, &error))?;
    let hash = xxh3_128(&bytes);
    if let Some(entry) = entry.filter(|entry| entry.hash == hash) {
        return Ok(finish(project, file, entry, false, None));
    }
    let (parsed, text) = parse(&file, bytes, stages)?;
    let entry = Entry::new(parsed, hash, file.fingerprint);
    Ok(finish(project, file, entry, false, Some(text)))
}

fn parse(
    file: &SourceFile,
    bytes: Vec<u8>,
    stages: &Stages<'_>,
) -> Result<(Parsed, String), Trouble> {
    match file.language {
        Language::Python => {
            let text = decode(bytes).map_err(|message| not_text(&file.path, message))?;
            let analysis = chain(&file.path, &text, &stages.python).map_err(|trouble| {
                trouble.placed(&file.path, |diagnostic| {
                    FileDiagnostic::in_text(&file.path, diagnostic, &text)
                })
            })?;
            Ok((
                Parsed {
                    analysis,
                    notebook: None,
                    notebook_diagnostics: Vec::new(),
                },
                text,
            ))
        }
        Language::Notebook(parser) => {
            notebook(file, &bytes, parser, stages).map(|parsed| (parsed, String::new()))
        }
    }
}

fn notebook(
    file: &SourceFile,
    bytes: &[u8],
    parser: usize,
    stages: &Stages<'_>,
) -> Result<Parsed, Trouble> {
    let path = &file.path;
    let answer = stages.notebooks[parser]
        .parse(path, bytes)
        .map_err(|error| match error {
            ParseError::Syntax(diagnostic) => Trouble::File(Box::new(FileDiagnostic::in_text(
                path,
                *diagnostic,
                &String::from_utf8_lossy(bytes),
            ))),
            ParseError::Plugin(error) => {
                Trouble::Plugin(Box::new(PluginFailure::on(NOTEBOOK_PARSER, path, error)))
            }
        })?;
    let NotebookAnalysis {
        python,
        lines,
        diagnostics,
        ..
    } = answer;
    let text = NotebookText { python, lines };
    // If the kernel is of another language, its code is not Python, and a syntax error would
    // mislead.
    if let Some(error) = diagnostics
        .iter()
        .find(|diagnostic| diagnostic.severity == Severity::Error)
    {
        return Err(Trouble::File(Box::new(FileDiagnostic::in_notebook(
            path,
            error.clone(),
            &text,
        ))));
    }
    let analysis = chain(path, &text.python, &stages.python).map_err(|trouble| {
        trouble.placed(path, |diagnostic| {
            FileDiagnostic::in_notebook(path, diagnostic, &text)
        })
    })?;
    Ok(Parsed {
        analysis,
        notebook: Some(text),
        notebook_diagnostics: diagnostics,
    })
}

/// Why the chain of parsers gave no analysis.
enum ChainTrouble {
    Syntax(Box<Diagnostic>),
    Plugin(PluginFailure),
}

impl ChainTrouble {
    fn placed(self, path: &str, place: impl FnOnce(Diagnostic) -> FileDiagnostic) -> Trouble {
        match self {
            Self::Syntax(diagnostic) => {
                let mut placed = place(*diagnostic);
                placed.severity = Severity::Error;
                placed.path = path.to_owned();
                Trouble::File(Box::new(placed))
            }
            Self::Plugin(failure) => Trouble::Plugin(Box::new(failure)),
        }
    }
}

/// Returns the answer of the first parser that understands the text. If all report syntax errors,
/// the last one counts, because later parsers know newer grammar.
fn chain(
    path: &str,
    text: &str,
    parsers: &[&dyn PythonParser],
) -> Result<PythonAnalysis, ChainTrouble> {
    let mut last = None;
    for parser in parsers {
        match parser.parse(path, text) {
            Ok(analysis) => return Ok(analysis),
            Err(ParseError::Syntax(diagnostic)) => last = Some(diagnostic),
            Err(ParseError::Plugin(error)) => {
                return Err(ChainTrouble::Plugin(PluginFailure::on(
                    PYTHON_PARSER,
                    path,
                    error,
                )));
            }
        }
    }
    Err(match last {
        Some(diagnostic) => ChainTrouble::Syntax(diagnostic),
        None => ChainTrouble::Plugin(PluginFailure::nonsense(
            PYTHON_PARSER,
            Some(path),
            "there is none".to_owned(),
        )),
    })
}

/// Adds places to the diagnostics. The text is read again only if there is something to show.
fn finish(
    project: &Path,
    file: SourceFile,
    entry: Entry,
    cached: bool,
    text: Option<String>,
) -> Analysed {
    let Entry {
        parsed, hash, stub, ..
    } = entry;
    let path = &file.path;
    let found = parsed
        .notebook_diagnostics
        .iter()
        .chain(&parsed.analysis.diagnostics)
        .cloned();
    let diagnostics = match &parsed.notebook {
        Some(notebook) => found
            .map(|diagnostic| FileDiagnostic::in_notebook(path, diagnostic, notebook))
            .collect(),
        None if parsed.analysis.diagnostics.is_empty() => Vec::new(),
        None => {
            let text = text.or_else(|| {
                contents(project, &file)
                    .ok()
                    .and_then(|bytes| decode(bytes).ok())
            });
            let text = text.unwrap_or_default();
            found
                .map(|diagnostic| FileDiagnostic::in_text(path, diagnostic, &text))
                .collect()
        }
    };
    Analysed {
        file,
        parsed,
        hash,
        stub,
        diagnostics,
        cached,
        is_script: false,
        understood: true,
    }
}

/// Notebooks may be larger than Python files, because they also hold outputs.
fn contents(project: &Path, file: &SourceFile) -> std::io::Result<Vec<u8>> {
    let limit = match file.language {
        Language::Python => fal_files::TEXT,
        Language::Notebook(_) => fal_files::DATA,
    };
    fal_files::read(&project.join(&file.path), limit)
}

fn unreadable(path: &str, error: &std::io::Error) -> Trouble {
    let message = format!("this file cannot be read: {error}");
    Trouble::File(Box::new(FileDiagnostic::error(
        path,
        "project::unreadable",
        message,
    )))
}

fn not_text(path: &str, message: String) -> Trouble {
    Trouble::File(Box::new(
        FileDiagnostic::error(path, "python::encoding", message).with_help("save it as UTF-8"),
    ))
}
