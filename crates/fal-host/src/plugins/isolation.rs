//! Which libraries run in processes of their own.

use std::{
    env,
    env::consts::{DLL_PREFIX, DLL_SUFFIX},
    path::Path,
};

use fal_loader::LoadOptions;

/// What the user wants to have in processes of their own, beside the plugins that are programs anyway.
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
    /// Whether the plugin of that name is meant.
    pub(super) fn means(&self, name: &str) -> bool {
        match self {
            Self::None => false,
            Self::Named(names) => names.iter().any(|other| other == name),
            Self::All => true,
        }
    }

    /// How the library at `path` is loaded, which is asked for as `wanted`.
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

/// These options, for a library in a process of its own.
pub(super) fn in_process(options: &LoadOptions) -> LoadOptions {
    // The program itself serves the library. Without a path to it, the library is loaded as if nobody had asked.
    let program = env::current_exe().ok();
    let isolate = program.map(|program| (program, vec!["plugin".to_owned(), "serve".to_owned()]));
    LoadOptions {
        isolate,
        ..options.clone()
    }
}

/// What a library is called that is named after its plugin.
fn name_of(path: &Path) -> String {
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
