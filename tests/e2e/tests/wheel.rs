//! The wheels as users install them, each in a fresh environment and an empty folder, without Rust:
//! fal-host finds its plugins and a Python with dbt, and builds the example that it writes.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use fal_e2e::{Ended, Project, dbt_python, python, workspace};

/// What `cargo xtask test --only wheel` sets.
fn named(variable: &str) -> PathBuf {
    env::var_os(variable).map(PathBuf::from).unwrap_or_else(|| {
        panic!("this test needs {variable}: `cargo xtask test --only wheel` sets it and runs these tests")
    })
}

/// The wheel of fal-host as a requirement, with an extra or none: `[duckdb]`.
fn requirement(extra: &str) -> String {
    format!(
        "fal-host{extra} @ file://{}",
        named("FAL_TEST_WHEEL").display()
    )
}

/// A user with an empty home, and a folder for the project.
struct User {
    project: Project,
    /// The folders of the search path before those of the system.
    bin: Vec<PathBuf>,
    interpreter: PathBuf,
}

impl User {
    fn new(bin: &[&str]) -> Self {
        let project = Project::bare();
        std::fs::create_dir(project.home().join("work")).unwrap();
        let interpreter = python(
            "import json, sys; print(json.dumps(sys._base_executable))",
            &[],
        );
        Self {
            bin: bin
                .iter()
                .map(|folder| project.home().join(folder))
                .collect(),
            interpreter: interpreter.as_str().unwrap().into(),
            project,
        }
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.project.home().join(relative)
    }

    /// Runs a program in a folder of the home; it has to succeed.
    fn run(&self, program: impl AsRef<Path>, words: &[&str], folder: &str) -> Ended {
        let ended = self
            .project
            .finish(self.command(program.as_ref(), words, folder));
        ended.expect(0);
        ended
    }

    fn command(&self, program: &Path, words: &[&str], folder: &str) -> Command {
        let home = env::home_dir().unwrap_or_default();
        let mut command = Command::new(program);
        command.args(words).current_dir(self.path(folder));
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            let other = [
                "FAL_",
                "DBT_",
                "PYTHON",
                "VIRTUAL_ENV",
                "CARGO",
                "RUST",
                "XDG_",
            ];
            if other.iter().any(|start| text.starts_with(start)) {
                command.env_remove(&name);
            }
        }
        let system = ["/usr/local/bin", "/usr/bin", "/bin"].map(PathBuf::from);
        let path = env::join_paths(self.bin.iter().chain(&system)).unwrap();
        let constraints = workspace().join("tests/requirements.txt");
        command
            .env("PATH", path)
            .env("HOME", self.project.home())
            // The configuration of uv and pip.
            .env("XDG_CONFIG_HOME", home.join(".config"))
            .env("UV_CACHE_DIR", cache())
            .env("UV_CONSTRAINT", constraints)
            .env("UV_PYTHON", &self.interpreter)
            .env("UV_PYTHON_DOWNLOADS", "never")
            .env("UV_TOOL_DIR", self.path("tools"))
            .env("UV_TOOL_BIN_DIR", self.path("bin"))
            .env("PIPX_HOME", self.path("pipx"))
            .env("PIPX_BIN_DIR", self.path("bin"))
            .env("PIPX_DEFAULT_PYTHON", &self.interpreter)
            .env("PIP_CONSTRAINT", workspace().join("tests/wheel.txt"))
            .env("DO_NOT_TRACK", "1")
            .env("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
            .env("NO_COLOR", "1");
        command
    }

    fn uv(&self, words: &[&str]) -> Ended {
        self.run(uv(), words, "work")
    }

    /// A program of the tests' installers, pip and pipx.
    fn installer(&self, words: &[&str]) -> Ended {
        let words = [&["-m"], words].concat();
        self.run(named("FAL_TEST_INSTALLERS"), &words, "work")
    }

    /// A project's environment with dbt and what models need, and nothing of fal-host.
    fn install_dbt(&self, folder: &str) {
        let folder = self.path(folder).display().to_string();
        self.uv(&["venv", "--quiet", &folder]);
        let packages = ["dbt-core", "dbt-duckdb", "pandas", "pyarrow"];
        let install = ["pip", "install", "--quiet", "--python", &folder];
        self.uv(&[&install[..], &packages].concat());
    }

    /// Runs `fal-host`, which is on the search path.
    fn host(&self, words: &[&str], folder: &str) -> Ended {
        self.run(self.found(), words, folder)
    }

    /// The `fal-host` that a shell would start.
    fn found(&self) -> PathBuf {
        let mut places = self.bin.iter().map(|folder| folder.join("fal-host"));
        places
            .find(|path| path.exists())
            .expect("no fal-host on the path")
    }

    fn init_and_build(&self) {
        self.host(&["init", "--example", "shop"], "work");
        self.host(&["build"], "work/shop")
            .says("PASS=9 WARN=0 ERROR=0");
    }
}

fn uv() -> PathBuf {
    dbt_python().with_file_name("uv")
}

