//! Which libraries run in separate processes.

use std::{
    env,
    env::consts::{DLL_PREFIX, DLL_SUFFIX},
    path::Path,
};

use fal_loader::LoadOptions;

/// Which libraries the user wants to run in separate processes. Plugins that are programs always do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Isolate {
    /// No library.
    #[default]
    None,
    /// Libraries of these names.
    Named(Vec<String>),
    /// All libraries.
    All,
}

impl Isolate {
    /// Whether the plugin of this name runs in a separate process.
    pub(super) fn means(&self, name: &str) -> bool {
        match self {
            Self::None => false,
            Self::Named(names) => names.iter().any(|other| other == name),
            Self::All => true,
        }
    }

    /// Returns how to load the library at `path`, which the user calls `wanted`.
    pub(super) fn options(
        &self,
        path: &Path,
        wanted: Option<&str>,
        options: &LoadOptions,
    ) -> LoadOptions {
        let isolated = wanted.is_some_and(|name| self.means(name)) || self.means(&name_of(path));
        if isolated {
            in_process(options)
        } else {
            options.clone()
        }
    }
}

/// Returns these options for a library in a separate process.
pub(super) fn in_process(options: &LoadOptions) -> LoadOptions {
    // fal-host itself serves the library. Without a path to the program the library is loaded in process.
    let program = env::current_exe().ok();
    let isolate = program.map(|program| (program, vec!["plugin".to_owned(), "serve".to_owned()]));
    LoadOptions {
        isolate,
        ..options.clone()
    }
}

/// Returns the name of the plugin after which a library file is named.
pub(super) fn name_of(path: &Path) -> String {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let bare = file.strip_prefix(DLL_PREFIX).unwrap_or(&file);
    bare.strip_suffix(DLL_SUFFIX)
        .unwrap_or(bare)
        .replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_meant_by_its_name_or_by_that_of_its_file() {
        let named = Isolate::Named(vec!["acme-stubs".to_owned()]);
        let isolated = |isolate: &Isolate, file: &str, wanted: Option<&str>| {
            let path = format!("/x/{DLL_PREFIX}{file}{DLL_SUFFIX}");
            isolate
                .options(Path::new(&path), wanted, &LoadOptions::default())
                .isolate
                .is_some()
        };
        assert!(isolated(&named, "acme_stubs", None));
        assert!(isolated(&named, "other", Some("acme-stubs")));
        assert!(!isolated(&named, "other", Some("other")));
        assert!(isolated(&Isolate::All, "other", None));
        assert!(!isolated(&Isolate::None, "acme_stubs", Some("acme-stubs")));
    }
}
