//! Links, FIFOs, huge files and odd names in the place of a project's files.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

use super::{ESCAPE, MODEL, Trial};

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn links() {
    let mut trial = Trial::default();
    for (name, to) in [
        (".dbtignore", "../outside/new"),
        (".dbtignore", "/dev/zero"),
        (".dbtignore", ".dbtignore"),
        ("models", "../outside/models"),
        ("models/fal", "../outside/models/fal"),
        ("models/fal/py.sql", "../../../outside/.bashrc"),
        ("models/fal/py.sql", "../../../outside/new"),
        ("fal_project.yml", "/dev/zero"),
        ("models/z.yml", "/dev/zero"),
        ("models/z.ipynb", "/dev/zero"),
        ("models/z.py", "/dev/zero"),
        ("profiles.yml", "/dev/zero"),
    ] {
        trial.case(&format!("{name} links to {to}"), |place| {
            place.link(name, to)
        });
    }
    trial.case(".dbtignore links out", |place| {
        place.link(".dbtignore", place.outside().join(".bashrc"));
        place.write("models/x;touch PWNED;.py", MODEL);
    });
    trial.case("target/fal links out", |place| {
        place.link("target/fal", place.outside().join("models"));
    });
    trial.case("everything in target/fal links out", |place| {
        for name in [
            "events.jsonl",
            "durations.json",
            "cache",
            "state",
            "run.json",
            "analysis",
            "manifest.json",
            "last_run.json",
        ] {
            let to = place.outside().join(".bashrc");
            place.link(&format!("target/fal/{name}"), to);
        }
    });
    for line in [
        "model-paths: [models, ../outside/models]",
        "model-paths: [models, 'OUTSIDE/models']",
        "packages-install-path: ../outside",
    ] {
        trial.case(line, |place| {
            let outside = place.outside().display().to_string();
            let settings = place.project.read("dbt_project.yml") + line + "\n";
            place.write("dbt_project.yml", settings.replace("OUTSIDE", &outside));
        });
    }
    trial.finish();
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn odd_files() {
    let mut trial = Trial::default();
    for name in [
        "models/x.yml",
        ".dbtignore",
        "fal_project.yml",
        "models/x.ipynb",
        "models/x.py",
        "models/fal/py.sql",
        "dbt_project.yml",
    ] {
        trial.case(&format!("{name} is a FIFO"), |place| place.fifo(name));
    }
    for name in ["models/x.yml", ".dbtignore", "fal_project.yml"] {
        trial.case(&format!("{name} of 3 GB"), |place| {
            place.sparse(name, 3 << 30);
        });
    }
    trial.case("folders with the names of files", |place| {
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
    });
    trial.case("bytes that are no text", |place| {
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
    });
    trial.case("YAML that multiplies", |place| {
        let line = |n: u32| {
            let before = format!("*a{}", n - 1);
            format!("a{n}: &a{n} [{}]\n", vec![before; 9].join(","))
        };
        let lines: String = (1..12).map(line).collect();
        let bomb = format!("a0: &a0 [lol,lol]\n{lines}models: *a11\n");
        place.write("models/x.yml", &bomb);
        place.write("fal_project.yml", &bomb);
    });
    let deep = "[".repeat(100_000);
    for (what, name, content) in [
        ("deep YAML", "models/x.yml", deep.as_str()),
        ("no settings", "dbt_project.yml", ""),
        ("settings of tabs", "dbt_project.yml", "name:\tx\n\t- y: ["),
        (
            "half a profile",
            "profiles.yml",
            "shop: {outputs: {dev: {type: duckdb, path: [",
        ),
    ] {
        trial.case(what, |place| place.write(name, content));
    }
    trial.finish();
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn names() {
    let mut trial = Trial::default();
    trial.case("escapes in the name of a file", |place| {
        place.write(format!("models/{ESCAPE}.py"), MODEL);
    });
    trial.case("escapes in the name of a folder", |place| {
        place.write(format!("models/{ESCAPE}/x.py"), "x = (\n");
    });
    trial.case("a line break in a name", |place| {
        place.write("models/a\nb.py", MODEL);
    });
    trial.case("a name that is no text", |place| {
        place.write(OsStr::from_bytes(b"models/\xff\xfe.py"), MODEL);
    });
    trial.case("names that a shell would run", |place| {
        for name in [
            "$(touch PWNED)",
            "`touch PWNED`",
            "-rf",
            "a b",
            "'\"",
            "*",
            "!x",
            "#x",
            "x\\y",
        ] {
            place.write(format!("models/{name}.py"), MODEL);
        }
    });
    trial.together("names that run", [0; 4], |place| {
        place.write(format!("models/{}.py", "a".repeat(250)), MODEL);
        place.write("models/a\u{202e}yp.py", MODEL);
        place.link("models/again", "..");
    });
    trial.finish();
}
