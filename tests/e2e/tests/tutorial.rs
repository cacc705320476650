//! Types docs/tutorial.md as a newcomer would, from its text alone: writes each file that it shows,
//! runs each command, and compares what it prints with what the page shows.

use std::process::Stdio;

use fal_e2e::{Block, Page, Project, workspace};

/// `setup` would install dbt, which the tests have: only its flags are checked.
const PRELUDE: &str = r#"
set -euo pipefail
exec 2>&1
fal-host() {
    if [ "$1" = setup ]; then command fal-host "$@" --help; else command fal-host "$@"; fi
}
"#;

/// Ends a file that the page shows, in the script.
const END: &str = "END_OF_THE_FILE";

/// The file that a block is, by its title: ```` ```sql title="models/a.sql" ````.
fn file(block: &Block) -> Option<&str> {
    let (_, title) = block.language.split_once(" title=\"")?;
    title.strip_suffix('"')
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn the_tutorial_leads_to_a_notebook_in_the_dag() {
    let page = Page::read("docs/tutorial.md");
    let project = Project::bare();
    let mut script = PRELUDE.to_owned();
    for (number, block) in page.blocks.iter().enumerate() {
        script += &match (file(block), block.language.as_str()) {
            (Some(path), _) => format!("cat > {path} <<'{END}'\n{}{END}\n", block.text),
            (None, "sh") => format!("printf '\\n@@ {number}\\n'\n{}", block.text),
            (None, "text") => String::new(),
            (None, other) => panic!("{}: nothing types a block of `{other}`", block.place),
        };
    }
    let mut command = project.shell(&script);
    let output = command.stdin(Stdio::null()).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}\n{stdout}", output.status);

    let mut compared = 0;
    for (number, block) in page.blocks.iter().enumerate() {
        if block.language != "text" {
            continue;
        }
        let printed = stdout
            .split_once(&format!("\n@@ {}\n", number - 1))
            .map_or("", |(_, rest)| rest);
        let printed = printed
            .split_once("\n@@ ")
            .map_or(printed, |(printed, _)| printed);
        for line in block.text.lines() {
            assert!(
                printed.contains(line.trim()),
                "{}: this is not printed\n{line}\nbut\n{printed}",
                block.place
            );
            compared += 1;
        }
    }
    assert!(compared > 10, "{compared}");
    assert!(project.has("shop/models/fal/staffing.sql"));
}

/// `cargo xtask pictures` makes the pictures on command, so an old one must be noticed.
#[test]
fn the_pictures_show_what_the_tutorial_says() {
    let read = |path: &str| std::fs::read_to_string(workspace().join(path)).unwrap();
    let page = Page::read("docs/tutorial.md");
    let built = page.in_language("text").next().unwrap();
    let terminal: String = read("docs/pictures/build.svg")
        .split('<')
        .filter_map(|tag| tag.split_once('>'))
        .map(|(_, text)| text.replace("&#160;", " "))
        .collect();
    for line in built.text.lines() {
        assert!(
            terminal.contains(line),
            "docs/pictures/build.svg does not show `{line}`: run `cargo xtask pictures`"
        );
    }
    let lineage = read("docs/pictures/lineage.svg");
    let boxes = lineage.matches("class=\"name\"").count();
    let rows = read("docs/tutorial.md");
    let models: Vec<_> = rows
        .lines()
        .filter_map(|line| line.strip_prefix("| `models/")?.split_once('.'))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(boxes, models.len());
    for model in models {
        assert!(lineage.contains(&format!(">{model}</text>")), "{model}");
    }
}
