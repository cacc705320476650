//! A copy of the project below the target folder, for runs with hooks (`run_hooks`) and for builds of
//! dbt 2 before 2.0.0-beta.1.
//!
//! In an ephemeral model these builds take `{{ this }}` for the model itself and not for its
//! relation, so that no SQL can read a Python model through its stub. The stubs in the project are
//! the same for every dbt. In the copy they name the relation, and everything else is a hard link.

use std::{
    io,
    path::{Path, PathBuf},
};

use fal_files::Root;
use semver::Version;

use super::{
    manifest::{Manifest, Node},
    parsed::walk,
    settings::Settings,
};

/// What stubs write for their own relation.
const THIS: &str = "{{ this }}";

/// The largest stub, in bytes.
const LARGEST: u64 = 16 << 20;

/// Returns whether this version of dbt needs other stubs.
pub(crate) fn is_needed(version: &str) -> bool {
    let version = version.trim_start_matches('=');
    Version::parse(version).is_ok_and(|version| {
        // Previews of Fusion are older than the first beta, and sort behind it.
        let is_preview = version.pre.starts_with("preview");
        let is_early = version < Version::parse("2.0.0-beta.1").expect("a version");
        version.major == 2 && (is_early || is_preview)
    })
}

/// Makes the copy anew, and returns its folder.
pub(crate) fn make<'a>(
    settings: &Settings,
    manifest: &Manifest,
    stubs: impl Iterator<Item = &'a Node>,
) -> io::Result<PathBuf> {
    let (project, target) = (Path::new(&settings.project_root), &settings.target_path);
    let root = Root::create(target)?;
    let copy = Path::new("fal/project");
    root.remove_folder(copy)?;
    root.create_folder(copy)?;
    for entry in walk(project, Path::new(target)) {
        let entry = entry.map_err(io::Error::other)?;
        let Ok(path) = entry.path().strip_prefix(project) else {
            continue;
        };
        if entry.file_type().is_some_and(|kind| kind.is_dir()) {
            root.create_folder(copy.join(path))?;
        } else {
            root.link(entry.path(), copy.join(path))?;
        }
    }
    for stub in stubs {
        let path = manifest.path(stub, &settings.packages());
        let text = fal_files::read_text(&project.join(&path), LARGEST)?;
        // This replaces the second name of the file in the project, and not its content.
        let text = text.replace(THIS, &manifest.relation(stub));
        root.write(copy.join(&path), text.as_bytes())?;
    }
    Ok(Path::new(target).join(copy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_early_builds_of_dbt_2_need_it() {
        for version in ["2.0.0-alpha.4", "=2.0.0-alpha.4", "2.0.0-preview.196"] {
            assert!(is_needed(version), "{version}");
        }
        for version in [
            "1.11.0",
            "1.12.0b1",
            "2.0.0-beta.1",
            "2.0.0-rc.1",
            "2.0.0",
            "2.1.0-alpha.1",
            "",
            "x",
        ] {
            assert!(!is_needed(version), "{version}");
        }
    }
}
