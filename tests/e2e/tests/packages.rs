//! Scripts and notebooks in installed packages of dbt.

use std::{
    fs,
    path::{Path, PathBuf},
};

use fal_e2e::Project;
use serde_json::json;

const PACKAGE: [(&str, &str); 6] = [
    (
        "dbt_project.yml",
        "name: pk\nversion: '1.0'\nconfig-version: 2\nmodels: {pk: {+materialized: table}}\n",
    ),
    (
        "models/pk_rows.sql",
        "select 1 as n union all select 2 as n\n",
    ),
    (
        "models/pk_py.py",
        "from helper import factor\n\ndf = ref('pk_rows')\nwrite_to_model(df.assign(n=df.n * factor()))\n",
    ),
    ("models/helper.py", "def factor():\n    return 10\n"),
    ("models/deep/pk_sum.ipynb", NOTEBOOK),
    (
        "models/schema.yml",
        "models: [{name: pk_py, columns: [{name: n, tests: [not_null]}]}]\n",
    ),
];
const NOTEBOOK: &str = r#"{"cells": [{"cell_type": "code", "execution_count": null, "metadata": {}, "outputs": [], "source":
    ["df = ref('pk', 'pk_py')\n", "write_to_model(df.agg({'n': 'sum'}).to_frame().T)"]}],
    "metadata": {}, "nbformat": 4, "nbformat_minor": 5}"#;
const STUBS: [&str; 2] = ["models/fal/deep/pk_sum.sql", "models/fal/pk_py.sql"];

