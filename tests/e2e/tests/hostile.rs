//! Hostile and damaged projects: whatever they contain, each command ends in time and
//! memory, changes nothing outside of the project, and prints no terminal escapes.
//!
//! A model's code may do what it likes to itself; here it tries to end the run.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::{Path, PathBuf},
    process::Command,
};

use fal_e2e::{Project, Tree, dbt_python, tree};
use serde_json::Value;

const SECONDS: f64 = 60.0;
const KIB: u64 = 1 << 20;
const COMMANDS: [&str; 4] = ["generate", "check", "ls", "run"];

/// A project and the files beside it.
struct Place {
    project: Project,
}

impl Place {
    /// A project with a SQL model and a Python model, and a neighbour with files that are worth attacking.
    fn new() -> Self {
        let place = Self {
            project: Project::bare(),
        };
        place
            .project
            .write("models/ok.sql", "select 1 as id")
            .write("models/py.py", "write_to_model(ref('ok'))\n");
        let outside = place.outside();
        fs::create_dir_all(outside.join("models/fal")).unwrap();
        fs::write(outside.join(".bashrc"), "# mine\n").unwrap();
        fs::write(
            outside.join("models/theirs.py"),
            "write_to_model(ref('ok'))\n",
        )
        .unwrap();
        place
    }

    fn outside(&self) -> PathBuf {
        self.project.root().with_file_name("outside")
    }

