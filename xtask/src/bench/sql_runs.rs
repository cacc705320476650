//! Whole runs of SQL models on PostgreSQL: `fal-host run` against `dbt run` on one project, in
//! turns.

use std::time::Duration;

use super::{
    Bench,
    table::Table,
    timing::{median, time},
    twins::write,
};
use crate::{
    error::Result,
    program::{program, tell},
    test::{REQUIREMENTS, Server},
    venv,
};

const MODELS: usize = 50;
const AIM: &str = "≤ 0.90";
const PROJECT: &str = "name: bench\nprofile: bench\nflags: {send_anonymous_usage_stats: false}\n\
                       models: {bench: {+materialized: table}}\n";
const PROFILES: &str = "bench: {target: dev, outputs: {dev: {type: postgres, host: HOST, port: 5432, user: fal, password: unused, \
                        dbname: postgres, schema: public, threads: 4}}}\n";

/// Measures medians, after a first run that parses the project for both.
pub(super) fn measure(bench: &Bench<'_>, table: &mut Table) -> Result<()> {
    let venv = venv::with(REQUIREMENTS)?;
    let server = Server::start(&venv)?;
    let folder = bench.scratch.path().join("sql");
    write(&folder.join("dbt_project.yml"), PROJECT)?;
    write(
        &folder.join("profiles.yml"),
        &PROFILES.replace("HOST", &server.host()),
    )?;
    for number in 0..MODELS {
        write(
            &folder.join(format!("models/m{number}.sql")),
            &model(number),
        )?;
    }
    let mut own = program(&bench.host, &folder);
    own.arg("run").arg("--python").arg(venv.python());
    let mut dbt = program(venv.program("dbt"), &folder);
    dbt.arg("run");
    let mut commands = [own, dbt];
    let mut times: [Vec<Duration>; 2] = [Vec::new(), Vec::new()];
    for round in 0..=usize::from(bench.args.runs) {
        for at in [round % 2, (round + 1) % 2] {
            let took = time(&mut commands[at])?;
            tell(&format!("{}: {took:?}", ["fal-host", "dbt"][at]));
            // The first run of each program parses the project.
            if round > 0 {
                times[at].push(took);
            }
        }
    }
    let [own, dbt] = times.map(median);
    let what = format!("run on PostgreSQL, {MODELS} SQL models, warm partial parse");
    table.times(&what, own, ("`dbt run`", dbt), AIM);
    Ok(())
}

/// Writes models in chains of five.
fn model(number: usize) -> String {
    if number.is_multiple_of(5) {
        return "select i as id, i % 7 as kind from generate_series(1, 1000) as numbers(i)\n"
            .to_owned();
    }
    format!(
        "select id, kind + 1 as kind from {{{{ ref('m{}') }}}}\n",
        number - 1
    )
}
