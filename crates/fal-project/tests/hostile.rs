//! Projects that somebody else made: nothing is written outside of them, and no file in them blocks
//! or fills memory.
#![cfg(unix)]

mod support;

use std::{
    fs,
    os::unix::{fs::symlink, net::UnixListener},
    path::{Path, PathBuf},
};

use fal_project::{GenerateError, Generated};
use support::Project;

const SCRIPT: &str = "df = ref('a')\nwrite_to_model(df)\n";

/// A project, and a folder beside it that is not the project's.
struct Place {
    project: Project,
    outside: PathBuf,
    _all: tempfile::TempDir,
}

const MINE: &str = "# mine\n";

impl Place {
    fn new() -> Self {
        let all = tempfile::tempdir().unwrap();
        let outside = all.path().join("outside");
        fs::create_dir_all(outside.join("models")).unwrap();
        fs::write(outside.join(".bashrc"), MINE).unwrap();
        fs::write(outside.join("models/x.py"), SCRIPT).unwrap();
        let project = Project::at(&all.path().join("project"));
        project.write("dbt_project.yml", "name: test\n");
        project.write("models/a.py", SCRIPT);
        Self {
            project,
            outside,
            _all: all,
        }
    }

    fn link(&self, target: impl AsRef<Path>, at: &str) {
        let at = self.project.root.join(at);
        let _ = fs::remove_dir_all(&at).or_else(|_| fs::remove_file(&at));
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        symlink(target, at).unwrap();
    }

    /// The folder beside the project has the same files with the same texts.
    fn assert_untouched(&self, what: &str) {
        let mut names = Vec::new();
        for folder in [self.outside.clone(), self.outside.join("models")] {
            let entries = fs::read_dir(folder).unwrap();
            names.extend(entries.map(|entry| entry.unwrap().path()));
        }
        names.sort();
        let expected = [".bashrc", "models", "models/x.py"].map(|name| self.outside.join(name));
        assert_eq!(names, expected, "{what}");
        for (name, text) in [(".bashrc", MINE), ("models/x.py", SCRIPT)] {
            let found = fs::read_to_string(self.outside.join(name)).unwrap();
            assert_eq!(found, text, "{what}");
        }
    }

    fn codes(&self, check: bool) -> Vec<String> {
        let warnings = self.project.run(check).map(|generated| generated.warnings);
        let found = match warnings {
            Ok(found) | Err(GenerateError::Files(found)) => found,
            Err(other) => return vec![other.code().to_owned()],
        };
        found.into_iter().map(|found| found.code).collect()
    }
}

/// Links: where they lead, where they are, and the codes of what is said.
const LINKS: [(&str, &str, &[&str]); 7] = [
    ("../outside/.bashrc", ".dbtignore", &["dbtignore::outside"]),
    ("OUTSIDE/.bashrc", ".dbtignore", &["dbtignore::outside"]),
    ("../outside/new", ".dbtignore", &["dbtignore::outside"]),
    ("../outside/models", "models", &["stub::outside"]),
    ("../../outside", "models/fal", &["stub::no_folder"]),
    (
        "../../../outside/.bashrc",
        "models/fal/a.sql",
        &["stub::foreign"],
    ),
    ("../../outside", "target/fal", &[]),
];

#[test]
fn no_link_makes_a_write_leave_the_project() {
    let assert_codes = |what: &str, codes: &[&str], set_up: &dyn Fn(&Place)| {
        let place = Place::new();
        set_up(&place);
        for check in [true, false] {
            assert_eq!(place.codes(check), codes, "{what}, check: {check}");
            place.assert_untouched(what);
        }
    };
    for (target, at, codes) in LINKS {
        assert_codes(&format!("{at} to {target}"), codes, &|place| {
            let outside = place.outside.display().to_string();
            place.link(target.replace("OUTSIDE", &outside), at);
        });
    }
    for (paths, codes) in [
        ("models, ../outside/models", &["stub::outside"] as &[&str]),
        (
            "OUTSIDE/models",
            &["stub::outside", "project::absolute_model_path"],
        ),
    ] {
        assert_codes(paths, codes, &|place| {
            let paths = paths.replace("OUTSIDE", &place.outside.display().to_string());
            let settings = format!("name: test\nmodel-paths: [{paths}]\n");
            place.project.write("dbt_project.yml", &settings);
        });
    }
    assert_codes(
        ".dbtignore by two links",
        &["dbtignore::outside"],
        &|place| {
            place.link("../../outside/.bashrc", "conf/ignored");
            place.link("conf/ignored", ".dbtignore");
        },
    );
    assert_codes(
        ".dbtignore is a folder",
        &["project::unreadable"],
        &|place| {
            fs::create_dir(place.project.root.join(".dbtignore")).unwrap();
        },
    );
    assert_codes("a folder above models", &["stub::outside"], &|place| {
        place.link("../outside", "deep");
        let settings = "name: test\nmodel-paths: [deep/models]\n";
        place.project.write("dbt_project.yml", settings);
    });
    assert_codes("a folder of models/fal", &["stub::no_folder"], &|place| {
        place.project.write("models/sub/b.py", SCRIPT);
        place.link("../../../outside", "models/fal/sub");
    });
}

