//! Kills (SIGKILL) host, session, zygote or job at each step of a write: the table is the old one
//! or the new one.
//!
//! A first run over existing tables notes the steps: each statement, each batch, each call between the processes
//! (`killed_writes/sitecustomize.py`). Then each step is one to die at. The tests take a part of them; all with
//! `FAL_TEST_KILL_POINTS=all`, or with the name of a process all of that one. Then some hundred runs are killed.

use std::{collections::BTreeMap, env, path::PathBuf};

use fal_e2e::{Ended, PATIENCE, Project, workspace};
use serde_json::{Map, Value, json};

/// Each writes `PARTS` batches of as many rows, all with the number of the run.
const CODE: &str = "\
import os
import pyarrow

version = int(os.environ['VERSION'])

def parts():
    for part in range(PARTS):
        ids = range(part * ROWS, (part + 1) * ROWS)
        yield pyarrow.table({'version': [version] * ROWS, 'id': pyarrow.array(ids, pyarrow.int64())})

write_to_model(parts()MODE)
";
const PARTS: u64 = 4;
const ROWS: u64 = 5000;

/// How a model writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A new table in the place of the old one, with an index and comments.
    Plain,
    /// `mode='append'`.
    Adds,
    /// Staged, then dbt's own incremental materialization.
    Grows,
}

const KINDS: [Kind; 3] = [Kind::Plain, Kind::Adds, Kind::Grows];

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Adds => "adds",
            Self::Grows => "grows",
        }
    }

    fn of(model: &str) -> Self {
        KINDS
            .into_iter()
            .find(|kind| model.starts_with(kind.name()))
            .unwrap()
    }

    fn write(self, project: &Project, model: &str) {
        let mode = if self == Self::Adds {
            ", mode='append'"
        } else {
            ""
        };
        let code = CODE
            .replace("PARTS", &PARTS.to_string())
            .replace("ROWS", &ROWS.to_string())
            .replace("MODE", mode);
        project.write(&format!("models/{model}.py"), code);
        let config = match self {
            Self::Plain => {
                "{persist_docs: {relation: true, columns: true}, indexes: [{columns: [id]}]}"
            }
            Self::Adds => "{}",
            Self::Grows => "{materialized: incremental, incremental_strategy: append}",
        };
        let description = "models: [{name: MODEL, description: Written., config: CONFIG, columns: [{name: id, description: Key.}]}]";
        project.write(
            &format!("models/{model}.yml"),
            description
                .replace("MODEL", model)
                .replace("CONFIG", config),
        );
    }

    /// What the table may hold after a write of `version`: the numbers of the runs whose rows are in it.
    fn after(self, old: &[u64], version: u64) -> Vec<u64> {
        let kept = if self == Self::Plain { &[] } else { old };
        kept.iter().copied().chain([version]).collect()
    }
}

/// A moment of a write.
#[derive(Clone, Debug)]
struct Step {
    kind: Kind,
    name: String,
}

impl Step {
    /// Whether nothing changes between this step and the next one.
    fn is_moment_of(&self, next: &Self) -> bool {
        let is_query = self.name.contains("select");
        self.kind == next.kind
            && (is_query || (self.name.starts_with("behind") && next.name.starts_with("before")))
    }
}

/// A project whose runs are killed.
struct Victim {
    project: Project,
    version: u64,
    /// What each table holds.
    tables: BTreeMap<String, Vec<u64>>,
    kills: usize,
}

impl Victim {
    fn new(project: Project) -> Self {
        let mut victim = Self {
            project,
            version: 0,
            tables: BTreeMap::new(),
            kills: 0,
        };
        for kind in KINDS {
            kind.write(&victim.project, kind.name());
            victim.tables.insert(kind.name().to_owned(), Vec::new());
        }
        victim.succeed();
        victim
    }

    fn log(&self) -> PathBuf {
        self.project.home().join("steps")
    }

    /// Runs once more, kills the given process at the given step, and returns the steps.
    fn run(&mut self, select: &[&str], plan: &Value) -> (Ended, Vec<String>) {
        self.version += 1;
        let log = self.log();
        let _ = std::fs::remove_file(&log);
        let mut args = vec!["run", "--threads", "1", "--select"];
        args.extend(select);
        let mut command = self.project.host_with_dbt(&args);
        command
            .env(
                "PYTHONPATH",
                workspace().join("tests/e2e/tests/killed_writes"),
            )
            .env("PYTHONDONTWRITEBYTECODE", "1");
        command
            .env("VERSION", self.version.to_string())
            .env("KILL_LOG", &log)
            .env("KILL_AT", plan.to_string());
        let ended = self.project.finish(command);
        let steps = std::fs::read_to_string(&log).unwrap_or_default();
        (ended, steps.lines().map(str::to_owned).collect())
    }