fn write_package(folder: &Path) {
    for (name, content) in PACKAGE {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

/// A project with one model, which reads the package's models.
fn project() -> Project {
    let project = Project::bare();
    project.write(
        "models/reader.sql",
        "select n from {{ ref('pk', 'pk_sum') }}\n",
    );
    project.write(
        "models/own.py",
        "df = ref('pk', 'pk_py')\nwrite_to_model(df)\n",
    );
    project
}

/// One whose package is in a folder outside of it, and reached by the link that `dbt deps` makes.
fn with_local_package() -> (Project, PathBuf) {
    let project = project();
    let folder = project.home().join("common");
    write_package(&folder);
    project.write("packages.yml", "packages: [{local: ../home/common}]\n");
    project.dbt("deps").expect(0);
    assert!(project.path("dbt_packages/pk").is_symlink());
    (project, folder.canonicalize().unwrap())
}

#[track_caller]
fn holds_all(project: &Project) {
    assert_eq!(
        project.query("select n from pk_py order by n"),
        json!([[10], [20]])
    );
    assert_eq!(project.query("select n from reader"), json!([[30]]));
    assert_eq!(
        project.query("select n from own order by n"),
        json!([[10], [20]])
    );
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_package_inside_the_project_gets_its_stubs_and_runs() {
    let project = project();
    write_package(&project.path("dbt_packages/pk"));
    project.run_host("check").expect(0);
    project
        .run_host("generate --check")
        .expect(1)
        .says("Would write dbt_packages/pk/models/fal/pk_py.sql");
    project.run("build").expect(0);
    holds_all(&project);
    assert!(
        project
            .read("dbt_packages/pk/.dbtignore")
            .contains("/models/pk_py.py\n")
    );
    assert!(!project.read(".dbtignore").contains("pk_py"));
    project.run_host("generate --check").expect(0);

    project.run("run --select package:pk").expect(0);
    assert_eq!(project.statuses(), "success: pk_py pk_rows pk_sum");
    let listed = project.run("ls --select pk.* --resource-type model --output name");
    let mut names: Vec<_> = listed.expect(0).stdout.lines().map(str::trim).collect();
    names.sort_unstable();
    assert_eq!(names, ["pk_py", "pk_rows", "pk_sum"]);

    project.write(
        "dbt_packages/pk/models/pk_py.py",
        "df = ref('pk_rows')\nwrite_to_model(df)\n1 / 0\n",
    );
    project
        .run("run --select pk_py")
        .expect(1)
        .says("dbt_packages/pk/models/pk_py.py");
    project.write(
        "dbt_packages/pk/models/pk_py.py",
        "df = ref('pk_rows')\nwrite_to_model(df\n",
    );
    project
        .run_host("check")
        .expect(2)
        .says("dbt_packages/pk/models/pk_py.py")
        .says("in the package `pk`");
    project.nothing_is_left();
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_package_switched_off_by_the_project_is_left_out() {
    let project = project();
    write_package(&project.path("dbt_packages/pk"));
    fs::remove_dir_all(project.path("models")).unwrap();
    project.write("models/one.sql", "select 1 as n\n");
    let config = project.read("dbt_project.yml") + "  pk: {+enabled: false}\n";
    project.write("dbt_project.yml", config);
    project.run("run").expect(0);
    assert_eq!(project.statuses(), "success: one");
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_package_outside_runs_where_its_stubs_are_current_and_is_never_written() {
    let (project, folder) = with_local_package();
    let before = names(&folder);
    for command in ["run", "ls"] {
        let refused = project.run(&[command]);
        refused
            .expect(2)
            .says("in the package `pk`")
            .says(&folder.display().to_string())
            .says("dbt_packages/pk");
        refused
            .says("run `fal-host generate` in the package")
            .says("FAL_HOST_STUB_FOLDERS=");
    }
    project
        .run_host("check")
        .expect(2)
        .says("in the package `pk`");
    assert_eq!(names(&folder), before);

    let mut generate = project.host("generate");
    generate.current_dir(&folder);
    project.finish(generate).expect(0);
    fs::remove_dir_all(folder.join("target")).unwrap();
    let committed = names(&folder);
    assert!(
        STUBS
            .iter()
            .all(|stub| committed.contains(&(*stub).to_owned())),
        "{committed:?}"
    );
    project.run("build").expect(0);
    holds_all(&project);
    assert_eq!(names(&folder), committed);

    fs::write(
        folder.join("models/pk_py.py"),
        "df = ref('pk_sum')\nwrite_to_model(df)\n",
    )
    .unwrap();
    project
        .run("run")
        .expect(2)
        .says("models/fal/pk_py.sql is not up to date");
    assert_eq!(names(&folder), committed);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_package_outside_is_written_where_the_user_allows_it() {
    let (project, folder) = with_local_package();
    let mut command = project.host_with_dbt("run");
    command.env("FAL_HOST_STUB_FOLDERS", &folder);
    project.finish(command).expect(0);
    holds_all(&project);
    assert!(STUBS.iter().all(|stub| folder.join(stub).is_file()));
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_package_without_models_of_ours_stays_as_it_is() {
    let project = Project::bare();
    // Its file has the path, below the package, that the project's script has below the project.
    project.write(
        "models/own.py",
        "df = ref('pk', 'own')\nwrite_to_model(df.assign(n=df.n + 1))\n",
    );
    let native = "def model(dbt, session):\n    dbt.config(alias='of_package')\n    return dbt.ref('rows')\n";
    for (name, content) in [
        (
            "dbt_project.yml",
            "name: pk\nversion: '1.0'\nconfig-version: 2\n",
        ),
        ("models/rows.sql", "select 1 as n\n"),
        ("models/own.py", native),
        ("models/broken.ipynb", "{"),
        ("scripts/tool.py", "write_to_model(1)\n"),
    ] {
        project.write(&format!("dbt_packages/pk/{name}"), content);
    }
    let before = names(&project.path("dbt_packages/pk"));
    project.run("run").expect(0);
    assert_eq!(
        project.query("select n from own union all select n from of_package order by n"),
        json!([[1], [2]])
    );
    assert_eq!(names(&project.path("dbt_packages/pk")), before);
}

/// Files below a folder, without what Python writes where it imports a module.
fn names(folder: &Path) -> Vec<String> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for path in fs::read_dir(next)
            .unwrap()
            .map(|entry| entry.unwrap().path())
        {
            if path.is_dir() && !path.ends_with("__pycache__") {
                folders.push(path);
            } else if path.is_file() {
                found.push(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}

/// What macros of common packages ask of relations, in a package of our own.
const ASKING: &str = r#"
{% macro columns_of(relation) %}{% for column in adapter.get_columns_in_relation(relation) %}{{ column.quoted }}{{ ", " if not loop.last }}{% endfor %}{% endmacro %}

{% macro united(relations) %}
  {% for relation in relations %}
  select {{ asking.columns_of(relation) }}, '{{ relation.identifier }}' as made_by from {{ relation }} {{ "union all" if not loop.last }}
  {% endfor %}
{% endmacro %}

{% macro values_of(relation, column) %}
  {% if execute %}{{ return(run_query("select distinct " ~ column ~ " from " ~ relation ~ " order by 1").columns[0].values()) }}{% endif %}
  {{ return([]) }}
{% endmacro %}

{% macro heard(results) %}
  {% for result in results %}
    {% do log("heard " ~ result.node.name ~ " " ~ result.status ~ " " ~ graph.nodes[result.node.unique_id].resource_type, info=true) %}
  {% endfor %}
{% endmacro %}

{% macro shape(name) %}{% do log("shape " ~ asking.columns_of(ref(name)) ~ " " ~ load_relation(ref(name)).type, info=true) %}{% endmacro %}
"#;

/// A project whose models use that package over a script and a notebook.
fn asking() -> Project {
    let project = Project::bare();
    let file = project.read("dbt_project.yml");
    let hook = "on-run-end: \"{{ asking.heard(results) }}\"";
    for (path, text) in [
        ("dbt_project.yml", &*format!("{file}\n{hook}\n")),
        (
            "dbt_packages/asking/dbt_project.yml",
            "name: asking\nversion: '1.0'\nconfig-version: 2\n",
        ),
        ("dbt_packages/asking/macros/asking.sql", ASKING),
        (
            "models/base.sql",
            "select 1 as id, 'ann' as who union all select 2, 'bob'",
        ),
        ("models/script.py", "write_to_model(ref('base'))\n"),
        (
            "models/other.py",
            "df = ref('base')\nwrite_to_model(df[df.id > 1])\n",
        ),
        (
            "models/star.sql",
            "select {{ asking.columns_of(ref('script')) }} from {{ ref('script') }}",
        ),
        (
            "models/united.sql",
            "{{ asking.united([ref('script'), ref('other')]) }}",
        ),
        (
            "models/listed.sql",
            "{% for who in asking.values_of(ref('script'), 'who') %}select '{{ who }}' as who {{ 'union all' if not loop.last }} {% else %}select null as who{% endfor %}",
        ),
    ] {
        project.write(path, text);
    }
    project
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn macros_of_packages_see_python_models_as_tables() {
    let project = asking();
    let ended = project.run("build");
    ended
        .expect(0)
        .says("heard script success model")
        .says("heard star success model");
    assert_eq!(
        project.query("select * from star order by id"),
        json!([[1, "ann"], [2, "bob"]])
    );
    assert_eq!(
        project.query("select * from united order by all"),
        json!([
            [1, "ann", "script"],
            [2, "bob", "other"],
            [2, "bob", "script"]
        ])
    );
    assert_eq!(
        project.query("select who from listed order by who"),
        json!([["ann"], ["bob"]])
    );
    let asked = project.run("run-operation shape --args '{name: script}'");
    asked.expect(0).says("shape \"id\", \"who\" table");
    let compiled = project.run("compile --select star united listed");
    compiled.expect(0).says("select \"id\", \"who\" from");
    project.run("docs generate").expect(0);
    let catalog = project.json("target/catalog.json");
    let columns = &catalog["nodes"]["model.shop.script"]["columns"];
    assert_eq!(columns["who"]["type"], "VARCHAR");
}