#[test]
fn a_link_that_stays_inside_is_followed() {
    let place = Place::new();
    place.project.write("conf/ignored", MINE);
    place.link("conf/ignored", ".dbtignore");
    place.project.write("src/models/b.py", SCRIPT);
    place.link(place.project.root.join("src/models"), "models");
    assert_eq!(place.project.generate().written, ["models/fal/b.sql"]);
    assert!(place.project.exists("src/models/fal/b.sql"));
    assert!(place.project.read("conf/ignored").contains("/models/b.py"));
    assert!(place.project.root.join(".dbtignore").is_symlink());
}

#[test]
fn the_target_folder_may_be_elsewhere() {
    let place = Place::new();
    place.link("../outside", "target");
    place.project.generate();
    assert!(place.outside.join("fal/analysis.bin").is_file());
}

const OUTSIDE: &str = "name: test\nmodel-paths: [models, ../outside/models]\n";

/// Model paths outside: read as any, and written where the user allows it, or not at all.
#[test]
fn model_paths_outside_are_written_only_where_the_user_allows_it() {
    let mut place = Place::new();
    place.project.write("dbt_project.yml", OUTSIDE);
    let Err(GenerateError::Files(problems)) = place.project.run(false) else {
        panic!()
    };
    let [problem] = &problems[..] else {
        panic!("{problems:?}")
    };
    assert_eq!(problem.path, "../outside/models");
    assert!(
        problem.message.contains("../outside/models/fal/x.sql"),
        "{}",
        problem.message
    );
    let real = place.outside.join("models").canonicalize().unwrap();
    let remedy = format!("FAL_HOST_STUB_FOLDERS={}", real.display());
    assert!(
        problem.help.as_ref().unwrap().contains(&remedy),
        "{:?}",
        problem.help
    );

    place.project.stub_folders = vec![place.outside.clone()];
    let stubs = ["../outside/models/fal/x.sql", "models/fal/a.sql"];
    assert_eq!(place.project.generate().written, stubs);
    assert!(place.outside.join("models/fal/x.sql").is_file());

    place.project.stub_folders.clear();
    let Generated {
        models, unchanged, ..
    } = place.project.generate();
    assert_eq!(
        (models.len(), unchanged),
        (2, 2),
        "stubs that are current need no permission"
    );
    fs::remove_file(place.outside.join("models/x.py")).unwrap();
    assert_eq!(
        place.codes(false),
        ["stub::outside"],
        "a stub that is left over"
    );
    assert!(place.outside.join("models/fal/x.sql").is_file());
}

/// A file as a link out: what it leads to is current, so nothing has to be written.
#[test]
fn a_dbtignore_outside_that_is_current_is_no_error() {
    let place = Place::new();
    place.project.generate();
    fs::rename(
        place.project.root.join(".dbtignore"),
        place.outside.join("shared"),
    )
    .unwrap();
    place.link("../outside/shared", ".dbtignore");
    assert!(place.codes(false).is_empty());
}

#[test]
fn only_regular_files_are_opened() {
    let pipe = |path: &Path| {
        rustix::fs::mknodat(
            rustix::fs::CWD,
            path,
            rustix::fs::FileType::Fifo,
            0o644.into(),
            0,
        )
        .unwrap();
    };
    for name in [
        "x.yml",
        "x.yaml",
        "x.sql",
        "x.md",
        "x.py",
        "x.ipynb",
        "fal/x.sql",
    ] {
        for make in [
            &pipe as &dyn Fn(&Path),
            &|path: &Path| symlink("/dev/zero", path).unwrap(),
            &|path: &Path| {
                drop(UnixListener::bind(path).unwrap());
            },
        ] {
            let place = Place::new();
            fs::create_dir_all(place.project.root.join("models/fal")).unwrap();
            make(&place.project.root.join("models").join(name));
            assert_eq!(place.codes(false), ["project::no_regular_file"], "{name}");
        }
    }
    let place = Place::new();
    pipe(&place.project.root.join(".dbtignore"));
    assert_eq!(place.codes(false), ["project::unreadable"]);
}
