//! The published reference of the contract matches the cases. `cargo xtask schemas` writes it.

use std::{env, fmt::Write, fs, path::Path};

use fal_plugin::manifest::Stage;
use fal_plugin_testkit::{
    CaseInfo, Need, contract,
    library::{door_contract, program_contract, stage_contract},
};

const START: &str = "# The contract of a plugin, case by case

Generated from the test kit by `cargo xtask schemas`.

In a test of your crate, with `fal-plugin-testkit` among the development dependencies, a stage is checked in process:

```rust
#[test]
fn the_contract_holds() {
    let stubs = Stubs::new(&Value::Null).unwrap();
    stub_writer(&stubs).assert_ok();
}
```

With `default-features = false` the kit needs little more than `fal-plugin` itself; its default feature `library` adds `check_library`, which takes
a built library through the door, in the process of the test.

A built plugin is checked by the program, in a separate process, so that a plugin which hangs, crashes, ends the process or prints
is a case that failed:

```console
$ fal-host plugin check target/debug/libmy_stubs.so
$ fal-host plugin check target/debug/libmy_stubs.so --stage stub-writer --timeout 5 --format json
$ fal-host plugin check ./my-stubs.fal-plugin
```

It ends with exit code 0 if all required cases passed, and with 2 if one failed. Every failure says what was seen and what to do about it.
What an optional case holds, fal-host does without, and users have less. Cases on messages and those of the door are for
built plugins only: in process there is no door.
";

const PROGRAMS: &str = "
For a plugin that is a separate process, be it a program or a library that is served (`--isolate-plugins`), `door/library`, `door/layout`,
`door/quiet` and `STAGE/no-thread-left` are not checked, as there is nothing to check, and these are:
";

fn rows(text: &mut String, title: &str, cases: impl IntoIterator<Item = CaseInfo>) {
    writeln!(
        text,
        "\n## {title}\n\n| case | | what it holds |\n|---|---|---|"
    )
    .unwrap();
    for CaseInfo { name, need, holds } in cases {
        let need = if need == Need::Required {
            "required"
        } else {
            "optional"
        };
        writeln!(text, "| `{name}` | {need} | {holds} |").unwrap();
    }
}

fn reference() -> String {
    let mut text = START.to_owned();
    rows(&mut text, "The door", door_contract());
    text.push_str(PROGRAMS);
    rows(
        &mut text,
        "The door of a plugin in a separate process",
        program_contract(),
    );
    for stage in Stage::ALL {
        let [first, last] = stage_contract(stage);
        rows(
            &mut text,
            stage.name(),
            [first].into_iter().chain(contract(stage)).chain([last]),
        );
    }
    text
}

#[test]
fn the_published_reference_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/plugins/contract.md");
    let reference = reference();
    if env::var_os("FAL_WRITE_SCHEMAS").is_some() {
        fs::write(&path, &reference).unwrap();
    }
    let published = fs::read_to_string(path).unwrap_or_default();
    assert!(
        published == reference,
        "docs/plugins/contract.md is not current: `cargo xtask schemas`"
    );
}

/// Case names are stable, because people and programs refer to them.
#[test]
fn names_are_unique_and_belong_to_their_stage() {
    let doors = door_contract().into_iter().chain(program_contract());
    let mut names: Vec<String> = doors.map(|case| case.name).collect();
    for stage in Stage::ALL {
        let cases: Vec<_> = contract(stage)
            .into_iter()
            .chain(stage_contract(stage))
            .collect();
        assert!(
            cases
                .iter()
                .all(|case| case.name.starts_with(&format!("{stage}/"))),
            "{cases:?}"
        );
        names.extend(cases.into_iter().map(|case| case.name));
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
