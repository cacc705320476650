//! Hostile and damaged projects: whatever they contain, each command ends in time and
//! memory, changes nothing outside of the project, and prints no terminal escapes.
//!
//! A model's code may do what it likes to itself; here it tries to end the run.

mod content;
mod files;

use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use fal_e2e::{Project, Tree, dbt_python, tree};
use serde_json::Value;

const SECONDS: f64 = 60.0;
const KIB: u64 = 1 << 20;
const ESCAPE: &str = "\u{1b}]0;PWN\u{7}\u{1b}[31m";
/// A model that is fine.
const MODEL: &str = "write_to_model(ref('ok'))\n";
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
        fs::write(outside.join("models/theirs.py"), MODEL).unwrap();
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
        fs::create_dir_all(path.parent().unwrap()).unwrap();
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

    /// The files that a case put beside the models.
    fn added_models(&self) -> Vec<String> {
        let entries = fs::read_dir(self.project.path("models")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names
            .filter(|name| !["ok.sql", "py.py", "fal"].contains(&name.as_str()))
            .collect()
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

/// Cases and what is wrong with how their commands ended.
#[derive(Default)]
struct Trial {
    complaints: Vec<String>,
}

impl Trial {
    /// Tries a case in a new project: `make` puts into it what the case is about.
    fn case(&mut self, name: &str, make: impl FnOnce(&Place)) {
        let place = Place::new();
        make(&place);
        self.run_all(name, &place);
    }

    /// Runs each command over a project and gives how it ended. Complains of what no command may do.
    fn run_all(&mut self, name: &str, place: &Place) -> [Value; 4] {
        let before = place.surroundings();
        let ends = COMMANDS.map(|command| {
            let end = place.run(command);
            if let Some(found) = complaint(&end) {
                self.complain(name, command, &found, &end);
            } else if place.surroundings() != before {
                self.complain(
                    name,
                    command,
                    "something outside of the project changed",
                    &end,
                );
            }
            end
        });
        place.project.nothing_is_left();
        ends
    }

    /// Tries files that share a project, since none hides another: the commands end with these
    /// codes, and those that fail name every file that `make` puts beside the models.
    fn together(&mut self, name: &str, codes: [i32; 4], make: impl FnOnce(&Place)) {
        let place = Place::new();
        make(&place);
        let ends = self.run_all(name, &place);
        for ((command, end), code) in COMMANDS.iter().zip(&ends).zip(codes) {
            if end["code"] != code {
                self.complain(name, command, &format!("not exit code {code}"), end);
            }
            let said = format!("{}{}", end["stdout"], end["stderr"]);
            for file in place.added_models() {
                if code != 0 && !said.contains(&file) {
                    self.complain(name, command, &format!("{file} is not named"), end);
                }
            }
        }
    }

    fn complain(&mut self, name: &str, command: &str, found: &str, end: &Value) {
        let start = |stream: &str| -> String {
            let text = end[stream].as_str().unwrap().chars();
            text.take(1500).collect()
        };
        let (stdout, stderr) = (start("stdout"), start("stderr"));
        self.complaints
            .push(format!("{name}: {command}: {found}\n{stdout}\n{stderr}"));
    }

    fn finish(self) {
        let (count, all) = (self.complaints.len(), self.complaints.join("\n\n"));
        assert_eq!(count, 0, "complaints\n\n{all}");
    }
}
