//! A project on PostgreSQL: SQL, Python and notebooks on a server that `cargo xtask test` starts.

use std::{env, process, process::Command};

use fal_e2e::{Ended, Project, dbt_python, python};
use serde_json::{Value, json};

/// A project and a new database.
struct Shop {
    project: Project,
    address: String,
    database: String,
}

impl Shop {
    fn new(name: &str) -> Self {
        let address = env::var("FAL_TEST_POSTGRES").expect(
            "this test needs FAL_TEST_POSTGRES: the address of a PostgreSQL server. `cargo xtask test` starts one",
        );
        let shop = Self {
            project: Project::copy_of("postgres"),
            address,
            database: format!("{name}_{}", process::id()),
        };
        shop.ask("postgres", &format!("create database {}", shop.database));
        shop
    }

    fn ask(&self, database: &str, sql: &str) -> Value {
        python(
            include_str!("postgres/ask.py"),
            &[&self.address, database, sql],
        )
    }

    fn query(&self, sql: &str) -> Value {
        self.ask(&self.database, sql)
    }

    /// The profile takes the server's address from the environment.
    fn connected(&self, mut command: Command) -> Command {
        let (user, rest) = self
            .address
            .trim_start_matches("postgresql://")
            .split_once('@')
            .unwrap();
        let (host, rest) = rest.split_once(':').unwrap();
        let (port, _) = rest.split_once('/').unwrap();
        command
            .env("SHOP_HOST", host.replace("%2F", "/"))
            .env("SHOP_PORT", port)
            .env("SHOP_USER", user);
        command.env("SHOP_DATABASE", &self.database);
        command
    }

    fn run(&self, args: &[&str]) -> Ended {
        self.project
            .finish(self.connected(self.project.host_with_dbt(args)))
    }

    /// Plain dbt on the same project.
    fn dbt(&self, args: &[&str]) -> Ended {
        let mut command = Command::new(dbt_python());
        command
            .args([
                "-c",
                "from dbt.cli.main import cli; cli()",
                "--no-send-anonymous-usage-stats",
            ])
            .args(args);
        command
            .current_dir(self.project.root())
            .env("HOME", self.project.home());
        self.project.finish(self.connected(command))
    }
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn sql_python_and_notebooks_feed_each_other_and_dbt_tests_what_they_made() {
    let shop = Shop::new("feed");
    shop.run(&["generate"]).expect(0);
    shop.dbt(&["seed"]).expect(0);
    let ended = shop.run(&["run"]);
    ended.expect(0).says("totals | 3 customers");
    let report =
        shop.query("select customer, amount, scaled, place from shop.report order by place");
    assert_eq!(
        report,
        json!([
            ["cid", "40.00", "400.00", 1],
            ["bob", "20.25", "202.50", 2],
            ["ann", "15.50", "155.00", 3]
        ])
    );
    assert_eq!(
        shop.query("select * from shop.log"),
        json!([["report", "success"]])
    );
    ended.says("rows in the report: 3");
    shop.dbt(&["test"]).expect(0).says("ERROR=0");
    // A second run replaces all of it, also what dbt's views hang on; what the first one's script wrote stays.
    shop.run(&["run"]).expect(0);
    assert_eq!(shop.query("select * from shop.top"), json!([["cid"]]));
    assert_eq!(shop.query("select count(*) from shop.log"), json!([[2]]));
    assert_eq!(
        shop.query("select count(*) from pg_class where relname like 'fal%'"),
        json!([[0]])
    );
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_model_that_fails_after_its_write_leaves_the_old_table() {
    let shop = Shop::new("fails");
    shop.run(&["generate"]).expect(0);
    shop.dbt(&["seed"]).expect(0);
    shop.run(&["run", "--select", "stg_orders", "totals"])
        .expect(0);
    let code = "orders = ref('stg_orders')\nwrite_to_model(orders[['id']])\nraise ValueError('too late')\n";
    shop.project.write("models/totals.py", code);
    let ended = shop.run(&["run", "--select", "totals"]);
    ended.expect(1).says("ValueError: too late");
    let columns =
        "select attname from pg_attribute where attrelid = 'shop.totals'::regclass and attnum > 0";
    assert_eq!(
        shop.query(columns),
        json!([["customer"], ["amount"], ["scaled"]])
    );
}
