//! Where dependencies come from, and that the order of the run follows them.

use fal_e2e::{Project, redact};
use serde_json::json;

use crate::both_warehouses::{DEPENDENCIES, assert_same_on_postgres};

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn every_kind_of_dependency_makes_the_order() {
    let project = Project::copy_of("dependencies");
    let ended = project.run("run --threads 4");
    ended.expect(0);
    let edges = [
        ("orders", "late_orders"),
        ("late_orders", "a_docstring"),
        ("late_orders", "a_code"),
        ("late_orders", "a_bound"),
        ("late_orders", "a_loop"),
        ("customers", "a_loop"),
        ("late_orders", "a_jinja"),
        ("a_loop", "b_chain"),
        ("b_chain", "a_below"),
        ("a_code", "a_below"),
    ];
    let place = |word: &str, name: &str| {
        let found = ended
            .stdout
            .lines()
            .position(|line| line.contains(word) && line.contains(&format!("main.{name} ")));
        found.unwrap_or_else(|| panic!("{word} {name}\n{ended}"))
    };
    for (parent, child) in edges {
        assert!(
            place(" OK ", parent) < place(" START ", child),
            "{child} before {parent}\n{ended}"
        );
    }
    for (name, rows) in [
        ("a_docstring", json!([[2]])),
        ("a_bound", json!([[2]])),
        ("a_jinja", json!([[2]])),
    ] {
        assert_eq!(project.query(&format!("from {name}")), rows, "{name}");
    }
    assert_eq!(
        project.query("from a_below order by id"),
        json!([[2], [2], [2]])
    );
    assert_same_on_postgres(&DEPENDENCIES, &project, &[project.results()]);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn an_undeclared_read_is_an_error_in_the_same_run_and_a_warning_otherwise() {
    let project = Project::bare();
    project.write("models/orders.sql", "select 1 as id");
    project.write(
        "models/guesses.py",
        "name = 'ORDERS'.lower()\nwrite_to_model(ref(name))\n",
    );
    let ended = project.run("run");
    ended.expect(1);
    assert_eq!(project.statuses(), "error: guesses; success: orders");
    insta::assert_snapshot!(project.message("guesses"), @r#"
    Traceback (most recent call last):
      File "models/guesses.py", line 2, in <module>
        write_to_model(ref(name))
    FalError: model.shop.guesses reads model.shop.orders, which it does not declare
    Name it in the docstring: - ref('orders')
    "#);

    let ended = project.run("run --select guesses");
    ended.expect(0);
    let warnings: Vec<_> = ended
        .stderr
        .lines()
        .filter(|line| line.contains("[WARNING]"))
        .collect();
    insta::assert_snapshot!(redact(&warnings.join("\n"), &project), @"TIME  [WARNING]: model.shop.guesses reads model.shop.orders, which it does not declare");
    assert_eq!(project.query("from guesses"), json!([[1]]));
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_cycle_through_a_python_model_is_named() {
    let project = Project::bare();
    project.write("models/egg.py", "write_to_model(ref('chicken'))\n");
    project.write("models/chicken.sql", "select * from {{ ref('farm') }}");
    project.write("models/farm.py", "write_to_model(ref('egg'))\n");
    project.write("models/unrelated.sql", "select 1 as id");
    let ended = project.run("run");
    ended
        .expect(2)
        .never_says("START")
        .says("chicken -> egg -> farm -> chicken")
        .says("3 errors");
    ended
        .says("`egg` reads `chicken`")
        .says("[models/egg.py:1:16]")
        .says("`farm` reads `egg`")
        .says("[models/farm.py:1:16]");
    ended
        .says("`chicken` reads `farm`")
        .says("[models/chicken.sql:1:1]");
    project.nothing_is_left();
}
