//! Plain dbt still works on a project with Python models.

use fal_e2e::Project;
use serde_json::json;

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn dbt_parses_lists_runs_and_documents_the_project_after_generate_and_after_a_run() {
    let project = Project::copy_of("shop");
    project.run_host("generate").expect(0);
    project.dbt("parse").expect(0);
    let listed = project.dbt("ls --resource-type model --output name --quiet");
    let mut names: Vec<_> = listed.expect(0).stdout.lines().map(str::trim).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["doubled", "ranks", "report", "stg_orders", "totals"]
    );
    project.dbt("seed").expect(0);
    // The tables of Python models are not there yet: dbt runs what does not need them.
    project
        .dbt("run --select 'stg_orders totals ranks'")
        .expect(0);
    project.dbt("docs generate").expect(0);
    let totals = &project.json("target/manifest.json")["nodes"]["model.shop.totals"];
    assert_eq!(
        totals["depends_on"]["nodes"],
        json!(["model.shop.stg_orders"])
    );

    // After a run of fal-host, dbt tests and runs the whole project.
    project.run("run").expect(0);
    let rows = json!([
        ["cid", 40, 400, 1, 80],
        ["bob", 20, 200, 2, 40],
        ["ann", 15, 150, 3, 30]
    ]);
    assert_eq!(project.query("select * from report order by place"), rows);
    project.dbt("test").expect(0).says("ERROR=0");
    project.dbt("run").expect(0);
    project.dbt("docs generate").expect(0);
    assert_eq!(
        project.query("select * from report order by place"),
        rows,
        "dbt left the tables of Python models alone"
    );
    project.nothing_is_left();
}

/// File names that match patterns by mistake.
const NAMES: [&str; 11] = [
    "a b",
    " lead",
    "#hash",
    "!bang",
    "brackets[x]",
    "star*",
    "what?",
    "{brace,d}",
    "schön_☃",
    "dash-dot.x",
    "trail ",
];

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn plain_dbt_reads_the_project_whatever_the_names_of_its_files() {
    let project = Project::bare();
    project.write(
        "models/native.py",
        "def model(dbt, session):\n    return None\n",
    );
    for (index, name) in NAMES.iter().enumerate() {
        project.write(&format!("models/{name}/{name}.py"), "x = 1\n");
        project.write(
            &format!("models/{name}/script{index}.py"),
            "write_to_model(1)\n",
        );
    }
    let list = "ls --resource-type model --output name --quiet";
    project.dbt(list).expect(2);
    project.run_host("generate").expect(0);
    let listed = project.dbt(list);
    let mut names: Vec<_> = listed
        .expect(0)
        .stdout
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    names.sort_unstable();
    let mut expected: Vec<String> = (0..NAMES.len())
        .map(|index| format!("script{index}"))
        .collect();
    expected.push("native".to_owned());
    expected.sort();
    assert_eq!(names, expected, "{}", project.read(".dbtignore"));
}
