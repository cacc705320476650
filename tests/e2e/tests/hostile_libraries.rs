//! Plugin libraries that run code while loading, and truncated ones: the command ends with an
//! error.

#![cfg(target_os = "linux")]

use std::{fs, path::Path, process::Command};

use fal_e2e::{Project, host};
use rustix::process::Signal;

const NAME: &str = "libacme_parser.so";

fn project() -> Project {
    let project = Project::bare();
    project.write("models/a.py", "write_to_model(ref('orders'))\n");
    project.write("models/orders.sql", "select 1 as id");
    project.write(
        "fal_project.yml",
        "plugins:\n  python-parser: acme-parser\n",
    );
    project
}

/// A library that runs `statement` when it is loaded, on the search path.
fn with_constructor(project: &Project, statement: &str) {
    let (folder, source) = (
        project.home().join("plugins"),
        project.home().join("constructor.c"),
    );
    fs::create_dir_all(&folder).unwrap();
    let code = format!(
        "#include <stdlib.h>\n#include <unistd.h>\n__attribute__((constructor)) static void run(void) {{ {statement} }}\n"
    );
    fs::write(&source, code).unwrap();
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(folder.join(NAME))
        .arg(&source)
        .status()
        .unwrap();
    assert!(built.success());
}

fn on_its_path(project: &Project, words: &[&str]) -> Command {
    let mut command = project.host(words);
    command.env("FAL_PLUGIN_PATH", project.home().join("plugins"));
    command
}

#[test]
fn a_library_that_calls_exit_is_no_success() {
    for statement in ["exit(0);", "exit(1);", "exit(130);"] {
        let project = project();
        with_constructor(&project, statement);
        for words in [
            &["check"] as &[&str],
            &["generate"],
            &["plugin", "list"],
            &["check", "--log-format", "json"],
        ] {
            let ended = project.finish(on_its_path(&project, words));
            let message = format!("the plugin `{NAME}` ended the process of fal-host");
            let (shown, form) = if words.contains(&"json") {
                (&ended.expect(2).stdout, format!("\"message\":\"{message}"))
            } else {
                (&ended.expect(2).stderr, format!("error: {message}"))
            };
            assert_eq!(shown.matches(&form).count(), 1, "{ended}");
            assert_eq!(
                ended.stderr.matches("error:").count(),
                usize::from(!words.contains(&"json")),
                "{ended}"
            );
        }
        assert!(!project.has("models/fal"), "generate did nothing");
        project
            .finish(on_its_path(&project, &["check", "--isolate-plugins"]))
            .expect(2)
            .says(NAME);
        let words = ["plugin", "list", "--isolate-plugins"];
        let listed = project.finish(on_its_path(&project, &words));
        assert!(listed.expect(0).stdout.contains("not loaded"), "{listed}");
    }
}

/// docs/plugins/trust.md: in fal-host's own process a direct `_exit` goes unnoticed.
#[test]
fn a_library_that_ends_its_process_directly_is_seen_under_isolation() {
    let project = project();
    with_constructor(&project, "_exit(0);");
    let plugin = format!(
        "--plugin=python-parser={}",
        project.home().join("plugins").join(NAME).display()
    );
    let ended = project.run_host(&["check", "--isolate-plugins", &plugin]);
    ended.expect(2).says(NAME);
}

#[test]
fn a_library_that_hangs_while_it_is_loaded_ends_with_the_timeout() {
    let project = project();
    with_constructor(&project, "for (;;) sleep(1000);");
    let plugins = "plugins:\n  python-parser: acme-parser\n  timeout: 1\n";
    project.write("fal_project.yml", plugins);
    let ended = project.finish(on_its_path(&project, &["check"]));
    ended.expect(2).says(&format!(
        "error: the plugin `{NAME}` timed out after 1 s in `load`"
    ));
    project.nothing_is_left();
}

#[test]
fn a_library_that_hangs_while_it_is_loaded_ends_with_a_signal() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let project = project();
        // The file says when the library is being loaded.
        with_constructor(
            &project,
            "(void)!write(2, \"hangs\\n\", 6); for (;;) sleep(1000);",
        );
        let mut running = project.spawn(on_its_path(&project, &["check"]));
        running.wait_for("hangs");
        running.signal(signal);
        running.wait().expect(130);
        project.nothing_is_left();
    }
}

#[test]
fn a_library_that_is_cut_off_is_named() {
    let project = project();
    let whole = fs::read(host().with_file_name("libfal_python_parser.so")).unwrap();
    let cut = project.home().join("plugins").join(NAME);
    fs::create_dir_all(cut.parent().unwrap()).unwrap();
    for parts in [10, 30, 100] {
        fs::write(&cut, &whole[..whole.len() / parts]).unwrap();
        let says = |words: &[&str], code: i32| {
            let ended = project.finish(on_its_path(&project, words));
            ended
                .expect(code)
                .says(&format!("the library `{}` is cut off", cut.display()));
        };
        says(
            &[
                "check",
                &format!("--plugin=python-parser={}", Path::new(&cut).display()),
            ],
            2,
        );
        says(&["plugin", "list"], 0);
    }
}
