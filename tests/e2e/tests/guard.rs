//! Files in the place of a stub are never touched, and then no other file is written either.

use fal_e2e::{Project, Tree};

/// Three models: one with a stub edited by hand, one with a user's file in the stub's place, one
/// new; and the stub of a
/// model that is gone.
fn project() -> Project {
    let project = Project::bare();
    project.write("models/edited.py", "write_to_model(ref('orders'))\n");
    project.write("models/gone.py", "write_to_model(ref('orders'))\n");
    project.write("models/orders.sql", "select 1 as id\n");
    project.run_host("generate").expect(0);
    let stub = project.read("models/fal/edited.sql");
    project.write(
        "models/fal/edited.sql",
        stub.replace("{{ ref('orders') }}", "{{ ref('orders') }} -- mine"),
    );
    project.write("models/mart/taken.py", "write_to_model(ref('orders'))\n");
    project.write(
        "models/fal/mart/taken.sql",
        "select 'a model of the user' as text\n",
    );
    project.write("models/new.py", "write_to_model(ref('orders'))\n");
    project.remove("models/gone.py");
    project
}

#[track_caller]
fn assert_unchanged(before: &Tree, after: &Tree) {
    let paths: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let changed: Vec<_> = paths
        .into_iter()
        .filter(|path| before.get(*path) != after.get(*path))
        .collect();
    assert!(changed.is_empty(), "changed: {changed:?}");
}

#[test]
fn generate_leaves_edited_and_foreign_files_and_names_both_files_of_each() {
    let project = project();
    let before = project.tree();
    let ended = project.run_host("generate");
    ended.expect(2);
    assert_unchanged(&before, &project.tree());
    insta::assert_snapshot!(ended.stderr, @r"
    stub::edited

      × models/fal/edited.sql: this generated stub of models/edited.py was edited by hand, so it is
      │ left alone
      help: move what you changed to models/edited.py or to a model of another name, then delete
            models/fal/edited.sql: it will be generated anew

    stub::foreign

      × models/fal/mart/taken.sql: this file is in the place of the stub of models/mart/taken.py, and
      │ fal-host did not generate it
      help: move or rename models/fal/mart/taken.sql, or rename models/mart/taken.py: a stub has the
            name of its model

    2 errors
    ");
    assert_eq!(ended.stdout, "");
}

#[test]
fn generate_check_says_the_same() {
    let project = project();
    let before = project.tree();
    let ended = project.run_host("generate --check");
    ended
        .expect(2)
        .says("models/fal/edited.sql")
        .says("models/edited.py");
    ended
        .says("models/fal/mart/taken.sql")
        .says("models/mart/taken.py");
    assert_unchanged(&before, &project.tree());
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn run_leaves_edited_and_foreign_files_too() {
    let project = project();
    // Whether the wrong files are selected only dbt's graph tells, for which the other models have their stubs written.
    let of_users = |project: &Project| {
        let mut tree = project.tree();
        let ours = [
            "target",
            "logs",
            "models/fal/new.sql",
            "models/fal/gone.sql",
            ".dbtignore",
        ];
        tree.retain(|path, entry| {
            entry.mode & 0o40_000 == 0 && !ours.iter().any(|ours| path.starts_with(ours))
        });
        tree
    };
    let before = of_users(&project);
    let ended = project.run("run");
    ended
        .expect(2)
        .says("models/fal/edited.sql")
        .says("models/edited.py");
    ended
        .says("models/fal/mart/taken.sql")
        .says("models/mart/taken.py")
        .never_says("START");
    assert_unchanged(&before, &of_users(&project));
    project.nothing_is_left();
}

#[test]
fn a_stub_in_the_older_form_is_renewed() {
    let project = Project::bare();
    project.write("models/a.py", "write_to_model(ref('model_a'))\n");
    let older = "\n{{ config(materialized='ephemeral') }}\n/*\nFAL_GENERATED b6a6d6e296f63595d713c7ecc6a73f4a\n\n\
                 Script dependencies:\n\n{{ ref('model_a') }}\n\n*/\n\n\
                 SELECT * FROM {{ target.schema }}.{{ model.name }}\n";
    project.write("models/fal/a.sql", older);
    project
        .run_host("generate")
        .expect(0)
        .says("Wrote models/fal/a.sql");
    assert!(
        project
            .read("models/fal/a.sql")
            .ends_with("SELECT * FROM {{ this }}\n")
    );
}

#[test]
fn the_stub_of_a_model_that_is_gone_is_removed_only_if_it_is_ours() {
    let project = project();
    project
        .remove("models/edited.py")
        .remove("models/fal/mart/taken.sql");
    let ended = project.run_host("generate");
    ended
        .expect(0)
        .says("Removed models/fal/gone.sql")
        .says("models/fal/edited.sql");
    assert!(!project.has("models/fal/gone.sql") && project.has("models/fal/edited.sql"));
}
