//! Whether the manifest in the target folder is that of the project as it is now, so that dbt need
//! not parse it again.
//!
//! As with dbt-core's partial parsing, what a project's Jinja reads beside its files and its
//! environment (the clock, the warehouse) does not count. `DBT_PARTIAL_PARSE=false` always parses.

use std::{
    collections::HashSet,
    env,
    ffi::OsStr,
    fs, io,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

use fal_files::Root;
use fal_plugin::payload::{LoadRequest, OpenRequest};
use ignore::{DirEntry, Walk, WalkBuilder};
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};

use super::{manifest::LARGEST, settings::Settings};

/// Variables that differ between two commands in one shell, or two runs of a scheduler, and that no
/// project reads.
const OF_THE_SHELL: &[&str] = &[
    "_",
    "OLDPWD",
    "PWD",
    "SHLVL",
    "COLUMNS",
    "LINES",
    "TRACEPARENT",
    "TRACESTATE",
    "OPENLINEAGE_PARENT_ID",
    "OPENLINEAGE_ROOT_PARENT_ID",
];
/// Folders that hold no file of a project.
const FOREIGN: &[&str] = &["node_modules", "__pycache__"];
/// More files than this are not looked at: then dbt parses.
const MOST_FILES: usize = 100_000;
/// The file in the state folder.
const FILE: &str = "parsed";

/// What a parse of the project depends on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parsed {
    /// A digest of the project's files, the environment, the program and the arguments.
    project: String,
    state: PathBuf,
    /// The file that dbt writes.
    of_dbt: PathBuf,
    /// The copy of it.
    kept: PathBuf,
}

impl Parsed {
    /// Looks at the project; `None` where the user wants a full parse, or where too much there
    /// cannot be looked at.
    pub(crate) fn look(
        request: &OpenRequest,
        settings: &Settings,
        program: &Path,
        load: &LoadRequest,
    ) -> Option<Self> {
        if env::var("DBT_PARTIAL_PARSE").is_ok_and(|value| {
            matches!(
                &*value.to_lowercase(),
                "0" | "false" | "f" | "no" | "n" | "off"
            )
        }) {
            return None;
        }
        let mut digest = Sha256::new();
        let mut add = |bytes: &[u8]| {
            digest.update((bytes.len() as u64).to_le_bytes());
            digest.update(bytes);
        };
        add(env!("CARGO_PKG_VERSION").as_bytes());
        add(stamp(&fs::canonicalize(program).ok()?).ok()?.as_bytes());
        let given = serde_json::json!([
            request.project_dir,
            request.profiles_dir,
            request.profile,
            request.target,
            request.target_path,
            request.vars,
            settings.output,
        ]);
        add(given.to_string().as_bytes());
        let mut variables: Vec<_> = env::vars_os()
            .filter(|(name, _)| !OF_THE_SHELL.iter().any(|shell| name == OsStr::new(shell)))
            .collect();
        variables.sort();
        for (name, value) in variables {
            add(name.as_bytes());
            add(value.as_bytes());
        }
        let project = Path::new(&request.project_dir);
        // dbt reads their stubs only.
        let scripts = load
            .python_models
            .iter()
            .filter(|model| model.stub_path.is_some());
        let scripts: HashSet<PathBuf> = scripts.map(|model| project.join(&model.path)).collect();
        let files = files(project, Path::new(&settings.target_path)).ok()?;
        for (path, stamp) in files
            .into_iter()
            .filter(|(path, _)| !scripts.contains(path))
        {
            add(path.as_os_str().as_bytes());
            add(stamp.as_bytes());
        }
        Some(Self {
            project: hex::encode(digest.finalize()),
            state: PathBuf::from(&request.state_dir),
            of_dbt: settings.manifest(),
            kept: settings.kept_manifest(),
        })
    }

    /// Returns what was recorded with the manifest, if it is of this state of the project: the
    /// version of the adapter.
    pub(crate) fn current(&self) -> Option<String> {
        let known = fal_files::read_text(&self.state.join(FILE), 4096).ok()?;
        let (state, version) = known.split_once("\n\n")?;
        (state == self.record().ok()?).then(|| version.to_owned())
    }

