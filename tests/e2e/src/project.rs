//! A dbt project in a temporary folder, and the host run over it.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    built::{host, shared_folder, workspace},
    ended::Ended,
    processes::{self, MARK, survivors},
    python::{dbt_python, python},
    running::Running,
    tree::{Tree, tree},
    warehouse::{Database, PROFILE, Warehouse},
};

/// A command's arguments: a line, which is split into words as in a shell, or the words.
pub trait Args {
    /// The words.
    fn words(&self) -> Vec<String>;
}

impl Args for &str {
    fn words(&self) -> Vec<String> {
        shlex::split(self).unwrap_or_else(|| panic!("an open quote: {self}"))
    }
}

impl Args for String {
    fn words(&self) -> Vec<String> {
        self.as_str().words()
    }
}

impl Args for &[&str] {
    fn words(&self) -> Vec<String> {
        self.iter().copied().map(str::to_owned).collect()
    }
}

impl<const N: usize> Args for &[&str; N] {
    fn words(&self) -> Vec<String> {
        self.as_slice().words()
    }
}

impl Args for &Vec<&str> {
    fn words(&self) -> Vec<String> {
        self.as_slice().words()
    }
}

/// A copy of a fixture project. The user's home is a folder beside it.
pub struct Project {
    folder: TempDir,
    mark: String,
    warehouse: Warehouse,
}

impl Project {
    /// A copy of `tests/projects/NAME`.
    pub fn copy_of(name: &str) -> Self {
        Self::copy_of_folder(&Path::new("tests/projects").join(name))
    }

