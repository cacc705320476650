//! Every vector of fal's stub generator, through `fal-host generate`.

use std::{
    fs::{self, File},
    path::Path,
    time::{Duration, SystemTime},
};

use fal_e2e::{Project, Tree, workspace};

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
    project.run_host("generate").expect(0);
    for name in &names {
        let wanted =
            fs::read(workspace().join(format!("tests/conformance/stubs/{name}.sql"))).unwrap();
        let found = fs::read(project.path(&format!("models/fal/{name}.sql"))).unwrap_or_default();
        assert_eq!(
            String::from_utf8_lossy(&found),
            String::from_utf8_lossy(&wanted),
            "{name}"
        );
    }
    let stubs = fs::read_dir(project.path("models/fal")).unwrap().count();
    assert_eq!(stubs, names.len(), "nothing but the stubs");
}

/// All files outside dbt's target folder, which holds the cache.
fn sources(project: &Project) -> Tree {
    project
        .tree()
        .into_iter()
        .filter(|(path, _)| !path.starts_with("target"))
        .collect()
}

#[track_caller]
fn assert_same(before: &Tree, after: &Tree) {
    for (path, entry) in after {
        assert!(
            before.get(path) == Some(entry),
            "{} changed",
            path.display()
        );
    }
    assert_eq!(before.len(), after.len());
}

#[test]
fn a_second_generate_writes_nothing_and_touches_no_mtime() {
    let (project, names) = project();
    project.run_host("generate").expect(0);
    let before = sources(&project);
    let ended = project.run_host("generate");
    ended
        .expect(0)
        .says(&format!("{0} of {0} stubs unchanged", names.len()))
        .never_says("Wrote");
    assert_same(&before, &sources(&project));
    assert!(before.contains_key(Path::new("models/fal/01_single_ref.sql")));
    project.run_host("generate --check").expect(0);
    assert_same(&before, &sources(&project));
}

/// The cache says which files need not be read again. A file that is as young as the cache must be, so it takes a run
/// over files that have settled until there is nothing more to say.
#[test]
fn once_files_have_settled_not_even_the_cache_is_touched() {
    let (project, _) = project();
    project.run_host("generate").expect(0);
    for path in project
        .tree()
        .into_keys()
        .map(|path| project.root().join(path))
        .filter(|path| path.is_file())
    {
        let hour_ago = SystemTime::now() - Duration::from_secs(3600);
        File::options()
            .append(true)
            .open(path)
            .unwrap()
            .set_modified(hour_ago)
            .unwrap();
    }
    project.run_host("generate").expect(0);
    let before = project.tree();
    project.run_host("generate").expect(0);
    assert_same(&before, &project.tree());
}
