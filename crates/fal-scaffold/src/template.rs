//! The templates, compiled into the program. Each stage has a folder with its code in Rust, its
//! program in Python where there is one, and its example; what all plugins in a language share is
//! in `rust`, `python` and `common`. Words between `@` differ by stage and language.

use fal_plugin::manifest::Stage;

use crate::scaffold::Language;

/// A file of a template.
#[derive(Clone, Copy, Debug)]
pub(crate) struct File {
    /// The path relative to the plugin's folder.
    pub(crate) path: &'static str,
    pub(crate) content: &'static str,
    pub(crate) executable: bool,
}

macro_rules! files {
    ($folder:literal: $($path:literal),+ $(,)?) => {
        &[$(File {
            path: $path,
            content: include_str!(concat!("../templates/", $folder, "/", $path)),
            executable: false,
        }),+]
    };
}

pub(crate) use files;

const COMMON: &[File] = files!(
    "common": ".gitignore", "example/dbt_project.yml", "example/profiles.yml",
    "example/models/orders.sql",
);
const RUST: &[File] = files!(
    "rust": "Cargo.toml", "README.md", "hatch_build.py", "pyproject.toml",
);
const PYTHON: &[File] = files!("python": "README.md", "pyproject.toml");

/// The module that implements the protocol for plugins in Python.
const FAL_PLUGIN: File = File {
    path: "fal_plugin.py",
    content: include_str!("../../fal-plugin/python/fal_plugin.py"),
    executable: false,
};

/// The parts of a template that differ between stages.
struct StageTemplate {
    rust: &'static [File],
    /// The program in Python, or `None` if there is no template.
    python: Option<&'static str>,
    example: &'static [File],
    description: &'static str,
    about: &'static str,
    /// A description of the files of a plugin in Rust.
    sources: &'static str,
    /// The requirements of a plugin in Python, other than Python.
    needs: &'static str,
    choose: &'static str,
    /// The part of fal_project.yml by which users choose the plugin.
    choice: &'static str,
    dependencies: &'static str,
    platform: &'static str,
}

const STUB_WRITER: StageTemplate = StageTemplate {
    rust: files!("stub-writer": "src/lib.rs", "tests/contract.rs"),
    python: Some(include_str!(
        "../templates/stub-writer/my-plugin.fal-plugin"
    )),
    example: files!(
        "stub-writer": "example/fal_project.yml", "example/models/large_orders.py",
    ),
    description: "Writes the stubs of Python models",
    about: "A stub writer for [fal-host](https://github.com/fal-host/fal-host): \
            it says what dbt sees of a Python model.",
    sources: "`src/lib.rs` is the whole plugin. \
              The stubs of the example are written to `example/models/generated`.",
    needs: "",
    choose: "with",
    choice: "plugins:\n  stub-writer: my-plugin",
    dependencies: "",
    platform: "",
};

const NOTEBOOK_PARSER: StageTemplate = StageTemplate {
    rust: files!("notebook-parser": "src/lib.rs", "tests/contract.rs"),
    python: Some(include_str!(
        "../templates/notebook-parser/my-plugin.fal-plugin"
    )),
    example: files!(
        "notebook-parser": "example/fal_project.yml", "example/models/large_orders.qmd",
    ),
    description: "Reads Quarto documents (`.qmd`) as notebooks",
    about: "A notebook parser for [fal-host](https://github.com/fal-host/fal-host): \
            Quarto documents (`.qmd`) become models of a dbt project.",
    sources: "`src/lib.rs` is the whole plugin: \
              change `extensions` and `Document` for another format.",
    choice: "plugins:\n  notebook-parser: [fal-notebook-parser, my-plugin]",
    ..STUB_WRITER
};