    /// Keeps the manifest, which dbt has just written anew, and records it.
    pub(crate) fn keep(&self, adapter_version: &str) {
        // The one that was kept is of the same project.
        if self.keep_whole().is_ok() {
            self.write_record(adapter_version);
        }
    }

    /// Refuses half a manifest, of a call of dbt that died.
    fn keep_whole(&self) -> io::Result<()> {
        let bytes = fal_files::read(&self.of_dbt, LARGEST)?;
        serde_json::from_slice::<IgnoredAny>(&bytes)?;
        write_kept(&self.kept, &bytes)
    }

    /// Records that the kept manifest is of this state of the project.
    pub(crate) fn write_record(&self, adapter_version: &str) {
        // Without the record dbt parses again.
        let _ = self.record().and_then(|record| {
            let content = format!("{record}\n\n{adapter_version}");
            Root::open(&self.state)?.write(FILE, content.as_bytes())
        });
    }

    fn record(&self) -> io::Result<String> {
        Ok(format!("{}\n{}", self.project, stamp(&self.kept)?))
    }
}

/// Writes the copy of a manifest that dbt has written. Whatever reads it reads the copy: each call of
/// dbt writes its file anew, in place, and the host shows Python models there.
pub(crate) fn write_kept(kept: &Path, manifest: &[u8]) -> io::Result<()> {
    let folder = kept.parent().unwrap_or(kept);
    Root::create(folder)?.write(kept.file_name().unwrap_or_default(), manifest)?;
    Ok(())
}

/// Returns the files that a parse may read, with what changes when they change.
fn files(project: &Path, target: &Path) -> io::Result<Vec<(PathBuf, String)>> {
    let mut found = Vec::new();
    for entry in walk(project, target) {
        let entry = entry.map_err(io::Error::other)?;
        if entry.file_type().is_some_and(|kind| kind.is_dir()) || !is_read_by_dbt(entry.path()) {
            continue;
        }
        if found.len() == MOST_FILES {
            return Err(io::Error::other("too many files"));
        }
        found.push((entry.path().to_owned(), stamp(entry.path())?));
    }
    found.sort();
    Ok(found)
}

/// Walks through a project, without folders that are none of its parts: the target folder, hidden
/// folders, virtual environments.
pub(super) fn walk(project: &Path, target: &Path) -> Walk {
    let target = target.to_owned();
    WalkBuilder::new(project)
        .standard_filters(false)
        .follow_links(true)
        .filter_entry(move |entry| !is_foreign_folder(entry, &target))
        .build()
}

fn is_foreign_folder(entry: &DirEntry, target: &Path) -> bool {
    let name = entry.file_name().to_string_lossy();
    let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
    let is_foreign = || {
        name.starts_with('.')
            || FOREIGN.contains(&&*name)
            || (name == "logs" && entry.depth() == 1)
            || entry.path() == target
            || entry.path().join("pyvenv.cfg").exists()
    };
    entry.depth() > 0 && is_folder && is_foreign()
}

fn is_read_by_dbt(path: &Path) -> bool {
    let known = ["sql", "py", "yml", "yaml", "md", "csv"];
    let is_known = path
        .extension()
        .is_some_and(|end| known.iter().any(|known| end.eq_ignore_ascii_case(known)));
    is_known || path.file_name() == Some(OsStr::new(".dbtignore"))
}

