//! What a newcomer types first: `init --example`, completions and manual pages.

use std::process::Command;

use fal_e2e::{Project, redact};

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn the_example_runs_as_it_is_written() {
    let project = Project::bare();
    project
        .run_host("init --example shop_2")
        .expect(0)
        .says("cd shop_2");
    let build = |args: &str| {
        let mut command = project.host_with_dbt(args);
        command.current_dir(project.path("shop_2"));
        project.finish(command)
    };
    build("build").expect(0).says("PASS=9 WARN=0 ERROR=0");
    build("show --inline \"select count(*) as days from {{ ref('outlook') }} where is_forecast\"")
        .expect(0)
        .says("|    7 |");
    build("check --strict").expect(0);
    assert!(project.has("shop_2/models/fal/forecast.sql"));
}

#[test]
fn an_example_overwrites_nothing() {
    let project = Project::bare();
    project.write("fal_example/mine.txt", "mine");
    let before = project.tree();
    let refused = project.run_host("init --example");
    refused.expect(2);
    insta::assert_snapshot!(redact(&refused.stderr, &project), @"
    error: fal_example already exists, and nothing is overwritten
    help: take another name, or for a plugin another folder with `--dir`
    ");
    let refused = project.run_host("init --example ../shop");
    refused.expect(2);
    insta::assert_snapshot!(redact(&refused.stderr, &project), @"
    error: `../shop` cannot be the name of a dbt project: only letters of ASCII, digits and `_` can be in it, and no digit can be the first
    help: take a name as `fal_example`
    ");
    assert_eq!(project.tree(), before);
}

#[test]
fn a_shell_completes_commands_and_flags() {
    let project = Project::bare();
    let script = project.run_host("completions bash");
    script.expect(0);
    project.write("completions.bash", &script.stdout);
    let completed = |words: &str, last: usize| {
        let code = format!(
            "source completions.bash && COMP_WORDS=({words}) COMP_CWORD={last} && \
             completer=$(complete -p fal-host | sed 's/.*-F \\([^ ]*\\).*/\\1/') && \
             $completer fal-host \"${{COMP_WORDS[{last}]}}\" && printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let mut bash = Command::new("bash");
        bash.args(["-c", &code]).current_dir(project.root());
        let output = bash.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(completed("fal-host see", 1), "seed\n");
    let flags = completed("fal-host run --sel", 2);
    assert!(flags.lines().any(|flag| flag == "--select"), "{flags}");
    for shell in ["zsh", "fish", "powershell", "elvish"] {
        let script = project.run_host(format!("completions {shell}"));
        script.expect(0);
        assert!(script.stdout.contains("snapshot"), "{shell}");
    }
    project.run_host("completions tcsh").expect(2);
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let project = Project::bare();
    project.run_host("man-pages share/man/man1").expect(0);
    let page = |name: &str| project.read(&format!("share/man/man1/{name}.1"));
    assert!(page("fal-host").contains(".TH fal-host 1"));
    assert!(page("fal-host-run").contains("\\-\\-select"));
    assert!(page("fal-host-plugin-new").contains("\\-\\-language"));
    assert!(
        !project.has("share/man/man1/fal-host-flow.1"),
        "hidden commands have none"
    );
}