const PYTHON_PARSER: StageTemplate = StageTemplate {
    rust: files!("python-parser": "src/lib.rs", "tests/contract.rs"),
    // The contract requires counting writes along every path. Rust plugins use a crate for that;
    // Python has none.
    python: None,
    example: files!(
        "python-parser": "example/fal_project.yml", "example/models/large_orders.py",
    ),
    description: "Reads Python models by the rules of our house",
    about: "A Python parser for [fal-host](https://github.com/fal-host/fal-host): \
            the one that ships with it, and a convention of our own, comments such\n\
            as `# reads: orders, customers`.",
    sources: "`src/lib.rs` is the whole plugin.",
    choice: "plugins:\n  python-parser: my-plugin",
    dependencies: "# The parser that ships with fal-host, as a crate: \
                   grammar, dependencies and the counting of writes are its.\n\
                   fal-python-parser-ruff = { path = \"../../../fal-python-parser-ruff\", \
                   default-features = false }\n",
    ..STUB_WRITER
};

const EXECUTION_BACKEND: StageTemplate = StageTemplate {
    rust: files!("execution-backend": "src/lib.rs", "src/process.rs", "tests/contract.rs"),
    python: Some(include_str!(
        "../templates/execution-backend/my-plugin.fal-plugin"
    )),
    example: files!(
        "execution-backend": "example/fal_project.yml", "example/models/large_orders.py",
        "example/models/models.yml",
    ),
    description: "Runs Python models on our machines",
    about: "A runner for [fal-host](https://github.com/fal-host/fal-host): \
            it runs Python models of a dbt project somewhere else than where dbt is.",
    sources: "`src/lib.rs` is the runner: `Session::command` says what is started for a model. \
              `src/process.rs` watches it. The Python that it starts\n\
              needs `pyarrow`, and what the models import: it is the one that runs dbt \
              unless the option `python` names another.",
    needs: ", and the Python that it starts needs `pyarrow` and what the\n\
            models import: it is the one that runs dbt unless the option `python` names another",
    choose: "for a run with `--runner my-plugin`, or in `fal_project.yml`:",
    choice: "routes:\n  - { select: \"tag:elsewhere\", runner: my-plugin }",
    platform: "\n[target.'cfg(unix)'.dependencies]\n\
               rustix = { version = \"1.1\", features = [\"process\"] }\n",
    ..STUB_WRITER
};

/// The template of a plugin.
pub(crate) struct Template {
    stage: &'static StageTemplate,
    language: Language,
}

impl Template {
    /// Returns the template of a stage in a language, or `None` where there is none.
    pub(crate) fn new(stage: Stage, language: Language) -> Option<Self> {
        let stage = match stage {
            Stage::PythonParser => &PYTHON_PARSER,
            Stage::NotebookParser => &NOTEBOOK_PARSER,
            Stage::StubWriter => &STUB_WRITER,
            Stage::ExecutionBackend => &EXECUTION_BACKEND,
        };
        let exists = language == Language::Rust || stage.python.is_some();
        exists.then_some(Self { stage, language })
    }

    pub(crate) fn files(&self) -> Vec<File> {
        let mut files = [COMMON, self.stage.example].concat();
        match (self.language, self.stage.python) {
            (Language::Python, Some(content)) => {
                files.extend(PYTHON);
                let path = "my-plugin.fal-plugin";
                files.push(File {
                    path,
                    content,
                    executable: true,
                });
                files.push(FAL_PLUGIN);
            }
            _ => files.extend([RUST, self.stage.rust].concat()),
        }
        files
    }

    /// Replaces the placeholders between `@`.
    pub(crate) fn fill(&self, text: &str) -> String {
        let stage = self.stage;
        let built = match self.language {
            Language::Rust => "../target/debug",
            Language::Python => "..",
        };
        [
            ("@description@", stage.description),
            ("@about@", stage.about),
            ("@sources@", stage.sources),
            ("@needs@", stage.needs),
            ("@choose@", stage.choose),
            ("@choice@", stage.choice),
            ("@dependencies@", stage.dependencies),
            ("@platform@", stage.platform),
            ("@built@", built),
        ]
        .iter()
        .fold(text.to_owned(), |text, (word, value)| {
            text.replace(word, value)
        })
    }
}