fn stamp(path: &Path) -> io::Result<String> {
    let meta = fs::metadata(path)?;
    Ok(format!(
        "{} {} {} {}.{:09} {}.{:09}",
        meta.dev(),
        meta.ino(),
        meta.size(),
        meta.mtime(),
        meta.mtime_nsec(),
        meta.ctime(),
        meta.ctime_nsec()
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A project that was parsed, with what its parse depended on.
    struct Fixture(tempfile::TempDir);

    impl Fixture {
        fn new() -> Self {
            let fixture = Self(tempfile::tempdir().unwrap());
            fixture.write("profiles.yml", "p: {outputs: {default: {type: duckdb}}}");
            fixture.write("project/dbt_project.yml", "name: p\nprofile: p\n");
            fixture.write("project/models/a.sql", "select 1");
            fixture.write("project/target/manifest.json", "{}");
            fixture.write("dbt", "");
            fixture.write("state/x", "");
            fixture
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn look(&self, vars: serde_json::Value) -> Parsed {
            let path = |name: &str| self.0.path().join(name).display().to_string();
            let request = json!({
                "project_dir": path("project"), "profiles_dir": path(""), "command": "run", "execute": true,
                "state_dir": path("state"), "vars": vars,
            });
            let request: OpenRequest = serde_json::from_value(request).unwrap();
            let settings = Settings::read(&request).unwrap();
            let load = json!({ "python_models": [
                { "name": "s", "path": "models/script.py", "stub_path": "models/fal/script.sql" },
                { "name": "n", "path": "models/native.py" },
            ]});
            let load: LoadRequest = serde_json::from_value(load).unwrap();
            Parsed::look(&request, &settings, Path::new(&path("dbt")), &load).unwrap()
        }

        fn is_current(&self) -> bool {
            self.look(json!({})).current().is_some()
        }
    }

    #[test]
    fn an_unchanged_project_is_current() {
        let fixture = Fixture::new();
        assert!(!fixture.is_current());
        fixture.look(json!({})).keep("1.2");
        assert_eq!(fixture.look(json!({})).current().as_deref(), Some("1.2"));
        // A call of dbt for the same project wrote the manifest anew.
        fixture.write("project/target/manifest.json", "{\"x\": 1}");
        fixture.look(json!({})).keep("1.2");
        assert_eq!(fixture.look(json!({})).current().as_deref(), Some("1.2"));
    }

    #[test]
    fn half_a_manifest_is_not_kept() {
        let fixture = Fixture::new();
        fixture.look(json!({})).keep("1.2");
        fixture.write("project/target/manifest.json", "{\"nodes\"");
        fixture.look(json!({})).keep("1.3");
        assert_eq!(fixture.look(json!({})).current().as_deref(), Some("1.2"));
        let kept = fixture
            .0
            .path()
            .join("project/target/fal/dbt/manifest.json");
        assert_eq!(fs::read_to_string(kept).unwrap(), "{}");
    }

    #[test]
    fn files_that_are_no_part_of_the_project_do_not_count() {
        let fixture = Fixture::new();
        fixture.look(json!({})).keep("");
        for path in [
            "target/run/a.sql",
            "logs/x.md",
            ".git/x.yml",
            "venv/pyvenv.cfg",
            "venv/x.py",
            "shop.duckdb",
            "models/script.py",
            "models/notebook.ipynb",
            // The host or another dbt wrote it.
            "target/manifest.json",
        ] {
            fixture.write(&format!("project/{path}"), "x");
        }
        assert!(fixture.is_current());
    }

    #[test]
    fn whatever_a_parse_may_read_counts() {
        let changes: [(&str, &str); 8] = [
            ("project/models/native.py", "x"),
            ("project/models/a.sql", "select 2"),
            ("project/models/new.sql", "select 1"),
            ("project/models/schema.yml", "models: []"),
            ("project/dbt_packages/other/models/b.sql", "select 1"),
            (
                "profiles.yml",
                "p: {outputs: {default: {type: duckdb, schema: s}}}",
            ),
            ("dbt", "another"),
            ("project/target/fal/dbt/manifest.json", "{\"x\": 1}"),
        ];
        for (path, text) in changes {
            let fixture = Fixture::new();
            fixture.look(json!({})).keep("");
            assert!(fixture.is_current());
            fixture.write(path, text);
            assert!(!fixture.is_current(), "{path}");
        }
        let fixture = Fixture::new();
        fixture.look(json!({})).keep("");
        assert_eq!(fixture.look(json!({ "x": 1 })).current(), None);
        fs::remove_file(fixture.0.path().join("project/models/a.sql")).unwrap();
        assert!(!fixture.is_current());
    }
}
