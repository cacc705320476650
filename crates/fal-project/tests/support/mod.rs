//! A project in a temporary folder, and stages that are simple enough to be read at a glance.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "each test binary uses its part of this module"
)]

use std::{
    collections::BTreeMap,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    time::SystemTime,
};

use fal_plugin::{
    NotebookParser, ParseError, PluginError, PythonParser, StubWriter,
    payload::{
        Dependency, DependencyKind, DependencyOrigin, Diagnostic, FileKind, Label, LineOrigin,
        NotebookAnalysis, PythonAnalysis, Severity, Span, Stub, StubRequest, StubVerdict,
        StubVerdictRequest, WriteCount,
    },
};
use fal_project::{
    DbtProject, FileDiagnostic, GenerateError, GenerateOptions, Generated, ProjectOptions, Stages,
    generate,
};

/// A parser that looks for words. It counts its calls.
#[derive(Default)]
pub struct WordParser {
    pub calls: AtomicUsize,
}

impl PythonParser for WordParser {
    fn parse(&self, path: &str, text: &str) -> Result<PythonAnalysis, ParseError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if text.contains("FAIL PLUGIN") {
            return Err(ParseError::Plugin(PluginError::new(
                "word::failed",
                format!("word-parser failed on {path}"),
            )));
        }
        if let Some(at) = text.find("SYNTAX") {
            return Err(ParseError::Syntax(Box::new(diagnostic(
                Severity::Error,
                "python::syntax",
                at,
                6,
            ))));
        }
        let kind = if text.contains("def model(") {
            FileKind::DbtNative
        } else if text.contains("write_to_model") {
            FileKind::Script
        } else {
            FileKind::Helper
        };
        let warnings = text
            .find("WARN")
            .map(|at| diagnostic(Severity::Warning, "word::warn", at, 4));
        let errors = text
            .find("TWICE")
            .map(|at| diagnostic(Severity::Error, "write::twice", at, 5));
        Ok(PythonAnalysis {
            kind,
            docstring: None,
            dependencies: dependencies(text),
            unresolved: Vec::new(),
            writes: Vec::new(),
            write_count: WriteCount::default(),
            imports: Vec::new(),
            diagnostics: warnings.into_iter().chain(errors).collect(),
        })
    }
}

fn dependencies(text: &str) -> Vec<Dependency> {
    let calls = text.match_indices("ref('").filter_map(|(at, _)| {
        let name = text[at + 5..].split('\'').next()?;
        Some(Dependency {
            kind: DependencyKind::Ref,
            text: format!("ref('{name}')"),
            args: vec![name.to_owned()],
            version: None,
            origin: DependencyOrigin::Code,
            span: Span::default(),
        })
    });
    calls.collect()
}

fn diagnostic(severity: Severity, code: &str, start: usize, length: usize) -> Diagnostic {
    let span = Span {
        start: start as u32,
        end: (start + length) as u32,
        ..Span::default()
    };
    Diagnostic {
        code: code.to_owned(),
        severity,
        message: format!("the text says {code}"),
        labels: vec![Label {
            span,
            text: "here".to_owned(),
        }],
        help: None,
        cell: None,
    }
}

/// Reads `.ipynb` as text whose cells are parted by lines of `%%`.
pub struct PlainNotebooks;

impl NotebookParser for PlainNotebooks {
    fn extensions(&self) -> Vec<String> {
        vec!["ipynb".to_owned()]
    }

    fn parse(&self, _path: &str, bytes: &[u8]) -> Result<NotebookAnalysis, ParseError> {
        let text = String::from_utf8_lossy(bytes);
        if let Some(at) = text.find("NO NOTEBOOK") {
            return Err(ParseError::Syntax(Box::new(diagnostic(
                Severity::Error,
                "notebook::json",
                at,
                11,
            ))));
        }
        let mut analysis = NotebookAnalysis {
            python: String::new(),
            lines: Vec::new(),
            language: None,
            diagnostics: Vec::new(),
        };
        for (cell, source) in text.split("%%\n").enumerate() {
            for (line, code) in source.lines().enumerate() {
                analysis.python.push_str(code);
                analysis.python.push('\n');
                analysis.lines.push(LineOrigin {
                    cell: cell as u32 + 1,
                    line: line as u32 + 1,
                });
            }
        }
        Ok(analysis)
    }
}

/// Stubs with a checksum in the first line. `salt` is an option of the writer.
#[derive(Default)]
pub struct PlainStubs {
    pub salt: &'static str,
    /// Where each stub goes, instead of where it belongs.
    pub path: Option<&'static str>,
    /// Texts that the writer knows for its own, as one does that a formatter changed.
    pub ours: Vec<String>,
}

impl PlainStubs {
    pub fn body(&self, request: &StubRequest) -> String {
        let dependencies: Vec<String> = request
            .dependencies
            .iter()
            .map(|found| format!("-- {}\n", found.text))
            .collect();
        format!(
            "{}select * from {} {}\n",
            dependencies.concat(),
            request.model,
            self.salt
        )
    }
}