    /// A copy of a project of this repository, without the files of earlier runs.
    pub fn copy_of_folder(relative: &Path) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let folder =
            tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        let mark = format!(
            "{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let project = Self {
            folder,
            mark,
            warehouse: Warehouse::default(),
        };
        fs::create_dir_all(project.home()).unwrap_or_else(|error| panic!("home: {error}"));
        copy(&workspace().join(relative), &project.root());
        project
    }

    /// The same project with a new database on the tests' PostgreSQL server, which its profile
    /// finds by the
    /// variables of libpq. A profile without a PostgreSQL database is replaced.
    pub fn on_postgres(mut self) -> Self {
        self.warehouse = Warehouse::Postgres(Database::create());
        if !self.read("profiles.yml").contains("postgres") {
            self.write("profiles.yml", PROFILE);
        }
        self
    }

    /// One with a name, a DuckDB profile and no models.
    pub fn bare() -> Self {
        Self::copy_of("bare")
    }

    /// Its folder.
    pub fn root(&self) -> PathBuf {
        let folder = self
            .folder
            .path()
            .canonicalize()
            .unwrap_or_else(|error| panic!("temporary folder: {error}"));
        folder.join("project")
    }

    /// The user's home folder.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// A path below it.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root().join(relative)
    }

    /// Writes a file.
    pub fn write(&self, relative: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path(relative);
        let folder = path.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        fs::write(&path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        self
    }

    /// Reads a file.
    #[track_caller]
    pub fn read(&self, relative: &str) -> String {
        let path = self.path(relative);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// A JSON file.
    #[track_caller]
    pub fn json(&self, relative: &str) -> Value {
        serde_json::from_str(&self.read(relative))
            .unwrap_or_else(|error| panic!("{relative}: {error}"))
    }

    /// Removes a file.
    pub fn remove(&self, relative: &str) -> &Self {
        let path = self.path(relative);
        fs::remove_file(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        self
    }

    /// Whether there is such a file.
    pub fn has(&self, relative: &str) -> bool {
        self.path(relative).symlink_metadata().is_ok()
    }

    /// Every file and folder of it.
    pub fn tree(&self) -> Tree {
        tree(&self.root())
    }

    /// `fal-host ARGS` in the project's folder, with a clean environment.
    pub fn host(&self, args: impl Args) -> Command {
        let mut command = Command::new(host());
        command.args(args.words()).current_dir(self.root());
        self.prepare(&mut command);
        command.env("TZ", "UTC").env("NO_COLOR", "1");
        // The backend unpacks its Python files there, once for all tests.
        command.env("XDG_CACHE_HOME", shared_folder().join("cache"));
        command
    }

    /// A command of the documentation in bash, in the folder of the project, with `fal-host` on the
    /// path and cargo as
    /// it is on this machine.
    pub fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("bash");
        command.args(["-c", script]).current_dir(self.root());
        let home = env::home_dir().unwrap_or_default();
        let of_rust = |name: &str, folder: &str| {
            env::var_os(name).map_or_else(|| home.join(folder), PathBuf::from)
        };
        let rust = [
            ("CARGO_HOME", of_rust("CARGO_HOME", ".cargo")),
            ("RUSTUP_HOME", of_rust("RUSTUP_HOME", ".rustup")),
        ];
        self.prepare(&mut command);
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = host()
            .parent()
            .map(Path::to_owned)
            .into_iter()
            .chain(env::split_paths(&path));
        let path = env::join_paths(folders).unwrap_or_else(|error| panic!("PATH: {error}"));
        command
            .env("PATH", path)
            .envs(rust)
            .env("TZ", "UTC")
            .env("NO_COLOR", "1");
        command
            .env("FAL_HOST_PYTHON", dbt_python())
            .env("XDG_CACHE_HOME", shared_folder().join("cache"));
        command
    }

    /// `fal-host ARGS` with the Python that has dbt.
    pub fn host_with_dbt(&self, args: impl Args) -> Command {
        let mut command = self.host(args);
        command.env("FAL_HOST_PYTHON", dbt_python());
        command
    }

    /// Runs `fal-host ARGS`, without dbt.
    pub fn run_host(&self, args: impl Args) -> Ended {
        self.finish(self.host(args))
    }

    /// Runs `fal-host ARGS` with dbt.
    pub fn run(&self, args: impl Args) -> Ended {
        self.finish(self.host_with_dbt(args))
    }

    /// Starts `fal-host ARGS` with dbt.
    pub fn start(&self, args: impl Args) -> Running {
        self.spawn(self.host_with_dbt(args))
    }

    /// Starts a command over this project.
    pub fn spawn(&self, command: Command) -> Running {
        Running::start(command, &self.mark, self.root())
    }

    /// Runs a command over this project to its end.
    pub fn finish(&self, command: Command) -> Ended {
        self.spawn(command).wait()
    }

    /// Runs plain `dbt ARGS` on it.
    pub fn dbt(&self, args: impl Args) -> Ended {
        let mut command = Command::new(dbt_python());
        command
            .args(["-c", "from dbt.cli.main import cli; cli()"])
            .args(args.words())
            .args(["--no-use-colors"]);
        self.prepare(command.current_dir(self.root()));
        self.finish(command)
    }

    /// Marks a command and clears the machine's settings from its environment.
    fn prepare(&self, command: &mut Command) {
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if [
                "FAL_",
                "DBT_",
                "PYTHON",
                "XDG_",
                "VIRTUAL_ENV",
                "CARGO",
                "GITHUB_",
            ]
            .iter()
            .any(|prefix| text.starts_with(prefix))
            {
                command.env_remove(&name);
            }
        }
        command
            .env(MARK, &self.mark)
            .env("HOME", self.home())
            .env("DBT_SEND_ANONYMOUS_USAGE_STATS", "false");
        if let Warehouse::Postgres(database) = &self.warehouse {
            command.envs(database.variables());
        }
    }

    /// Rows of a query in its database, as JSON lists; values that JSON lacks as text.
    #[track_caller]
    pub fn query(&self, sql: &str) -> Value {
        self.warehouse.query(&self.root(), sql)
    }

    /// The differences between tables (`SCHEMA.TABLE`) of this project's database and of another's.
    #[track_caller]
    pub fn differences(&self, other: &Self, tables: impl Args) -> Value {
        let addresses = [self, other].map(|project| project.warehouse.address(&project.root()));
        let words = [addresses.to_vec(), tables.words()].concat();
        let args: Vec<&str> = words.iter().map(String::as_str).collect();
        python(include_str!("python/differences.py"), &args)
    }

    /// `NAME status` of each result in run_results.json, sorted.
    #[track_caller]
    pub fn results(&self) -> Vec<String> {
        let results = self.json("target/run_results.json");
        let line = |result: &Value| {
            let id = result["unique_id"].as_str()?;
            let name = id.splitn(3, '.').last()?;
            Some(format!("{name} {}", result["status"].as_str()?))
        };
        let lines = results["results"].as_array().into_iter().flatten();
        let lines: Option<Vec<_>> = lines.map(line).collect();
        let mut lines = lines.unwrap_or_else(|| panic!("{results:#}"));
        lines.sort();
        lines
    }

    /// `STATUS: NAME NAME; STATUS: NAME`, both sorted, of the results in run_results.json. Names of
    /// tests come without the hash at their end.
    #[track_caller]
    pub fn statuses(&self) -> String {
        let mut names = BTreeMap::<String, Vec<String>>::new();
        for line in self.results() {
            let (name, status) = line.split_once(' ').unwrap_or((&line, ""));
            let others = names.entry(status.to_owned()).or_default();
            others.push(without_hash(name).to_owned());
        }
        let groups = names.iter();
        let groups = groups.map(|(status, names)| format!("{status}: {}", names.join(" ")));
        groups.collect::<Vec<_>>().join("; ")
    }

    /// The same, after a check that dbt's own loader, which takes as long as a run, reads the file.
    #[track_caller]
    pub fn statuses_for_dbt(&self) -> String {
        let path = self.path("target/run_results.json").display().to_string();
        let read = python(include_str!("python/run_results.py"), &[&path]);
        assert_eq!(read, json!(self.results()), "dbt reads other results");
        self.statuses()
    }

    /// The message of a model in run_results.json, without the marks below a line that differ between Pythons.
    #[track_caller]
    pub fn message(&self, model: &str) -> String {
        let results = self.json("target/run_results.json");
        let mut results = results["results"].as_array().into_iter().flatten();
        let wanted = format!("model.shop.{model}");
        let result = results.find(|result| result["unique_id"] == wanted.as_str());
        let message = result
            .and_then(|result| result["message"].as_str())
            .unwrap_or_else(|| panic!("no {model}"));
        let marks =
            |line: &&str| line.is_empty() || line.contains(|char| !matches!(char, ' ' | '^' | '~'));
        message.lines().filter(marks).collect::<Vec<_>>().join("\n")
    }

    /// Fails if a process of a run is left.
    #[track_caller]
    pub fn nothing_is_left(&self) {
        let left = survivors(&self.mark, &self.root(), Duration::from_secs(2));
        assert!(left.is_empty(), "processes are left: {left:#?}");
    }

    /// Processes of a run that are left after `grace`.
    pub fn survivors(&self, grace: Duration) -> Vec<String> {
        survivors(&self.mark, &self.root(), grace)
    }
}

fn without_hash(name: &str) -> &str {
    let is_hash = |end: &str| end.len() == 10 && end.bytes().all(|byte| byte.is_ascii_hexdigit());
    match name.rsplit_once('.') {
        Some((start, end)) if is_hash(end) => start,
        _ => name,
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        processes::sweep(&self.mark, self.folder.path());
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap_or_else(|error| panic!("{}: {error}", to.display()));
    let entries = fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    for entry in entries.flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        let left_by_runs = path
            .extension()
            .is_some_and(|extension| extension == "duckdb" || extension == "wal")
            || ["target", "logs"]
                .iter()
                .any(|left| entry.file_name() == *left);
        if left_by_runs {
            continue;
        }
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }
}
