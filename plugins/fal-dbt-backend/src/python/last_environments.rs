//! The environments that the last run needed.
//!
//! This run's environments are known only once dbt has read the project. Until then, the backend
//! starts warm processes for the existing environments of the last run, while dbt is still being
//! imported.

use std::path::{Path, PathBuf};

use fal_files::Root;

const FILE: &str = "environments.json";

/// Returns the names that the last run noted; empty if there are none.
pub(crate) fn read(state_dir: &str) -> Vec<String> {
    let text = fal_files::read(&file(state_dir), fal_files::DATA).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Writes the names for the next run.
pub(crate) fn write(state_dir: &str, names: &[String]) {
    if read(state_dir) == names {
        return;
    }
    // A lost note only costs a second in the next run.
    let state = Path::new(state_dir);
    // Open the target folder as the root, so that a symbolic link in place of our subfolder cannot
    // lead out of it.
    let (target, ours) = (
        state.parent().unwrap_or(state),
        state.file_name().unwrap_or_default(),
    );
    let content = serde_json::to_vec(names).unwrap_or_default();
    let _ = Root::create(target).and_then(|root| root.write(Path::new(ours).join(FILE), &content));
}

fn file(state_dir: &str) -> PathBuf {
    Path::new(state_dir).join(FILE)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn names_are_written_and_a_malformed_file_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let state_dir = folder.path().join("fal").display().to_string();
        write(&state_dir, &[]);
        assert!(!Path::new(&state_dir).exists(), "nothing needs no note");
        write(&state_dir, &["ml".to_owned()]);
        assert_eq!(read(&state_dir), ["ml"]);
        fs::write(file(&state_dir), "{").unwrap();
        assert!(read(&state_dir).is_empty());
    }
}
