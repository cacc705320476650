//! Every vector of the forerunner's generator, through `fal-host generate`.

use std::{fs, path::Path};

use fal_e2e::{Project, workspace};

/// A project whose models are all vectors; gives their names.
fn project() -> (Project, Vec<String>) {
    let project = Project::bare();
    let mut names = Vec::new();
    for entry in fs::read_dir(workspace().join("tests/conformance/stubs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "py") {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            project.write(&format!("models/{name}.py"), fs::read(&path).unwrap());
            names.push(name);
        }
    }
    assert!(names.len() >= 38, "{names:?}");
    (project, names)
}

#[test]
fn every_vector_comes_out_byte_for_byte() {
    let (project, names) = project();
    project.run_host(&["generate"]).expect(0);
    for name in &names {
        let wanted = fs::read(workspace().join(format!("tests/conformance/stubs/{name}.sql"))).unwrap();
        let found = fs::read(project.path(&format!("models/fal/{name}.sql"))).unwrap_or_default();
        assert_eq!(String::from_utf8_lossy(&found), String::from_utf8_lossy(&wanted), "{name}");
    }
    let stubs = fs::read_dir(project.path("models/fal")).unwrap().count();
    assert_eq!(stubs, names.len(), "nothing but the stubs");
}

#[test]
fn a_second_generate_writes_nothing_and_touches_no_mtime() {
    let (project, names) = project();
    project.run_host(&["generate"]).expect(0);
    let before = project.tree();
    let ended = project.run_host(&["generate"]);
    ended.expect(0).says(&format!("{0} of {0} stubs unchanged", names.len())).never_says("Wrote");
    let after = project.tree();
    for (path, entry) in &after {
        assert_eq!(before.get(path), Some(entry), "{} changed", path.display());
    }
    assert_eq!(before.len(), after.len());
    assert!(before.contains_key(Path::new("models/fal/01_single_ref.sql")));
    project.run_host(&["generate", "--check"]).expect(0);
}
