//! The name of a plugin, which names a package, a file and an entry in `fal_project.yml`.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};

use crate::error::ScaffoldError;

/// Reserved words: cargo refuses them as a package, rustc gives them another meaning, or a template
/// depends on a crate of this name.
const RESERVED: &str = "\
    abstract alloc as async await become box break build const continue core crate deps do dyn else enum \
    examples extern false final fn for gen if impl in incremental let loop macro match mod move mut \
    override priv proc-macro proc_macro pub ref return self static std struct super test trait true try \
    type typeof union unsafe unsized use virtual where while yield abi rustix serde-json serde_json";

/// A valid plugin name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginName(String);

impl PluginName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`ScaffoldError::Name`], which says what is wrong.
    pub fn new(name: &str) -> Result<Self, ScaffoldError> {
        match wrong(name) {
            None => Ok(Self(name.to_owned())),
            Some(why) => Err(ScaffoldError::Name {
                name: name.escape_debug().to_string(),
                why,
            }),
        }
    }

    /// Returns the name as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name as an identifier in Rust and Python.
    pub fn identifier(&self) -> String {
        self.0.replace('-', "_")
    }

    /// Returns the file name of the plugin's library on this system.
    pub fn library(&self) -> String {
        format!("{DLL_PREFIX}{}{DLL_SUFFIX}", self.identifier())
    }
}

fn wrong(name: &str) -> Option<&'static str> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if name.is_empty() {
        Some("it is empty")
    } else if name.len() > 64 {
        Some("it has more than 64 letters")
    } else if !name.chars().all(fits) {
        Some("only small letters of ASCII, digits, `-` and `_` can be in it")
    } else if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        Some("it has to begin with a letter")
    } else if name.ends_with(['-', '_']) {
        Some("it has to end in a letter or a digit")
    } else if RESERVED.split_whitespace().any(|word| word == name) {
        Some("the word has a meaning in Rust, or is the name of a crate that the plugin needs")
    } else if name == "local" {
        Some("that is what a project calls the place where dbt runs")
    } else if name.starts_with("fal-") || name.starts_with("fal_") {
        Some("names like this are those of fal-host itself")
    } else if name.replace('_', "-").contains("my-plugin") {
        Some("that is what the templates are called")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_names_are_taken() {
        for name in ["acme-stubs", "a", "acme_runner2", "x-9"] {
            assert_eq!(PluginName::new(name).unwrap().as_str(), name);
        }
        assert_eq!(
            PluginName::new("acme-stubs").unwrap().identifier(),
            "acme_stubs"
        );
    }

    #[test]
    fn what_cargo_or_fal_host_would_trip_over_is_refused() {
        let long = "a".repeat(65);
        for name in [
            "",
            "Acme",
            "9a",
            "-a",
            "a-",
            "a b",
            "a/b",
            "../a",
            "größe",
            "a.b",
            "a\n",
            "test",
            "proc-macro",
            "local",
            "fal-plugin",
            "fal-dbt-backend",
            "my-plugin",
            "my_plugin2",
            "acme-my-plugin",
            &long,
        ] {
            let error = PluginName::new(name).unwrap_err();
            assert!(
                error.help().is_some() && !error.to_string().contains('\n'),
                "{error}"
            );
        }
    }
}
