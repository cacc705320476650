//! `fal-host env list`.

use std::io;

use fal_environments::{Entry, State};
use fal_plugin::payload::EnvironmentKind;
use serde_json::{Value, json};

use super::defined::{Defined, Environments, cache};
use crate::{args::LogFormat, context::Context, error::CliError, exit::Ended};

/// A line of the list.
struct Row {
    /// Its name in this project; `None` for environments of others.
    name: Option<String>,
    kind: Option<EnvironmentKind>,
    entry: Entry,
    size: u64,
}

pub(super) fn list(context: &Context, output: LogFormat) -> Result<Ended, CliError> {
    let cache = cache()?;
    let defined = Environments::of_project(context)?
        .map(|environments| environments.defined)
        .unwrap_or_default();
    let own = |defined: &Defined| {
        Row::new(
            Some(defined.name.clone()),
            Some(defined.definition.kind()),
            cache.entry(&defined.key),
        )
    };
    let mut rows: Vec<_> = defined.iter().map(own).collect();
    let others = cache
        .entries()
        .into_iter()
        .filter(|entry| !defined.iter().any(|own| own.key == entry.key));
    rows.extend(others.map(|entry| Row::new(None, entry.kind, entry)));
    let text = match output {
        LogFormat::Json => {
            let rows: Vec<_> = rows.iter().map(Row::json).collect();
            serde_json::to_string_pretty(&rows).map_err(io::Error::other)? + "\n"
        }
        LogFormat::Text => table(&rows) + &format!("\nKept in {}\n", cache.root().display()),
    };
    context.output.data(&text)?;
    Ok(Ended::Well)
}

impl Row {
    fn new(name: Option<String>, kind: Option<EnvironmentKind>, entry: Entry) -> Self {
        let size = entry.size();
        Self {
            name,
            kind,
            entry,
            size,
        }
    }

    fn kind(&self) -> &'static str {
        match self.kind {
            Some(EnvironmentKind::Venv) => "venv",
            Some(EnvironmentKind::Conda) => "conda",
            None => "-",
        }
    }

    fn state(&self) -> &'static str {
        match self.entry.state {
            State::Ready => "ready",
            State::Building => "building",
            State::Half => "half built",
            State::Missing => "missing",
        }
    }

    fn json(&self) -> Value {
        let entry = &self.entry;
        let uses = entry
            .uses
            .iter()
            .map(|used| json!({ "project": used.project, "name": used.name }));
        json!({
            "name": self.name,
            "type": self.kind(),
            "key": entry.key,
            "state": self.state(),
            "python": entry.python,
            "path": entry.path,
            "size": self.size,
            "used_by": uses.collect::<Vec<_>>(),
        })
    }

    fn text(&self) -> String {
        let (entry, name) = (&self.entry, self.name.as_deref().unwrap_or("-"));
        let python = entry.python.as_deref().unwrap_or("-");
        let head = format!(
            "{name:<20} {:<6} {python:<8} {:<11} {:>8}  {}",
            self.kind(),
            self.state(),
            size(self.size),
            entry.key
        );
        let mut text = format!("{head}\n    {}\n", entry.path.display());
        for used in &entry.uses {
            text.push_str(&format!(
                "    used by {} as {}\n",
                used.project.display(),
                used.name
            ));
        }
        text
    }
}

fn table(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "No environments are defined or kept.\n".to_owned();
    }
    let head = format!(
        "{:<20} {:<6} {:<8} {:<11} {:>8}  KEY\n",
        "NAME", "TYPE", "PYTHON", "STATE", "SIZE"
    );
    head + &rows.iter().map(Row::text).collect::<String>()
}

/// In the unit that fits.
fn size(bytes: u64) -> String {
    match bytes {
        0 => "-".to_owned(),
        1..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        1_000_000..10_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_unit() {
        assert_eq!(
            [0, 1, 999_999, 2_500_000, 12_000_000_000].map(size),
            ["-", "1 kB", "1000 kB", "2 MB", "12 GB"]
        );
    }
}