    /// A run in which nothing is killed: every table has its rows, and there are no others.
    fn succeed(&mut self) -> Vec<Step> {
        let (ended, log) = self.run(&["*"], &json!({}));
        ended.expect(0);
        let found = self.look();
        for (name, old) in &mut self.tables {
            *old = Kind::of(name).after(old, self.version);
            assert_eq!(&found[name], old, "{name}\n{ended}");
        }
        let names: Vec<_> = self.tables.keys().map(|name| json!([name])).collect();
        let left = "select table_name from information_schema.tables where table_schema = 'main' order by table_name";
        assert_eq!(
            self.project.query(left),
            Value::Array(names),
            "tables are left"
        );
        let steps = log.iter().filter_map(|line| line.split_once(": "));
        let known = steps.filter(|(model, _)| KINDS.iter().any(|kind| kind.name() == *model));
        known
            .map(|(model, name)| Step {
                kind: Kind::of(model),
                name: name.to_owned(),
            })
            .collect()
    }

    /// The runs whose rows are in each table. All rows of a run are there, or none.
    fn look(&self) -> BTreeMap<String, Vec<u64>> {
        let queries = self.tables.keys().map(|name| {
            format!("select '{name}', version, count(*), count(distinct id), min(id), max(id) from main.{name} group by version")
        });
        let rows = self.project.query(&format!(
            "{} order by 1, 2",
            queries.collect::<Vec<_>>().join(" union all ")
        ));
        let mut found: BTreeMap<String, Vec<u64>> = self
            .tables
            .keys()
            .map(|name| (name.clone(), Vec::new()))
            .collect();
        for row in rows.as_array().unwrap() {
            let all = PARTS * ROWS;
            assert_eq!(
                json!([row[2], row[3], row[4], row[5]]),
                json!([all, all, 0, all - 1]),
                "half a write: {row}"
            );
            found
                .get_mut(row[0].as_str().unwrap())
                .unwrap()
                .push(row[1].as_u64().unwrap());
        }
        found
    }

    /// Looks after a run in which something was killed. `status` is what the run said of a model, if that is to be believed.
    fn look_after_kill(
        &mut self,
        what: &str,
        ended: &Ended,
        status: impl Fn(&str) -> Option<String>,
    ) {
        let left = self.project.survivors(PATIENCE);
        assert!(left.is_empty(), "{what}: {left:#?}");
        let found = self.look();
        for (name, old) in &mut self.tables {
            let (now, new) = (&found[name], Kind::of(name).after(old, self.version));
            match status(name).as_deref() {
                Some("success") => assert_eq!(now, &new, "{what}: {name} succeeded\n{ended}"),
                Some("error") => assert_eq!(now, old, "{what}: {name} failed\n{ended}"),
                _ => assert!(
                    now == old || *now == new,
                    "{what}: {name} has {now:?}, had {old:?}\n{ended}"
                ),
            }
            old.clone_from(now);
        }
    }

    /// The host or the session dies at a step of a model.
    fn kill_run(&mut self, process: &str, step: &Step) {
        let model = step.kind.name();
        let what = format!("{process} killed in {model}: {}", step.name);
        let (ended, log) = self.run(&[model], &json!({model: [process, step.name]}));
        assert!(
            log.contains(&format!("{model}! killed {process}")),
            "{what}: {log:#?}\n{ended}"
        );
        ended.expect(if process == "host" { -9 } else { 2 });
        self.look_after_kill(&what, &ended, |_| None);
        self.kills += 1;
    }

    /// Jobs or their zygote die: the run goes on, so one is enough for a model each.
    fn kill_in_one_run(&mut self, process: &str, steps: &[Step]) {
        let mut plan = Map::new();
        for (number, step) in steps.iter().enumerate() {
            let (model, base) = (
                format!("{}_{process}_{number}", step.kind.name()),
                step.kind.name(),
            );
            step.kind.write(&self.project, &model);
            self.project.query(&format!(
                "create table main.{model} as select * from main.{base}"
            ));
            self.tables.insert(model.clone(), self.tables[base].clone());
            plan.insert(model, json!([process, step.name]));
        }
        let select = format!("*_{process}_*");
        let (ended, log) = self.run(&[&select], &Value::Object(plan.clone()));
        let killed = log
            .iter()
            .filter(|line| line.ends_with(&format!("! killed {process}")))
            .count();
        let absent = log
            .iter()
            .filter(|line| line.ends_with(&format!("! there is no {process}")))
            .count();
        let missed: Vec<_> = plan
            .iter()
            .filter(|(model, _)| {
                !log.iter()
                    .any(|line| line.starts_with(&format!("{model}!")))
            })
            .collect();
        assert_eq!(killed + absent + missed.len(), steps.len(), "{process}");
        // The zygote may die after it got a model and before the session noticed: that model fails before its step.
        assert!(
            killed > 0 && (missed.is_empty() || process == "zygote"),
            "{process}: {missed:#?}"
        );
        self.kills += killed;
        let results = self.project.results();
        let status = |name: &str| {
            let mut words = results.iter().filter_map(|line| line.split_once(' '));
            words
                .find(|(model, _)| *model == name)
                .map(|(_, status)| status.to_owned())
        };
        self.look_after_kill(process, &ended, status);
    }
}

