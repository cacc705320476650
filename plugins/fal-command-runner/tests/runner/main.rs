//! The runner with real commands and scripts that stand in for those of leases.

mod bundles;
mod docs;
mod ends;
mod output;
mod retries;
mod stand;
mod stopping;
