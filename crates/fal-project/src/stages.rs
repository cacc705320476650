//! The plugins that `generate` asks, and their failures, which are not problems of files.

use fal_plugin::{NotebookParser, PluginError, PythonParser, StubWriter};

/// The loaded plugins, by stage.
pub struct Stages<'a> {
    /// The chain of Python parsers: the first that understands a file answers.
    pub python: Vec<&'a dyn PythonParser>,
    /// The notebook parsers. If two claim an extension, the first gets it.
    pub notebooks: Vec<&'a dyn NotebookParser>,
    /// The stub writer.
    pub stubs: &'a dyn StubWriter,
    /// Names, versions and options of all of them. A cache with another identity is not used.
    pub identity: String,
}

/// A plugin that failed.
#[derive(Debug)]
pub(crate) struct PluginFailure {
    pub(crate) stage: &'static str,
    pub(crate) path: Option<String>,
    pub(crate) error: PluginError,
}

pub(crate) const PYTHON_PARSER: &str = "python parser";
pub(crate) const NOTEBOOK_PARSER: &str = "notebook parser";
pub(crate) const STUB_WRITER: &str = "stub writer";

impl PluginFailure {
    pub(crate) fn on(stage: &'static str, path: &str, error: PluginError) -> Self {
        Self {
            stage,
            path: Some(path.to_owned()),
            error,
        }
    }

    /// An answer that breaks the stage's contract.
    pub(crate) fn nonsense(stage: &'static str, path: Option<&str>, message: String) -> Self {
        let error = PluginError::new("plugin::bad_answer", message)
            .with_help("this is a bug of the plugin: report it to its author");
        Self {
            stage,
            path: path.map(str::to_owned),
            error,
        }
    }
}

impl Stages<'_> {
    /// Returns the extensions that the notebook parsers claim, in lower case, with each parser's
    /// index.
    pub(crate) fn claims(&self) -> Vec<(String, usize)> {
        let mut claims: Vec<(String, usize)> = Vec::new();
        for (index, parser) in self.notebooks.iter().enumerate() {
            for extension in parser.extensions() {
                let extension = extension.trim_start_matches('.').to_lowercase();
                let taken = extension == "py"
                    || extension == "sql"
                    || claims.iter().any(|(claimed, _)| *claimed == extension);
                if !taken && !extension.is_empty() {
                    claims.push((extension, index));
                }
            }
        }
        claims
    }

    /// Returns the name of the stub folder below each model path.
    pub(crate) fn stub_folder(&self) -> Result<String, PluginFailure> {
        let folder = self.stubs.folder();
        if is_plain(&folder) {
            return Ok(folder);
        }
        let message = format!("its folder `{folder}` is not a plain folder below a model path");
        Err(PluginFailure::nonsense(STUB_WRITER, None, message))
    }
}

/// Whether a plugin's path stays in its folder: relative, nothing hidden, no `..`, no unusual
/// characters.
pub(crate) fn is_plain(path: &str) -> bool {
    !path.contains('\\')
        && !path.contains(|letter: char| letter.is_control())
        && path
            .split('/')
            .all(|part| !part.is_empty() && !part.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_leave_are_not_plain() {
        for plain in ["fal", "fal/a/b.sql", "é/x y.sql"] {
            assert!(is_plain(plain), "{plain}");
        }
        for odd in [
            "",
            "/etc/x",
            "../x",
            "fal/../../x",
            "fal//x",
            "fal/",
            "fal/.x",
            "a\\b",
            "a\0b",
            "./x",
        ] {
            assert!(!is_plain(odd), "{odd}");
        }
    }
}