/// Steps at which a quick test kills each of the processes.
struct Picked {
    host: &'static [(Kind, &'static str)],
    session: &'static [(Kind, &'static str)],
    zygote: &'static [(Kind, &'static str)],
}

const JOB: [&str; 4] = [
    "before the write #1",
    "a batch #3",
    "the end of the stream #1",
    "behind the write #1",
];

fn is_all(process: &str) -> bool {
    env::var("FAL_TEST_KILL_POINTS").is_ok_and(|points| points == "all" || points == process)
}

fn chosen(process: &str, steps: &[Step], some: &[(Kind, &str)]) -> Vec<Step> {
    let is_chosen = |step: &Step| {
        some.iter()
            .any(|(kind, name)| *kind == step.kind && *name == step.name)
    };
    let (first, second) = (steps.iter(), steps.iter().skip(1).map(Some).chain([None]));
    let wanted = first
        .zip(second)
        .filter(|(step, next)| match is_all(process) {
            true => next.is_none_or(|next| !step.is_moment_of(next)),
            false => is_chosen(step),
        });
    let found: Vec<Step> = wanted.map(|(step, _)| step.clone()).collect();
    assert!(
        found.len() >= some.len(),
        "{some:?} are not all among {steps:#?}"
    );
    found
}

#[expect(clippy::print_stdout, reason = "the test reports the number")]
fn kill_everything(project: Project, some: &Picked) {
    let mut victim = Victim::new(project);
    let steps = victim.succeed();
    for (process, some) in [("host", some.host), ("session", some.session)] {
        for (number, step) in chosen(process, &steps, some).iter().enumerate() {
            victim.kill_run(process, step);
            if number % 8 == 7 {
                victim.succeed();
            }
        }
    }
    let job: Vec<_> = KINDS
        .iter()
        .flat_map(|kind| JOB.map(|name| (*kind, name)))
        .collect();
    let mut of_job = chosen("job", &steps, &job);
    // A job lives until its write is answered: what comes behind that finds it gone.
    let is_behind = |name: &str| name.starts_with("the job has ended");
    for kind in KINDS {
        let end = steps
            .iter()
            .position(|step| step.kind == kind && is_behind(&step.name))
            .unwrap();
        let behind: Vec<_> = steps[end + 1..]
            .iter()
            .filter(|step| step.kind == kind)
            .map(|step| step.name.clone())
            .collect();
        of_job.retain(|step| step.kind != kind || !behind.contains(&step.name));
    }
    victim.kill_in_one_run("job", &of_job);
    victim.kill_in_one_run("zygote", &chosen("zygote", &steps, some.zygote));
    victim.succeed();
    println!(
        "{} steps of {} kinds of writes, {} kills",
        steps.len(),
        KINDS.len(),
        victim.kills
    );
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn on_duckdb() {
    let some = Picked {
        host: &[
            (Kind::Plain, "a batch #2"),
            (Kind::Grows, "behind dbt's insert into #1"),
        ],
        session: &[
            (Kind::Adds, "behind the write #1"),
            (Kind::Plain, "before commit #1"),
        ],
        zygote: &[
            (Kind::Plain, "a batch #2"),
            (Kind::Grows, "the job has ended #1"),
        ],
    };
    kill_everything(Project::bare(), &some);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn on_postgres() {
    let some = Picked {
        host: &[
            (Kind::Adds, "a batch #2"),
            (Kind::Plain, "behind drop table #1"),
        ],
        session: &[
            (Kind::Plain, "before commit #2"),
            (Kind::Grows, "behind dbt's insert into #1"),
        ],
        zygote: &[
            (Kind::Plain, "a batch #2"),
            (Kind::Grows, "the job has ended #1"),
        ],
    };
    kill_everything(Project::bare().on_postgres(), &some);
}