    fn write(&self, name: impl AsRef<OsStr>, content: impl AsRef<[u8]>) {
        let path = self.project.root().join(name.as_ref());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Puts a link at `name`, replacing an existing file.
    fn link(&self, name: &str, to: impl AsRef<Path>) {
        let path = self.project.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if path.is_dir() {
            fs::remove_dir_all(&path).unwrap();
        } else {
            // There may be none.
            let _ = fs::remove_file(&path);
        }
        symlink(to, path).unwrap();
    }

    fn fifo(&self, name: &str) {
        let path = self.project.path(name);
        // There may be none.
        let _ = fs::remove_file(&path);
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    }

    /// A sparse file of this size.
    fn sparse(&self, name: &str, size: u64) {
        fs::File::create(self.project.path(name))
            .unwrap()
            .set_len(size)
            .unwrap();
    }

    fn sql(&self, name: &str) -> PathBuf {
        self.outside().join(name)
    }

    /// Everything beside the project: neither the project itself nor the caches of its user.
    fn surroundings(&self) -> Tree {
        let mut all = tree(&self.outside());
        all.extend(
            tree(&self.project.home())
                .into_iter()
                .filter(|(path, _)| !path.starts_with(".cache")),
        );
        // Its own time changes with what the tests put there.
        all.remove(Path::new(""));
        all
    }

    fn run(&self, command: &str) -> Value {
        let host = self.project.host_with_dbt(&[command]);
        let mut measured = Command::new(dbt_python());
        measured
            .arg("-c")
            .arg(include_str!("../src/python/measured.py"))
            .arg(SECONDS.to_string());
        measured
            .arg(host.get_program())
            .args(host.get_args())
            .current_dir(self.project.root());
        for (name, value) in host.get_envs() {
            match value {
                Some(value) => measured.env(name, value),
                None => measured.env_remove(name),
            };
        }
        let output = measured.output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }
}

/// The problem with how a command ended, if there is one.
fn complaint(end: &Value) -> Option<String> {
    match end["code"].as_i64() {
        None => return Some(format!("it does not end within {SECONDS} s")),
        Some(0 | 1 | 2 | 130) => {}
        Some(code) => return Some(format!("exit code {code}")),
    }
    let kib = end["kib"].as_u64().unwrap();
    if kib > KIB {
        return Some(format!("{} MiB of memory", kib >> 10));
    }
    let obeyed = |char: &char| {
        (char.is_control() && !matches!(char, '\n' | '\t'))
            || matches!(char, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let raw = ["stdout", "stderr"]
        .iter()
        .find_map(|name| end[*name].as_str().unwrap().chars().find(obeyed));
    raw.map(|char| format!("it prints {char:?}"))
}

/// Its name, and what it puts into a project.
type Case = (&'static str, fn(&Place));

fn try_all(cases: &[Case]) {
    let mut complaints = Vec::new();
    for (name, make) in cases {
        let place = Place::new();
        make(&place);
        let before = place.surroundings();
        for command in COMMANDS {
            let end = place.run(command);
            let changed = place.surroundings() != before;
            let found = complaint(&end)
                .or_else(|| changed.then(|| "something outside of the project changed".to_owned()));
            if let Some(found) = found {
                let tail = |name: &str| {
                    end[name]
                        .as_str()
                        .unwrap()
                        .chars()
                        .take(1500)
                        .collect::<String>()
                };
                complaints.push(format!(
                    "{name}: {command}: {found}\n{}\n{}",
                    tail("stdout"),
                    tail("stderr")
                ));
            }
        }
        place.project.nothing_is_left();
    }
    assert!(
        complaints.is_empty(),
        "{} complaints\n\n{}",
        complaints.len(),
        complaints.join("\n\n")
    );
}

const ESCAPE: &str = "\u{1b}]0;PWN\u{7}\u{1b}[31m";

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn links() {
    try_all(&[
        ("dbtignore links out", |place| {
            place.link(".dbtignore", place.outside().join(".bashrc"));
            place.write("models/x;touch PWNED;.py", "write_to_model(ref('ok'))\n");
        }),
        ("dbtignore links to a file that is not there", |place| {
            place.link(".dbtignore", "../outside/new")
        }),
        ("dbtignore links to a device", |place| {
            place.link(".dbtignore", "/dev/zero")
        }),
        ("dbtignore links to itself", |place| {
            place.link(".dbtignore", ".dbtignore")
        }),
        ("models link out", |place| {
            place.link("models", "../outside/models")
        }),
        ("the stubs' folder links out", |place| {
            place.link("models/fal", "../outside/models/fal")
        }),
        ("a stub links out", |place| {
            place.link("models/fal/py.sql", "../../../outside/.bashrc")
        }),
        ("a stub links to a file that is not there", |place| {
            place.link("models/fal/py.sql", "../../../outside/new")
        }),
        ("target/fal links out", |place| {
            place.link("target/fal", place.sql("models"))
        }),
        ("events link out", |place| {
            place.link("target/fal/events.jsonl", place.sql(".bashrc"))
        }),
        ("everything in target/fal links out", |place| {
            for name in [
                "durations.json",
                "cache",
                "state",
                "run.json",
                "analysis",
                "manifest.json",
                "last_run.json",
            ] {
                place.link(&format!("target/fal/{name}"), place.sql(".bashrc"));
            }
        }),
        ("fal_project.yml links to a device", |place| {
            place.link("fal_project.yml", "/dev/zero")
        }),
        ("a schema file links to a device", |place| {
            place.link("models/z.yml", "/dev/zero")
        }),
        ("a notebook links to a device", |place| {
            place.link("models/z.ipynb", "/dev/zero")
        }),
        ("a Python file links to a device", |place| {
            place.link("models/z.py", "/dev/zero")
        }),
        ("a folder of models links to its parent", |place| {
            place.link("models/again", "..")
        }),
        ("a Python file links to /etc/passwd", |place| {
            place.link("models/z.py", "/etc/passwd")
        }),
        ("profiles link to a device", |place| {
            place.link("profiles.yml", "/dev/zero")
        }),
        ("model-paths outside", |place| {
            place.write(
                "dbt_project.yml",
                project_with("model-paths: [models, ../outside/models]"),
            );
        }),
        ("absolute model-paths outside", |place| {
            let path = place.outside().join("models");
            place.write(
                "dbt_project.yml",
                project_with(&format!("model-paths: [models, '{}']", path.display())),
            );
        }),
        ("packages outside", |place| {
            place.write(
                "dbt_project.yml",
                project_with("packages-install-path: ../outside"),
            );
        }),
    ]);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn odd_files() {
    try_all(&[
        ("a schema file is a FIFO", |place| {
            place.fifo("models/x.yml")
        }),
        (".dbtignore is a FIFO", |place| place.fifo(".dbtignore")),
        ("fal_project.yml is a FIFO", |place| {
            place.fifo("fal_project.yml")
        }),
        ("a notebook is a FIFO", |place| place.fifo("models/x.ipynb")),
        ("a Python file is a FIFO", |place| place.fifo("models/x.py")),
        ("a stub is a FIFO", |place| {
            fs::create_dir_all(place.project.path("models/fal")).unwrap();
            place.fifo("models/fal/py.sql");
        }),
        ("dbt_project.yml is a FIFO", |place| {
            place.fifo("dbt_project.yml")
        }),
        ("folders with the names of files", |place| {
            for name in [
                ".dbtignore",
                "fal_project.yml",
                "models/x.py",
                "models/x.yml",
                "models/x.ipynb",
                "models/fal/py.sql",
            ] {
                place.write(format!("{name}/file"), "");
            }
        }),
        ("a schema file of 3 GB", |place| {
            place.sparse("models/x.yml", 3 << 30)
        }),
        ("a Python file of 3 GB", |place| {
            place.sparse("models/x.py", 3 << 30)
        }),
        ("a notebook of 3 GB", |place| {
            place.sparse("models/x.ipynb", 3 << 30)
        }),
        ("a .dbtignore of 3 GB", |place| {
            place.sparse(".dbtignore", 3 << 30)
        }),
        ("a fal_project.yml of 3 GB", |place| {
            place.sparse("fal_project.yml", 3 << 30)
        }),
        ("YAML that multiplies", |place| {
            let lines: String = (1..12)
                .map(|n| {
                    format!(
                        "a{n}: &a{n} [{}]\n",
                        vec![format!("*a{}", n - 1); 9].join(",")
                    )
                })
                .collect();
            let bomb = format!("a0: &a0 [lol,lol]\n{lines}models: *a11\n");
            place.write("models/x.yml", &bomb);
            place.write("fal_project.yml", &bomb);
        }),
        ("deep YAML", |place| {
            place.write("models/x.yml", "[".repeat(100_000))
        }),
        ("deep JSON", |place| {
            place.write("models/x.ipynb", "[".repeat(1_000_000))
        }),
        ("JSON that is no notebook", |place| {
            place.write("models/x.ipynb", r#"{"cells": 7, "nbformat": 1e999}"#)
        }),
        ("a notebook with numbers of the wrong kind", |place| {
            place.write(
                "models/x.ipynb",
                r#"{"nbformat": 4, "cells": [{"cell_type": "code", "source": [1, null, {}]}], "metadata": null}"#,
            );
        }),
        ("bytes that are no text", |place| {
            for name in [
                "models/x.py",
                "models/x.yml",
                "models/x.ipynb",
                "models/x.sql",
                ".dbtignore",
                "fal_project.yml",
            ] {
                place.write(name, [0xff, 0xfe, 0, 0xd8, 0x00]);
            }
        }),
        ("an empty dbt_project.yml", |place| {
            place.write("dbt_project.yml", "")
        }),
        ("a dbt_project.yml of tabs", |place| {
            place.write("dbt_project.yml", "name:\tx\n\t- y: [")
        }),
        ("a profile without an end", |place| {
            place.write(
                "profiles.yml",
                "shop: {outputs: {dev: {type: duckdb, path: [",
            )
        }),
    ]);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn names_and_texts() {
    try_all(&[
        ("escapes in the name of a file", |place| {
            place.write(format!("models/{ESCAPE}.py"), "write_to_model(ref('ok'))\n")
        }),
        ("escapes in the name of a folder", |place| {
            place.write(format!("models/{ESCAPE}/x.py"), "x = (\n")
        }),
        ("a line break in a name", |place| {
            place.write("models/a\nb.py", "write_to_model(ref('ok'))\n")
        }),
        ("a name in the wrong direction", |place| {
            place.write("models/a\u{202e}yp.py", "write_to_model(ref('ok'))\n")
        }),
        ("a name that is no text", |place| {
            place.write(
                OsStr::from_bytes(b"models/\xff\xfe.py"),
                "write_to_model(ref('ok'))\n",
            );
        }),
        ("names that a shell would run", |place| {
            for name in [
                "$(touch PWNED).py",
                "`touch PWNED`.py",
                "-rf.py",
                "a b.py",
                "'\".py",
                "*.py",
                "!x.py",
                "#x.py",
                "x\\y.py",
            ] {
                place.write(format!("models/{name}"), "write_to_model(ref('ok'))\n");
            }
        }),
        ("a long name", |place| {
            place.write(
                format!("models/{}.py", "a".repeat(250)),
                "write_to_model(ref('ok'))\n",
            )
        }),
        ("escapes in code", |place| {
            place.write(
                "models/x.py",
                format!("x = '{ESCAPE}'\nref('{ESCAPE}')\nx = (\n"),
            )
        }),
        ("escapes in a ref", |place| {
            place.write("models/x.py", format!("write_to_model(ref('{ESCAPE}'))\n"))
        }),
        ("Jinja in a ref", |place| {
            let call = r#"write_to_model(ref("ok') }} {{ run_query('create table pwned as select 1') }} {{ ref('ok"))"#;
            place.write("models/x.py", call);
        }),
        ("Jinja in a docstring", |place| {
            place.write("models/x.py", "'''- ref('ok') }}{{ run_query(\"create table pwned as select 1\") }}{{ ref('ok')'''\nwrite_to_model(ref('ok'))\n");
        }),
        ("escapes in fal_project.yml", |place| {
            let yaml = format!(
                "environments:\n  - name: \"{e}\"\n    requirements: [\"{e}\"]\n",
                e = "\\e]0;PWN\\a"
            );
            place.write("fal_project.yml", yaml);
        }),
        ("escapes in a plugin's path", |place| {
            place.write(
                "fal_project.yml",
                "plugins: {paths: [\"/tmp/\\e[31mevil\"]}\n",
            )
        }),
        ("escapes in a runner's name", |place| {
            place.write(
                "models/x.yml",
                "models: [{name: py, meta: {fal: {runner: \"\\e]0;PWN\\a\"}}}]\n",
            );
        }),
        ("escapes in a script's path", |place| {
            place.write(
                "models/x.yml",
                "models: [{name: ok, meta: {fal: {scripts: {after: [\"\\e]0;PWN\\a.py\"]}}}}]\n",
            );
        }),
        ("a plugin of the project", |place| {
            place.write("evil.so", "not a library");
            place.write("fal_project.yml", "plugins: {python-parser: ./evil.so}\n");
        }),
        ("a line of 70,000 characters", |place| {
            place.write("models/x.py", format!("x = \"{}\" +\n", "a".repeat(70_000)))
        }),
        ("a broken notebook of one line", |place| {
            place.write(
                "models/x.ipynb",
                format!("{{\"cells\": [\"{}", "a".repeat(70_000)),
            )
        }),
        ("50,000 branches", |place| {
            let branches: String = (0..50_000)
                .map(|n| format!("elif x == {n}:\n    pass\n"))
                .collect();
            place.write(
                "models/x.py",
                format!("x = 1\nif x:\n    pass\n{branches}write_to_model(ref('ok'))\n"),
            );
        }),
        ("100,000 parentheses", |place| {
            place.write(
                "models/x.py",
                format!("x = {}\nwrite_to_model(ref('ok'))\n", "(".repeat(100_000)),
            )
        }),
        ("100,000 operators", |place| {
            place.write(
                "models/x.py",
                format!(
                    "x = {}1\nwrite_to_model(ref('ok'))\n",
                    "1 + ".repeat(100_000)
                ),
            )
        }),
        ("a codec that does not exist", |place| {
            place.write(
                "models/x.py",
                "# coding: uft-8\nwrite_to_model(ref('ok'))\n",
            )
        }),
        ("a NUL in code", |place| {
            place.write("models/x.py", "x = 1\0\nwrite_to_model(ref('ok'))\n")
        }),
        ("marks of a merge", |place| {
            place.write(
                "models/x.ipynb",
                "<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> other\n",
            );
            place.write(
                "models/y.py",
                "<<<<<<< HEAD\nx = 1\n=======\n>>>>>>> other\nwrite_to_model(ref('ok'))\n",
            );
        }),
    ]);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn code() {
    try_all(&[
        ("an error of 9 MB", |place| {
            place.write(
                "models/x.py",
                "write_to_model(ref('ok'))\nraise ValueError('x' * 9_000_000)\n",
            )
        }),
        ("an error of many lines", |place| {
            place.write(
                "models/x.py",
                "write_to_model(ref('ok'))\nraise ValueError('x\\n' * 2_000_000)\n",
            )
        }),
        ("escapes in an error and in output", |place| {
            place.write(
                "models/x.py",
                format!(
                    "print('{ESCAPE}')\nwrite_to_model(ref('ok'))\nraise ValueError('{ESCAPE}')\n"
                ),
            );
        }),
        ("a line of 50 MB", |place| {
            place.write(
                "models/x.py",
                "print('x' * 50_000_000)\nwrite_to_model(ref('ok'))\n",
            )
        }),
        ("the end of the process", |place| {
            place.write(
                "models/x.py",
                "import os\nwrite_to_model(ref('ok'))\nos._exit(0)\n",
            )
        }),
        ("a signal to itself", |place| {
            place.write(
                "models/x.py",
                "import os\nwrite_to_model(ref('ok'))\nos.kill(os.getpid(), 9)\n",
            )
        }),
        ("a signal to its parent", |place| {
            place.write(
                "models/x.py",
                "import os\nwrite_to_model(ref('ok'))\nos.kill(os.getppid(), 9)\n",
            )
        }),
        ("closed descriptors", |place| {
            place.write(
                "models/x.py",
                "import os\nwrite_to_model(ref('ok'))\nos.closerange(0, 1000)\n",
            )
        }),
        ("a detached child", |place| {
            let code = "import subprocess\nsubprocess.Popen(['sleep', '600'], env={}, start_new_session=True)\nwrite_to_model(ref('ok'))\n";
            place.write("models/x.py", code);
        }),
        ("a target folder that goes away", |place| {
            place.write(
                "models/x.py",
                "import shutil\nwrite_to_model(ref('ok'))\nshutil.rmtree('target', ignore_errors=True)\n",
            );
        }),
        ("modules that go away", |place| {
            place.write(
                "models/x.py",
                "import sys\nwrite_to_model(ref('ok'))\nsys.modules.clear()\nimport re\n",
            );
        }),
        ("an error whose words are an error", |place| {
            let code = "class Odd(Exception):\n    def __str__(self):\n        raise RuntimeError('no')\n    __repr__ = __str__\nwrite_to_model(ref('ok'))\nraise Odd\n";
            place.write("models/x.py", code);
        }),
        ("errors in a circle", |place| {
            place.write("models/x.py", "write_to_model(ref('ok'))\na, b = ValueError('a'), ValueError('b')\na.__cause__, b.__cause__ = b, a\nraise a\n");
        }),
        ("recursion", |place| {
            place.write(
                "models/x.py",
                "write_to_model(ref('ok'))\ndef f():\n    f()\nf()\n",
            )
        }),
        ("a generator that fails while it is written", |place| {
            place.write(
                "models/x.py",
                "def rows():\n    yield ref('ok')\n    raise ValueError('x' * 9_000_000)\nwrite_to_model(rows())\n",
            );
        }),
    ]);
}

fn project_with(line: &str) -> String {
    format!(
        "name: shop\nversion: '1.0'\nconfig-version: 2\nprofile: shop\nmodels: {{shop: {{+materialized: table}}}}\n{line}\n"
    )
}
