//! `fal-host env clean`.
//!
//! Projects share the cache, so the list of one project does not show what others need. Without names the
//! command removes environments that nothing used for long, and builds that did not finish.

use std::time::{Duration, SystemTime};

use fal_environments::{Cache, Entry, Key, Removal, State};

use super::defined::{Environments, cache, no_project, wrong};
use crate::{context::Context, error::CliError, exit::Ended};

const DAY: u64 = 24 * 60 * 60;

pub(super) fn clean(
    context: &Context,
    names: &[String],
    all: bool,
    unused_for: u64,
) -> Result<Ended, CliError> {
    let cache = cache()?;
    let keys = if names.is_empty() {
        let before =
            SystemTime::now().checked_sub(Duration::from_secs(unused_for.saturating_mul(DAY)));
        let old = |entry: &Entry| {
            entry
                .last_use
                .is_none_or(|at| before.is_some_and(|before| at < before))
        };
        let goes = |entry: &Entry| all || entry.state == State::Half || old(entry);
        cache
            .entries()
            .into_iter()
            .filter(goes)
            .map(|entry| entry.key)
            .collect()
    } else {
        named(context, names, &cache)?
    };
    if keys.is_empty() {
        context.output.status("Nothing to remove");
    }
    for key in &keys {
        let entry = cache.entry(key);
        let text = match cache.remove(key).map_err(|error| wrong(None, &error))? {
            Removal::Removed => "Removed",
            Removal::InUse => "In use, so it stays:",
        };
        context
            .output
            .status(&format!("{text} {key}{}", names_of(&entry)));
    }
    Ok(Ended::Well)
}

fn named(context: &Context, names: &[String], cache: &Cache) -> Result<Vec<Key>, CliError> {
    let environments = Environments::of_project(context)?.ok_or_else(no_project)?;
    let mut keys: Vec<_> = environments
        .named(names)?
        .into_iter()
        .map(|defined| defined.key.clone())
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys.retain(|key| cache.entry(key).state != State::Missing);
    Ok(keys)
}

fn names_of(entry: &Entry) -> String {
    let mut names: Vec<_> = entry.uses.iter().map(|used| used.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        String::new()
    } else {
        format!(" ({})", names.join(", "))
    }
}
