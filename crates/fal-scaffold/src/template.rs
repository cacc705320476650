//! The templates, compiled into the program.

use fal_plugin::manifest::Stage;

use crate::scaffold::Language;

/// A file of a template.
#[derive(Clone, Copy, Debug)]
pub(crate) struct File {
    /// Below the plugin's folder.
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

/// What every plugin has.
const COMMON: &[File] = files!("common": ".gitignore", "example/dbt_project.yml", "example/profiles.yml", "example/models/orders.sql");

const RUST_STUB_WRITER: &[File] = files!(
    "rust-stub-writer": "Cargo.toml", "README.md", "src/lib.rs", "tests/contract.rs", "example/fal_project.yml",
    "example/models/large_orders.py",
);

const RUST_NOTEBOOK_PARSER: &[File] = files!(
    "rust-notebook-parser": "Cargo.toml", "README.md", "src/lib.rs", "tests/contract.rs", "example/fal_project.yml",
    "example/models/large_orders.qmd",
);

const RUST_PYTHON_PARSER: &[File] = files!(
    "rust-python-parser": "Cargo.toml", "README.md", "src/lib.rs", "tests/contract.rs", "example/fal_project.yml",
    "example/models/large_orders.py",
);

const RUST_EXECUTION_BACKEND: &[File] = files!(
    "rust-execution-backend": "Cargo.toml", "README.md", "src/lib.rs", "src/process.rs", "tests/contract.rs",
    "example/fal_project.yml", "example/models/large_orders.py", "example/models/models.yml",
);

const PYTHON_STUB_WRITER: &[File] = files!(
    "python-stub-writer": "README.md", "example/fal_project.yml", "example/models/large_orders.py",
);

const PYTHON_NOTEBOOK_PARSER: &[File] = files!(
    "python-notebook-parser": "README.md", "example/fal_project.yml", "example/models/large_orders.qmd",
);

const PYTHON_EXECUTION_BACKEND: &[File] = files!(
    "python-execution-backend": "README.md", "example/fal_project.yml", "example/models/large_orders.py",
    "example/models/models.yml",
);

/// What speaks for a plugin in Python.
const FAL_PLUGIN: File = File {
    path: "fal_plugin.py",
    content: include_str!("../../fal-plugin/python/fal_plugin.py"),
    executable: false,
};

/// A program in Python, and what speaks for it.
macro_rules! program {
    ($folder:literal) => {
        [
            File {
                path: "my-plugin.fal-plugin",
                content: include_str!(concat!("../templates/", $folder, "/my-plugin.fal-plugin")),
                executable: true,
            },
            FAL_PLUGIN,
        ]
    };
}

/// The files of a template, or `None` where there is none.
pub(crate) fn files(stage: Stage, language: Language) -> Option<Vec<File>> {
    let (own, program): (_, &[File]) = match (language, stage) {
        (Language::Rust, Stage::PythonParser) => (RUST_PYTHON_PARSER, &[]),
        (Language::Rust, Stage::NotebookParser) => (RUST_NOTEBOOK_PARSER, &[]),
        (Language::Rust, Stage::StubWriter) => (RUST_STUB_WRITER, &[]),
        (Language::Rust, Stage::ExecutionBackend) => (RUST_EXECUTION_BACKEND, &[]),
        (Language::Python, Stage::NotebookParser) => {
            (PYTHON_NOTEBOOK_PARSER, &program!("python-notebook-parser"))
        }
        (Language::Python, Stage::StubWriter) => {
            (PYTHON_STUB_WRITER, &program!("python-stub-writer"))
        }
        (Language::Python, Stage::ExecutionBackend) => (
            PYTHON_EXECUTION_BACKEND,
            &program!("python-execution-backend"),
        ),
        // Its contract asks for a count of writes along every path: in Rust that is a crate to build on.
        (Language::Python, Stage::PythonParser) => return None,
    };
    Some([COMMON, own, program].concat())
}
