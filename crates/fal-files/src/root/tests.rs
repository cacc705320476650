use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

/// A root with links of each sort, and a folder outside of it.
struct Place {
    _all: tempfile::TempDir,
    outside: PathBuf,
    root: Root,
}

impl Place {
    fn new() -> Self {
        let all = tempfile::tempdir().unwrap();
        let (inside, outside) = (all.path().join("inside"), all.path().join("outside"));
        fs::create_dir_all(inside.join("real/deep")).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("file"), "theirs").unwrap();
        for (link, target) in [
            ("out", "../outside"),
            ("out_absolute", outside.to_str().unwrap()),
            ("real/out", "../../outside"),
            ("chain", "out"),
            ("in", "real/deep"),
            ("gone", "../nowhere"),
            ("file_out", "../outside/file"),
            ("file_in", "real/file"),
        ] {
            symlink(target, inside.join(link)).unwrap();
        }
        fs::write(inside.join("real/file"), "old").unwrap();
        Self {
            outside,
            root: Root::open(inside).unwrap(),
            _all: all,
        }
    }

    /// Checks that nothing outside was created, changed or removed.
    fn assert_untouched(&self, what: &str) {
        let names: Vec<_> = fs::read_dir(&self.outside)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["file"], "{what}");
        assert_eq!(
            fs::read(self.outside.join("file")).unwrap(),
            b"theirs",
            "{what}"
        );
        let beside = fs::read_dir(self.outside.parent().unwrap())
            .unwrap()
            .count();
        assert_eq!(beside, 2, "{what}");
    }
}

type Act = fn(&Root, &str) -> io::Result<()>;

const ACTS: [(&str, Act); 8] = [
    ("write", |root, path| root.write(path, b"new").map(drop)),
    ("write_private", |root, path| {
        root.write_private(path, b"new").map(drop)
    }),
    ("place", |root, path| {
        root.temporary(path, b"new")?.place().map(drop)
    }),
    ("create_file", |root, path| root.create_file(path).map(drop)),
    ("open_file", |root, path| root.open_file(path).map(drop)),
    ("create_folder", |root, path| root.create_folder(path)),
    ("remove_folder", |root, path| root.remove_folder(path)),
    ("rename", |root, path| {
        root.write("mine", b"new")?;
        root.rename("mine", path)
    }),
];

#[test]
fn no_act_leaves_the_root() {
    for way in [
        "out",
        "out_absolute",
        "real/out",
        "chain",
        "gone",
        "..",
        "../outside",
        "real/../../outside",
        "in/../../..",
    ] {
        for name in ["new", "file", "deep/er/new"] {
            for (act, run) in ACTS {
                let place = Place::new();
                let path = format!("{way}/{name}");
                // Removing a missing file is no error.
                let outcome = run(&place.root, &path);
                assert!(
                    outcome.is_err() || act == "remove_folder" && way == "gone",
                    "{act} {path}"
                );
                place.assert_untouched(&format!("{act} {path}"));
            }
        }
    }
}

#[test]
fn an_absolute_path_is_refused() {
    for (act, run) in ACTS {
        let place = Place::new();
        let path = place.outside.join("new");
        assert!(run(&place.root, path.to_str().unwrap()).is_err(), "{act}");
        place.assert_untouched(act);
    }
}

/// A link in the place of the file itself is replaced or refused, but never followed out of the
/// root.
#[test]
fn a_link_in_a_files_place_is_not_followed_out() {
    for link in ["out", "gone", "file_out", "chain"] {
        for (act, run) in ACTS {
            let place = Place::new();
            // Whether the call fails depends on the operation.
            let _ = run(&place.root, link);
            place.assert_untouched(&format!("{act} {link}"));
        }
    }
}

#[test]
fn links_inside_are_followed() {
    let place = Place::new();
    place.root.write("in/a/file", b"new").unwrap();
    let path = place.root.path().join("real/deep/a/file");
    assert_eq!(fs::read(&path).unwrap(), b"new");
    place.root.remove_file("in/a/file").unwrap();
    assert!(!path.exists());
    place.root.remove_file("in/a/file").unwrap();
}

#[test]
fn the_root_itself_may_be_a_link() {
    let place = Place::new();
    let root = Root::create(place.root.path().join("out")).unwrap();
    root.write("new", b"new").unwrap();
    assert_eq!(fs::read(place.outside.join("new")).unwrap(), b"new");
}

#[test]
fn a_refusal_names_path_and_root() {
    let place = Place::new();
    let error = place
        .root
        .write("out/file", b"new")
        .unwrap_err()
        .to_string();
    let expected = format!(
        "`out` leads out of {}, where nothing is written",
        place.root.path().display()
    );
    assert_eq!(error, expected);
}

#[test]
fn permissions_are_usual_or_private() {
    let place = Place::new();
    let mode = |name: &str| {
        place
            .root
            .path()
            .join(name)
            .metadata()
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    place.root.write("usual", b"").unwrap();
    place.root.write_private("private", b"").unwrap();
    fs::write(place.root.path().join("plain"), "").unwrap();
    assert_eq!(mode("usual"), mode("plain"));
    assert_eq!(mode("private"), 0o600);
}

#[test]
fn missing_ends_of_paths_stay() {
    let place = Place::new();
    let inside = place.root.path().canonicalize().unwrap();
    assert_eq!(
        real(&inside.join("in/a/b")).unwrap(),
        inside.join("real/deep/a/b")
    );
    assert_eq!(
        real(&inside.join("out/a")).unwrap(),
        place.outside.canonicalize().unwrap().join("a")
    );
    assert_eq!(
        real(&inside.join("gone/a")).unwrap(),
        inside.parent().unwrap().join("nowhere/a")
    );
    symlink("loop", inside.join("loop")).unwrap();
    assert!(real(&inside.join("loop")).is_err());
}
