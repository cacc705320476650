//! Follows the guide for plugin authors to the letter: types the commands of its pages, in order,
//! with an empty
//! home folder, and checks that the files have the code that the pages show.

use std::{fs, path::Path, process::Stdio};

use fal_e2e::{Page, Project, Typed, wheel_of_host, workspace};
use serde_json::json;

/// The environment of a reader's commands. Builds share a folder, so that dependencies are compiled
/// once, a release being a
/// debug build by another name, and versions with this repository, so that a release elsewhere breaks no test here. `setup`
/// would install dbt: only its flags are checked.
const PRELUDE: &str = r#"
set -euo pipefail
exec 2>&1
export CARGO_PROFILE_DEV_DEBUG=false CARGO_INCREMENTAL=0 CARGO_TERM_COLOR=never
export REAL_CARGO=$(command -v cargo) PATH=$HOME/bin:$PATH
mkdir -p "$HOME/bin"
cat > "$HOME/bin/cargo" <<'END'
#!/bin/sh
if [ -f Cargo.toml ] && [ ! -e target ]; then
    mkdir -p "$SHARED/debug" && ln -sfn debug "$SHARED/release" && ln -s "$SHARED" target && cp "$LOCK" Cargo.lock
fi
if [ "$*" = "build --release" ]; then exec "$REAL_CARGO" build; else exec "$REAL_CARGO" "$@"; fi
END
chmod +x "$HOME/bin/cargo"
fal-host() {
    if [ "$1" = setup ]; then command fal-host "$@" --help; else command fal-host "$@"; fi
}
"#;

/// `setup` makes an environment with the tests' dbt, and uv keeps what it downloads for this test alone: fal-host's
/// wheel is another one after each build.
const WHEELS: &str = r#"
export UV_CACHE_DIR=$HOME/uv
fal-host() {
    if [ "$1" != setup ]; then command fal-host "$@"; return; fi
    "$FAL_HOST_PYTHON" -m venv --without-pip .venv
    "$FAL_HOST_PYTHON" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > "$(echo .venv/lib/python*/site-packages)/dbt.pth"
    unset FAL_HOST_PYTHON
}
"#;

/// Commands that `guide.md` has ahead of every page: from a fresh clone to a `fal-host` on the path.
fn installation() -> usize {
    let page = Page::read("docs/plugins/guide.md");
    let exempt = page
        .in_language("console")
        .filter(|block| block.is_exempt());
    exempt.flat_map(fal_e2e::Block::typed).count()
}

/// Types all commands of a page and checks the output that it shows.
fn follow(project: &Project, path: &str) -> Vec<Typed> {
    follow_with(project, path, "", &[])
}

/// The same after further commands, with further variables.
fn follow_with(
    project: &Project,
    path: &str,
    prelude: &str,
    variables: &[(&str, &Path)],
) -> Vec<Typed> {
    let typed = Page::read(path).typed();
    let mut script = PRELUDE.to_owned() + prelude;
    for (number, one) in typed.iter().enumerate() {
        script += &format!("printf '\\n@@ {number}\\n'\n{}\n", one.command);
    }
    let mut command = project.shell(&script);
    command
        .env("SHARED", workspace().join("target/e2e/scaffolds"))
        .env("LOCK", workspace().join("Cargo.lock"))
        .envs(variables.iter().copied());
    // Not `Project::finish`: on a busy machine a build takes longer than its deadline.
    let output = command.stdin(Stdio::null()).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{path}: {}\n{stdout}",
        output.status
    );
    for (number, one) in typed.iter().enumerate() {
        let begin = format!("\n@@ {number}\n");
        let output = stdout.split_once(&begin).map_or("", |(_, rest)| rest);
        let output = output
            .split_once("\n@@ ")
            .map_or(output, |(output, _)| output);
        for line in one
            .printed
            .iter()
            .filter(|line| !line.trim().is_empty() && line.trim() != "...")
        {
            assert!(
                output.contains(line.trim()),
                "{}: {} does not print\n{line}\nbut\n{output}",
                one.place,
                one.command
            );
        }
    }
    typed
}

/// Every piece of code that a page shows is a piece of one of these files.
fn shows(path: &str, folder: &Path, languages: &[&str]) {
    let files: Vec<String> = texts(folder);
    let page = Page::read(path);
    for block in languages
        .iter()
        .flat_map(|language| page.in_language(language))
    {
        let found = files
            .iter()
            .any(|text| text.contains(block.text.trim_end()));
        assert!(
            found,
            "{}: this is in no file of the plugin\n{}",
            block.place, block.text
        );
    }
}

fn texts(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let not_built = entries.filter(|path| !path.ends_with("target") && !path.ends_with("logs"));
    not_built
        .flat_map(|path| {
            if path.is_dir() {
                texts(&path)
            } else {
                fs::read_to_string(path).into_iter().collect()
            }
        })
        .collect()
}

/// From nothing to a plugin that runs a project, in fewer than ten commands.
fn leads_to_a_run(page: &str, plugin: &str) -> Project {
    let path = format!("docs/plugins/{page}");
    let project = Project::bare();
    let typed = follow(&project, &path);
    let run = typed
        .iter()
        .position(|one| one.command.starts_with("fal-host run"))
        .expect("the page runs a project");
    let count = installation() + run + 1;
    assert!(count < 10, "{count} commands");
    shows(
        &path,
        &project.path(plugin),
        &["rust", "python", "yaml", "sql", "markdown"],
    );
    let results = project.json(&format!("{plugin}/example/target/run_results.json"));
    let statuses: Vec<_> = results["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| &result["status"])
        .collect();
    assert_eq!(
        statuses,
        [&json!("success"), &json!("success")],
        "{results:#}"
    );
    project
}

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn a_stub_writer() {
    let project = leads_to_a_run("guide-stub-writer.md", "acme-stubs");
    assert!(project.has("acme-stubs/example/models/generated/large_orders.sql"));
}

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn a_notebook_parser() {
    leads_to_a_run("guide-notebook-parser.md", "acme-quarto");
}

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn a_python_parser() {
    let project = leads_to_a_run("guide-python-parser.md", "acme-parser");
    assert!(
        project
            .read("acme-parser/example/models/fal/large_orders.sql")
            .contains("{{ ref('orders') }}")
    );
}

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn a_runner_in_rust() {
    leads_to_a_run("guide-execution-backend.md", "acme-runner");
}

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn a_runner_in_python() {
    leads_to_a_run("guide-runner-in-python.md", "acme-cluster");
}

/// The index page names the commands of the guide.
#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn the_index() {
    follow(&Project::bare(), "docs/plugins/guide.md");
}

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn publishing() {
    let project = Project::bare();
    let wheel = wheel_of_host(&project.home().join("wheels"));
    let page = "docs/plugins/publishing.md";
    let backend = workspace().join("xtask/wheel/build.txt");
    let variables = [
        ("FAL_HOST", wheel.as_path()),
        ("UV_BUILD_CONSTRAINT", &backend),
    ];
    follow_with(&project, page, WHEELS, &variables);
    assert!(project.has("shop/models/generated/weekdays.sql"));
}
