//! Runs a small project with a faulty plugin, and checks what must hold however the run ends.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
    time::Duration,
};

use fal_e2e::{Ended, Project, Running, foreign_plugin};
use rustix::process::Signal;
use serde_json::Value;

use super::case::{Case, Role, Way};

/// Time-out, in seconds, of calls that do not come back.
const SHORT: f64 = 0.7;
/// Time-out of calls that return or are interrupted.
const LONG: f64 = 60.0;
/// The time that a loaded machine may need beyond the time-out.
const MARGIN: Duration = Duration::from_secs(40);

const NOTEBOOK: &str = r##"{"cells": [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": null,
    "source": "# needs b\nwrite_to_model(ref('b'))"}], "metadata": {}, "nbformat": 4, "nbformat_minor": 2}"##;
const OLD_STUB: &str = "-- acme\nselect 'old'\n-- end\n";

/// Runs the case and checks the result; returns whether the fault was reached, and how long the run
/// took.
pub(crate) fn run(case: &Case) -> (bool, Duration) {
    let trial = Trial::new(case);
    let ended = trial.run();
    let met = trial.marks.path().join("met").is_file();
    trial.check(&ended, met);
    (met, ended.took)
}

struct Trial<'a> {
    case: &'a Case,
    project: Project,
    files: Vec<(String, String)>,
    marks: tempfile::TempDir,
}

impl<'a> Trial<'a> {
    fn new(case: &'a Case) -> Self {
        let project = Project::bare();
        let mut files = vec![
            ("models/a.py".to_owned(), "write_to_model(1)\n".to_owned()),
            (
                "models/b.py".to_owned(),
                "# needs a\nwrite_to_model(ref('a'))\n".to_owned(),
            ),
            (
                "models/user.sql".to_owned(),
                "select 1 as mine\n".to_owned(),
            ),
            (
                "models/acme/user_too.sql".to_owned(),
                "select 2 as mine\n".to_owned(),
            ),
            ("models/notes.md".to_owned(), "mine\n".to_owned()),
        ];
        files.push(match case.stage() {
            "notebook-parser" => (
                "models/c.pynb".to_owned(),
                "# needs b\nwrite_to_model(ref('b'))\n".to_owned(),
            ),
            _ => ("models/c.ipynb".to_owned(), NOTEBOOK.to_owned()),
        });
        if case.method == "record" {
            files.push((
                "models/fails.py".to_owned(),
                "write_to_model(1)\n".to_owned(),
            ));
            files.push((
                "models/below.py".to_owned(),
                "# needs fails\nwrite_to_model(ref('fails'))\n".to_owned(),
            ));
        }
        if case.method == "select" {
            files.push(("before/manifest.json".to_owned(), "{}".to_owned()));
        }
        let (faulty_runs, other_runs) = (case.role == Role::Runner, case.role == Role::Owner);
        let (library, program) = if case.way == Way::Program {
            (other_runs, faulty_runs)
        } else {
            (faulty_runs, other_runs)
        };
        let limit = if case.hangs() && !case.interrupted {
            SHORT
        } else {
            LONG
        };
        let isolate = if case.way == Way::Isolated {
            "[acme-faults]"
        } else {
            "[]"
        };
        files.push((
            "fal_project.yml".to_owned(),
            format!(
                "plugins:\n  timeout: {limit}\n  session_timeout: {limit}\n  isolate: {isolate}\n  config:\n    \
                 acme-faults: {{runner: {library}}}\n    acme-program: {{runner: {program}}}\n"
            ),
        ));
        for (path, content) in &files {
            project.write(path, content);
        }
        if case.method == "judge" {
            project.write("models/acme/a.sql", OLD_STUB);
        }
        Self {
            case,
            project,
            files,
            marks: tempfile::tempdir().unwrap(),
        }
    }

    fn command(&self) -> Command {
        let case = self.case;
        let (faulty, other) = match case.way {
            Way::Program => (program(), foreign_plugin("acme-faults")),
            _ => (foreign_plugin("acme-faults"), program()),
        };
        let mut words = vec!["run".to_owned()];
        match case.role {
            Role::Stage("execution-backend") => words.push(plugin("execution-backend", &faulty)),
            Role::Stage(stage) => {
                words.extend([plugin(stage, &faulty), plugin("execution-backend", &faulty)])
            }
            Role::Owner => words.extend([
                plugin("execution-backend", &faulty),
                format!("--runner={}", other.display()),
            ]),
            Role::Runner => words.extend([
                plugin("execution-backend", &other),
                format!("--runner={}", faulty.display()),
            ]),
        }
        if case.method == "select" {
            words.extend([
                "--select".to_owned(),
                "state:modified".to_owned(),
                "--state=before".to_owned(),
            ]);
        }
        let mut command = self
            .project
            .host(&words.iter().map(String::as_str).collect::<Vec<_>>());
        let variable = if case.way == Way::Program {
            "ACME_PROGRAM_FAULT"
        } else {
            "ACME_FAULT"
        };
        let stage = if ["hello", "goodbye"].contains(&case.method) {
            "plugin"
        } else {
            case.stage()
        };
        command.env(
            variable,
            format!("{stage} {} {} {}", case.method, case.count, case.fault),
        );
        command.env("ACME_FIRED", self.marks.path().join("met"));
        if self.is_interrupted_in_a_node() {
            command.env("ACME_WAITS", self.marks.path().join("waits"));
        }
        command
    }

