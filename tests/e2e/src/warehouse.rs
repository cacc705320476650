//! The database of a project: the DuckDB file of its profile, or a new database on the tests'
//! PostgreSQL server.

use std::{
    env,
    path::Path,
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::Value;

use crate::python::python;

/// Where a project's tables are.
#[derive(Clone, Debug, Default)]
pub(crate) enum Warehouse {
    /// The file that its profile names.
    #[default]
    DuckDb,
    /// A database of the server that `FAL_TEST_POSTGRES` names.
    Postgres(Database),
}

/// A database of PostgreSQL.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    host: String,
    port: String,
    user: String,
    name: String,
}

impl Database {
    /// Creates a database.
    pub(crate) fn create() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let address = env::var("FAL_TEST_POSTGRES").expect(
            "this test needs FAL_TEST_POSTGRES: the address of a PostgreSQL server. `cargo xtask test` starts one",
        );
        let name = format!(
            "e2e_{}_{}",
            process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let server = Self::parse(&address)
            .unwrap_or_else(|| panic!("FAL_TEST_POSTGRES is no address: {address}"));
        server.query(&format!("create database {name}"));
        Self { name, ..server }
    }

    /// `postgresql://USER@HOST:PORT/DATABASE`, where the host may be the folder of a socket.
    fn parse(address: &str) -> Option<Self> {
        let (user, rest) = address.strip_prefix("postgresql://")?.split_once('@')?;
        let (host, rest) = rest.split_once(':')?;
        let (port, name) = rest.split_once('/')?;
        let [user, port, name] = [user, port, name].map(str::to_owned);
        Some(Self {
            host: host.replace("%2F", "/"),
            port,
            user,
            name,
        })
    }

    /// As libpq reads it.
    pub(crate) fn conninfo(&self) -> String {
        format!(
            "host={} port={} user={} dbname={}",
            self.host, self.port, self.user, self.name
        )
    }

    /// The variables that profiles for PostgreSQL read here.
    pub(crate) fn variables(&self) -> [(&'static str, &str); 5] {
        [
            ("PGHOST", &self.host),
            ("PGPORT", &self.port),
            ("PGUSER", &self.user),
            ("PGPASSWORD", "unused"),
            ("PGDATABASE", &self.name),
        ]
    }

    fn query(&self, sql: &str) -> Value {
        python(
            include_str!("python/query_postgres.py"),
            &[&self.conninfo(), sql],
        )
    }
}

impl Warehouse {
    /// Rows of a query, as JSON lists; values that JSON lacks as text.
    #[track_caller]
    pub(crate) fn query(&self, root: &Path, sql: &str) -> Value {
        match self {
            Self::DuckDb => python(include_str!("python/query.py"), &[&file(root), sql]),
            Self::Postgres(database) => database.query(sql),
        }
    }

    /// How `python/differences.py` opens it.
    pub(crate) fn address(&self, root: &Path) -> String {
        match self {
            Self::DuckDb => format!("duckdb:{}", file(root)),
            Self::Postgres(database) => format!("postgres:{}", database.conninfo()),
        }
    }
}

/// The example's profile is named after its project.
fn file(root: &Path) -> String {
    let [shop, example] = ["shop.duckdb", "jaffle_shop.duckdb"].map(|name| root.join(name));
    if example.exists() { example } else { shop }
        .display()
        .to_string()
}

/// A profile with the target and schema names of the fixture projects.
pub(crate) const PROFILE: &str = "\
shop:
  target: dev
  outputs:
    dev: &dev
      type: postgres
      host: \"{{ env_var('PGHOST') }}\"
      port: \"{{ env_var('PGPORT') | int }}\"
      user: \"{{ env_var('PGUSER') }}\"
      password: \"{{ env_var('PGPASSWORD') }}\"
      dbname: \"{{ env_var('PGDATABASE') }}\"
      schema: main
      threads: 2
    prod: {<<: *dev, schema: prod, threads: 1}
";
