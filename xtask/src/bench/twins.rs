//! Two projects with the same graph and the same work: one for fal-host with scripts, one for dbt
//! with dbt-native models.
//!
//! `events` makes the rows, `scored` passes all of them through Python, and chains of three models
//! read that: `daily_N` (SQL), `trend_N` (Python in every second chain) and `best_N` (SQL).

use std::{fs, path::Path};

use crate::error::{At, Result};

/// A project with `2 + 3 * chains` models.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) chains: u32,
    pub(super) rows: u32,
}

struct Model {
    name: String,
    work: Work,
}

enum Work {
    Sql(String),
    Python { reads: String, body: &'static str },
}

impl Shape {
    /// Returns the number of models, and how many of them are Python.
    pub(super) fn counts(self) -> (u32, u32) {
        (2 + 3 * self.chains, 1 + self.chains.div_ceil(2))
    }

    /// Writes the project of scripts.
    pub(super) fn write_scripts(self, folder: &Path) -> Result<()> {
        self.write(folder, |reads, body| {
            format!("df = ref('{reads}')\n{body}write_to_model(df)\n")
        })
    }

    /// Writes the project of dbt-native models.
    pub(super) fn write_native(self, folder: &Path) -> Result<()> {
        self.write(folder, |reads, body| {
            let body: String = body.lines().map(|line| format!("    {line}\n")).collect();
            format!(
                "def model(dbt, session):\n    df = dbt.ref('{reads}').df()\n{body}    return df\n"
            )
        })
    }

    fn write(self, folder: &Path, python: impl Fn(&str, &str) -> String) -> Result<()> {
        write_project(folder)?;
        for Model { name, work } in self.models() {
            match work {
                Work::Sql(code) => write(&folder.join(format!("models/{name}.sql")), &code)?,
                Work::Python { reads, body } => {
                    write(
                        &folder.join(format!("models/{name}.py")),
                        &python(&reads, body),
                    )?;
                }
            }
        }
        Ok(())
    }

    fn models(self) -> Vec<Model> {
        let scored = Work::Python {
            reads: "events".to_owned(),
            body: SCORED,
        };
        let mut models = vec![
            model("events", Work::Sql(events(self.rows))),
            model("scored", scored),
        ];
        for chain in 0..self.chains {
            models.extend(chain_of(chain, self.chains));
        }
        models
    }
}

const SCORED: &str = "df['amount'] = df['amount'] * 1.19\ndf['paid'] = df['amount'] > 50\n";
const TREND: &str =
    "df = df.sort_values('day')\ndf['trend'] = df['amount'].rolling(7, min_periods=1).mean()\n";

/// Rows of six columns: two integers, a float, a timestamp, a text, a boolean.
pub(super) fn events(rows: u32) -> String {
    format!(
        "select\n    cast(i as bigint) as id,\n    cast(i % 5000 as integer) as customer_id,\n    \
         cast(i % 997 as double) / 7 as amount,\n    \
         timestamp '2024-01-01' + to_seconds(cast(i % 31000000 as bigint)) as ordered_at,\n    \
         'item ' || (i % 1000) as item,\n    i % 3 = 0 as paid\nfrom range({rows}) as numbers(i)\n"
    )
}

fn chain_of(chain: u32, chains: u32) -> [Model; 3] {
    let daily = format!(
        "select cast(ordered_at as date) as day, sum(amount) as amount, count(*) as orders\n\
         from {{{{ ref('scored') }}}}\nwhere customer_id % {chains} = {chain}\ngroup by all\n"
    );
    let trend = if chain.is_multiple_of(2) {
        Work::Python {
            reads: format!("daily_{chain}"),
            body: TREND,
        }
    } else {
        Work::Sql(format!(
            "select *, avg(amount) over (order by day rows 6 preceding) as trend\nfrom {{{{ ref('daily_{chain}') }}}}\n"
        ))
    };
    let best = format!(
        "select day, trend\nfrom {{{{ ref('trend_{chain}') }}}}\norder by trend desc\nlimit 10\n"
    );
    [
        model(&format!("daily_{chain}"), Work::Sql(daily)),
        model(&format!("trend_{chain}"), trend),
        model(&format!("best_{chain}"), Work::Sql(best)),
    ]
}

fn model(name: &str, work: Work) -> Model {
    Model {
        name: name.to_owned(),
        work,
    }
}

/// `dbt_project.yml` and `profiles.yml`.
pub(super) fn write_project(folder: &Path) -> Result<()> {
    let project = "name: bench\nprofile: bench\nflags: {send_anonymous_usage_stats: false}\n\
                   models: {bench: {+materialized: table}}\n";
    let profiles =
        "bench: {target: dev, outputs: {dev: {type: duckdb, path: bench.duckdb, threads: 4}}}\n";
    write(&folder.join("dbt_project.yml"), project)?;
    write(&folder.join("profiles.yml"), profiles)
}

/// Writes a file, with the folders above it.
pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).at(folder)?;
    }
    fs::write(path, text).at(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_projects_hold_the_same_models() {
        let shape = Shape {
            chains: 16,
            rows: 10,
        };
        let names: Vec<_> = shape.models().into_iter().map(|model| model.name).collect();
        assert_eq!(shape.counts(), (50, 9));
        assert_eq!(names.len(), 50);
        let python = shape
            .models()
            .into_iter()
            .filter(|model| matches!(model.work, Work::Python { .. }))
            .count();
        assert_eq!(python, 9);
        assert_eq!(
            Shape {
                chains: 1,
                rows: 10
            }
            .counts(),
            (5, 2)
        );
    }
}