    /// These are called at the end of nodes that were interrupted.
    fn is_interrupted_in_a_node(&self) -> bool {
        self.case.interrupted && ["cancel", "close", "drop"].contains(&self.case.method)
    }

    fn run(&self) -> Ended {
        let mut running = self.project.spawn(self.command());
        if self.case.interrupted {
            let mark = self.marks.path().join(if self.is_interrupted_in_a_node() {
                "waits"
            } else {
                "met"
            });
            self.interrupt(&mut running, &mark);
        }
        running.wait()
    }

    fn interrupt(&self, running: &mut Running, mark: &Path) {
        running.wait_until("the moment has come", || mark.is_file().then_some(()));
        running.signal_group(Signal::INT);
    }

    fn check(&self, ended: &Ended, met: bool) {
        let (case, project) = (self.case, &self.project);
        let code = ended.code();
        assert!(
            [0, 1, 2].contains(&code) || (case.interrupted && code == 130),
            "exit code {code}\n{ended}"
        );
        for word in [
            "panicked at crates/",
            "panicked at plugins/",
            "RUST_BACKTRACE",
            "main' panicked",
        ] {
            ended.never_says(word);
        }
        let limit = Duration::from_secs_f64(if case.hangs() && !case.interrupted {
            SHORT
        } else {
            5.0
        });
        assert!(ended.took < limit + MARGIN, "it took too long\n{ended}");
        if code == 2 {
            let named = ended.stderr.lines().any(|line| line.starts_with("error:"))
                && ended.stderr.contains("acme");
            // What it wants to write over is named where a file is at fault.
            let named = named
                || ended
                    .stderr
                    .contains("models/acme/user_too.sql: this file is in the place");
            assert!(named, "the error does not name the plugin\n{ended}");
        }
        let usual = match case.method {
            "record" => 1,
            _ if case.interrupted => 130,
            _ => 0,
        };
        if case.is_harmless() || !met {
            assert_eq!(code, usual, "nothing was wrong\n{ended}");
        }
        if code < 2 {
            self.check_finished(ended, code == 1);
        }
        self.check_files(ended);
        let left = project.survivors(Duration::from_secs(5));
        assert!(left.is_empty(), "processes are left: {left:#?}\n{ended}");
    }

    fn check_finished(&self, ended: &Ended, some_failed: bool) {
        let results = self.project.json("target/run_results.json");
        let results = results["results"]
            .as_array()
            .unwrap_or_else(|| panic!("no results\n{ended}"));
        let bad: Vec<&Value> = results
            .iter()
            .filter(|result| result["status"] != "success")
            .collect();
        assert_eq!(
            !bad.is_empty(),
            some_failed,
            "the results say otherwise: {results:?}\n{ended}"
        );
        let expected = if self.case.method == "record" { 5 } else { 3 };
        // Unknown nodes count as not selected.
        let selects_nothing =
            self.case.method == "select" && self.case.fault == "answers about another node";
        assert!(
            results.len() == expected || (selects_nothing && results.is_empty()),
            "{results:?}\n{ended}"
        );
    }

    /// The user's files are unchanged and no file is half-written.
    fn check_files(&self, ended: &Ended) {
        for (path, content) in &self.files {
            assert_eq!(
                &self.project.read(path),
                content,
                "{path} was changed\n{ended}"
            );
        }
        for path in files(&self.project.root()) {
            let name = path
                .strip_prefix(self.project.root())
                .unwrap()
                .to_string_lossy()
                .into_owned();
            let known = self.files.iter().any(|(known, _)| *known == name);
            let ours = ["dbt_project.yml", "profiles.yml", ".dbtignore"].contains(&name.as_str())
                || name.starts_with("target/")
                || name.starts_with("logs/");
            let content = || fs::read_to_string(&path).unwrap();
            let stub = (name.starts_with("models/acme/") && content().ends_with("-- end\n"))
                || (name.starts_with("models/fal/") && content().ends_with('\n'));
            assert!(
                known || ours || (stub && name.ends_with(".sql")),
                "{name} is left\n{ended}"
            );
        }
    }
}

fn plugin(stage: &str, path: &Path) -> String {
    format!("--plugin={stage}={}", path.display())
}

/// The program, in a folder that all cases share.
pub(crate) fn program() -> PathBuf {
    static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme-program.fal-plugin");
        // Isolated and without packages, which starts fastest.
        let python =
            env::var("FAL_TEST_PYTHON").unwrap_or_else(|_| "/usr/bin/env -S python3".to_owned());
        fs::write(
            &path,
            format!("#!{python} -IS\n{}", include_str!("acme_program.py")),
        )
        .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        folder
    });
    FOLDER.path().join("acme-program.fal-plugin")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}
