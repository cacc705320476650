//! Tests the runner with real commands and with scripts in place of leases' scripts.

mod bundles;
mod docs;
mod ends;
mod output;
mod retries;
mod stand;
mod stopping;