/// The cache of uv on this machine, so that nothing is downloaded twice.
fn cache() -> String {
    let output = Command::new(uv()).args(["cache", "dir"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
#[ignore = "needs the wheels: cargo xtask test --only wheel"]
fn uvx_runs_it_with_its_own_dbt() {
    let user = User::new(&[]);
    let from = requirement("[duckdb]");
    let uvx = |words: &[&str], folder: &str| {
        let start = ["tool", "run", "--from", &from, "fal-host"];
        user.run(uv(), &[&start[..], words].concat(), folder)
    };
    uvx(&["init", "--example", "shop"], "work");
    uvx(&["build"], "work/shop").says("PASS=9 WARN=0 ERROR=0");
}

#[test]
#[ignore = "needs the wheels: cargo xtask test --only wheel"]
fn a_tool_of_uv_has_its_own_dbt_and_every_plugin() {
    let user = User::new(&["bin"]);
    user.uv(&["tool", "install", "--quiet", &requirement("[duckdb]")]);
    user.init_and_build();
    user.host(&["--version"], "work")
        .says(env!("CARGO_PKG_VERSION"));
    let plugins = user.host(&["plugin", "list"], "work/shop").stdout;
    let not_ok =
        |line: &&str| line.starts_with("fal-") && line.split_whitespace().nth(2) != Some("ok");
    assert_eq!(plugins.lines().find(not_ok), None, "{plugins}");
    assert_eq!(plugins.matches(" ok ").count(), 7, "{plugins}");
    // The sources that a plugin of your own is built with.
    user.host(
        &["plugin", "new", "acme-stubs", "--stage", "stub-writer"],
        "work",
    );
    let manifest = std::fs::read_to_string(user.path("work/acme-stubs/Cargo.toml")).unwrap();
    assert!(
        manifest.contains("lib/fal-host/interface/fal-plugin"),
        "{manifest}"
    );
}

#[test]
#[ignore = "needs the wheels: cargo xtask test --only wheel"]
fn pip_puts_it_beside_the_dbt_of_a_project() {
    let user = User::new(&["work/.venv/bin"]);
    user.install_dbt("work/.venv");
    let interpreter = user.path("work/.venv/bin/python").display().to_string();
    let pip = [
        "pip",
        "--python",
        &interpreter,
        "install",
        "--quiet",
        "--no-index",
    ];
    user.installer(&[&pip[..], &[&requirement("")]].concat());
    user.init_and_build();
    user.run(&interpreter, &["-m", "fal_host", "--version"], "work")
        .says(env!("CARGO_PKG_VERSION"));
    let call = "import fal_host\n\
        ended = fal_host.run(['run', '--select', 'weekdays'])\n\
        print(fal_host.find(), [node.status for node in ended.result])";
    let found = user.found().display().to_string();
    user.run(&interpreter, &["-c", call], "work/shop")
        .says(&format!("{found} ['success']"));
}

#[test]
#[ignore = "needs the wheels: cargo xtask test --only wheel"]
fn a_tool_without_dbt_uses_that_of_the_project() {
    let user = User::new(&["bin"]);
    user.install_dbt("work/.venv");
    user.uv(&["tool", "install", "--quiet", &requirement("")]);
    user.init_and_build();
    user.uv(&["tool", "uninstall", "--quiet", "fal-host"]);
    // The same by pipx.
    user.installer(&["pipx", "install", "--quiet", &requirement("")]);
    user.host(&["build"], "work/shop")
        .says("PASS=9 WARN=0 ERROR=0");
}

#[test]
#[ignore = "needs the wheels: cargo xtask test --only wheel"]
fn doctor_finds_another_package_with_the_module_of_notebooks() {
    let user = User::new(&["bin"]);
    user.install_dbt("work/.venv");
    user.uv(&["tool", "install", "--quiet", &requirement("")]);
    user.host(&["init", "--example", "shop"], "work");
    let notebook = named("FAL_TEST_NOTEBOOK_WHEEL").display().to_string();
    let interpreter = user.path("work/.venv/bin/python").display().to_string();
    let pip = ["pip", "install", "--quiet", "--python", &interpreter];
    user.uv(&[&pip[..], &[&notebook]].concat());
    user.run(
        &interpreter,
        &["-c", "from faldbt.magics import init_fal"],
        "work",
    );
    user.host(&["doctor"], "work/shop").never_says("module fal");
    // A package of the same module, as an installer leaves it.
    let site = "import sysconfig; print(sysconfig.get_path('purelib'))";
    let site = user.run(&interpreter, &["-c", site], "work").stdout;
    let info = Path::new(site.trim()).join("fal-1.83.0.dist-info");
    std::fs::create_dir(&info).unwrap();
    std::fs::write(
        info.join("METADATA"),
        "Metadata-Version: 2.1\nName: fal\nVersion: 1.83.0\n",
    )
    .unwrap();
    std::fs::write(
        info.join("RECORD"),
        "fal/__init__.py,,\nfal-1.83.0.dist-info/METADATA,,\n",
    )
    .unwrap();
    let doctor = || user.command(&user.found(), &["doctor"], "work/shop");
    user.project
        .finish(doctor())
        .expect(2)
        .says("FAIL  module fal")
        .says("fal-host-notebook")
        .says("fal 1.83.0");
    user.uv(&[
        "pip",
        "uninstall",
        "--quiet",
        "--python",
        &interpreter,
        "fal-host-notebook",
    ]);
    user.project
        .finish(doctor())
        .expect(0)
        .says("of fal 1.83.0");
}
