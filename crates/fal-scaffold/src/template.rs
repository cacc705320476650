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
const COMMON: &[File] =
    files!("common": ".gitignore", "example/dbt_project.yml", "example/profiles.yml", "example/models/orders.sql");

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

/// The files of a template, or `None` where there is none.
pub(crate) fn files(stage: Stage, language: Language) -> Option<Vec<File>> {
    let own = match (language, stage) {
        (Language::Rust, Stage::PythonParser) => RUST_PYTHON_PARSER,
        (Language::Rust, Stage::NotebookParser) => RUST_NOTEBOOK_PARSER,
        (Language::Rust, Stage::StubWriter) => RUST_STUB_WRITER,
        (Language::Rust, Stage::ExecutionBackend) => RUST_EXECUTION_BACKEND,
        _ => return None,
    };
    Some([COMMON, own].concat())
}
