//! Where calls of dbt that run at the same time write their artifacts.
//!
//! Two calls would overwrite each other's run_results.json and manifest.json. The first call writes
//! into the project's target folder, and each further one into a folder below it. The SQL of all of
//! them goes to `target/compiled` and `target/run`.

use std::{
    io,
    path::{Path, PathBuf},
};

use fal_files::Root;

/// What dbt-core keeps of a parse. Without it a call parses the whole project.
const PARSED: &str = "partial_parse.msgpack";
/// The largest of them, in bytes.
const LARGEST: u64 = 1 << 30;
/// The folders of SQL. Each node has its own files there.
const OF_NODES: [&str; 2] = ["compiled", "run"];

/// Makes the folder into which a call in this place writes, and returns it. Place 0 is the first.
pub(crate) fn make(target: &Path, place: usize) -> io::Result<PathBuf> {
    if place == 0 {
        return Ok(target.to_owned());
    }
    let root = Root::create(target)?;
    let folder = Path::new("fal/calls").join(place.to_string());
    root.remove_folder(&folder)?;
    root.create_folder(&folder)?;
    for name in OF_NODES {
        root.create_folder(name)?;
        root.symlink(Path::new("../../..").join(name), folder.join(name))?;
    }
    if let Ok(parsed) = fal_files::read(&target.join(PARSED), LARGEST) {
        root.write(folder.join(PARSED), &parsed)?;
    }
    Ok(target.join(folder))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_further_call_has_artifacts_apart_and_sql_in_the_same_folders() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        assert_eq!(make(&target, 0).unwrap(), target);
        fs::create_dir(&target).unwrap();
        fs::write(target.join(PARSED), "parsed").unwrap();
        let further = make(&target, 1).unwrap();
        fs::write(further.join("run_results.json"), "{}").unwrap();
        fs::write(further.join("compiled/a.sql"), "select 1").unwrap();
        assert!(!target.join("run_results.json").exists());
        assert!(target.join("compiled/a.sql").exists());
        assert_eq!(fs::read(further.join(PARSED)).unwrap(), b"parsed");
        // The next call in the same place begins without the artifacts of the last one.
        let again = make(&target, 1).unwrap();
        assert_eq!(again, further);
        assert!(!again.join("run_results.json").exists());
        assert!(target.join("compiled/a.sql").exists());
        assert_ne!(make(&target, 2).unwrap(), further);
    }
}