pub fn checksum(body: &str) -> String {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Whether a stub is whole.
pub fn is_whole(content: &str) -> bool {
    let rest = content
        .strip_prefix("-- PLAIN ")
        .and_then(|rest| rest.split_once('\n'));
    rest.is_some_and(|(sum, body)| sum == checksum(body))
}

impl StubWriter for PlainStubs {
    fn folder(&self) -> String {
        "fal".to_owned()
    }

    fn render(&self, request: &StubRequest) -> Result<Stub, PluginError> {
        let body = self.body(request);
        let stem = request
            .path
            .rsplit_once('.')
            .map_or(request.path.as_str(), |(stem, _)| stem);
        let path = self
            .path
            .map_or_else(|| format!("fal/{stem}.sql"), str::to_owned);
        Ok(Stub {
            path,
            content: format!("-- PLAIN {}\n{body}", checksum(&body)),
        })
    }

    fn judge(&self, request: &StubVerdictRequest) -> Result<StubVerdict, PluginError> {
        Ok(
            match (
                request.content.starts_with("-- PLAIN "),
                is_whole(&request.content),
            ) {
                _ if self.ours.contains(&request.content) => StubVerdict::Ours,
                (_, true) => StubVerdict::Ours,
                (true, _) => StubVerdict::Edited,
                _ => StubVerdict::Foreign,
            },
        )
    }
}

/// A project in a temporary folder.
pub struct Project {
    pub root: PathBuf,
    _folder: Option<tempfile::TempDir>,
    pub parser: WordParser,
    pub stubs: PlainStubs,
    pub stub_folders: Vec<PathBuf>,
}

impl Project {
    /// With a `dbt_project.yml` and these files.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut project = Self::at(folder.path());
        project._folder = Some(folder);
        project.write("dbt_project.yml", "name: test\n");
        for (path, content) in files {
            project.write(path, content);
        }
        project
    }

    /// One that is there already.
    pub fn at(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
            _folder: None,
            parser: WordParser::default(),
            stubs: PlainStubs::default(),
            stub_folders: Vec::new(),
        }
    }

    pub fn write(&self, path: &str, content: &str) {
        self.write_bytes(path, content.as_bytes());
    }

    pub fn write_bytes(&self, path: &str, content: &[u8]) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub fn exists(&self, path: &str) -> bool {
        self.root.join(path).symlink_metadata().is_ok()
    }

    pub fn remove(&self, path: &str) {
        fs::remove_file(self.root.join(path)).unwrap();
    }

    pub fn dbt(&self) -> DbtProject {
        let options = ProjectOptions {
            project_dir: Some(self.root.clone()),
            ..ProjectOptions::default()
        };
        DbtProject {
            stub_folders: self.stub_folders.clone(),
            ..DbtProject::find(&options).unwrap()
        }
    }

    pub fn run(&self, check: bool) -> Result<Generated, GenerateError> {
        self.run_with(GenerateOptions {
            check,
            keep_going: false,
        })
    }

    fn run_with(&self, options: GenerateOptions) -> Result<Generated, GenerateError> {
        let notebooks = PlainNotebooks;
        let stages = Stages {
            python: vec![&self.parser],
            notebooks: vec![&notebooks],
            stubs: &self.stubs,
            identity: format!("test {} {:?}", self.stubs.salt, self.stubs.path),
        };
        generate(&self.dbt(), &stages, options)
    }

    pub fn generate(&self) -> Generated {
        self.run(false)
            .unwrap_or_else(|error| panic!("{error}: {error:?}"))
    }

    /// A run that goes on with the files that can be read.
    pub fn keep_going(&self) -> Generated {
        let options = GenerateOptions {
            check: false,
            keep_going: true,
        };
        self.run_with(options).unwrap()
    }

    /// The errors and warnings of a run that must fail.
    pub fn refused(&self) -> Vec<FileDiagnostic> {
        match self.run(false).unwrap_err() {
            GenerateError::Files(files) => files,
            other => panic!("{other}"),
        }
    }

    /// `CODE PATH` of each.
    pub fn problems(&self) -> Vec<String> {
        let found = self.refused().into_iter();
        found
            .map(|found| format!("{} {}", found.code, found.path))
            .collect()
    }

    pub fn calls(&self) -> usize {
        self.parser.calls.swap(0, Ordering::Relaxed)
    }

    /// Every file and folder with its content and time.
    pub fn snapshot(&self) -> BTreeMap<PathBuf, (SystemTime, Vec<u8>)> {
        let mut all = BTreeMap::new();
        collect(&self.root, &mut all);
        all
    }

    /// Makes all files older, so that no stamp is too fresh to be trusted.
    pub fn age(&self) {
        for path in self.snapshot().keys().filter(|path| path.is_file()) {
            let time = fs::metadata(path).unwrap().modified().unwrap()
                - std::time::Duration::from_secs(3600);
            fs::File::options()
                .append(true)
                .open(path)
                .unwrap()
                .set_modified(time)
                .unwrap();
        }
    }
}

fn collect(folder: &Path, all: &mut BTreeMap<PathBuf, (SystemTime, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let metadata = entry.path().symlink_metadata().unwrap();
        let content = if metadata.is_file() {
            fs::read(entry.path()).unwrap()
        } else {
            Vec::new()
        };
        all.insert(entry.path(), (metadata.modified().unwrap(), content));
        if metadata.is_dir() {
            collect(&entry.path(), all);
        }
    }
}
