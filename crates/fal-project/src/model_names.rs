//! Names that models cannot have: those that dbt refuses, and those that another file has.

use std::collections::HashMap;

use crate::{
    config::{
        DbtProject,
        yaml::{self, Kind},
    },
    diagnostics::FileDiagnostic,
    generate::Generated,
    references::KnownNames,
};

/// Returns an error for each Python model or notebook whose name dbt refuses or ignores, and a
/// problem for each that has the name of a seed or snapshot.
pub fn refused_names(project: &DbtProject, generated: &Generated) -> Vec<FileDiagnostic> {
    let spaces = allows_spaces(project);
    let models = generated
        .models
        .iter()
        .filter(|model| !generated.switched_off.contains(&model.path));
    let models: Vec<_> = models.collect();
    let others: HashMap<String, String> = match models.is_empty() {
        true => HashMap::new(),
        false => KnownNames::seeds_and_snapshots(project),
    };
    let mut problems = Vec::new();
    for model in models {
        let wrong = if model.name.contains(' ') && !spaces {
            let name = model
                .name
                .split_whitespace()
                .collect::<Vec<_>>()
                .join("_")
                .to_lowercase();
            Some((
                "dbt allows no spaces in a model's name".to_owned(),
                format!("rename the file, to `{name}` say"),
            ))
        } else if model.name.starts_with(['#', '~']) {
            let help = "rename the file, or list it in .dbtignore".to_owned();
            Some((
                "dbt ignores files whose names begin with `#` or `~`".to_owned(),
                help,
            ))
        } else {
            None
        };
        if let Some((message, help)) = wrong {
            problems
                .push(FileDiagnostic::error(&model.path, "model::name", message).with_help(help));
        }
        if let Some(other) = others.get(&model.name) {
            let message = format!(
                "`{}` is also the name of {other}: `ref` cannot tell them apart",
                model.name
            );
            problems.push(FileDiagnostic::warning(&model.path, "model::duplicate", message).with_help(format!(
                "rename one of them: dbt refuses two of one name in one schema, {} and {other}",
                model.path
            )));
        }
    }
    problems
}

/// `flags: require_resource_names_without_spaces: false` of dbt_project.yml.
fn allows_spaces(project: &DbtProject) -> bool {
    let text = fal_files::read_text(&project.root.join("dbt_project.yml"), fal_files::TEXT)
        .unwrap_or_default();
    let tree = yaml::parse("dbt_project.yml", &text).ok();
    let flag = tree.as_ref().and_then(|tree| {
        tree.get("flags")?
            .get("require_resource_names_without_spaces")
    });
    flag.is_some_and(|flag| matches!(&flag.kind, Kind::Scalar(value) if *value == false))
}

/// Returns an error for every Python model whose name another file has. Both lists hold (name,
/// path) and are sorted by path.
pub(crate) fn duplicates(python: &[(&str, &str)], sql: &[(&str, &str)]) -> Vec<FileDiagnostic> {
    let mut owners: HashMap<&str, &str> = sql.iter().copied().collect();
    let mut problems = Vec::new();
    for (name, path) in python {
        match owners.get(name) {
            Some(other) => problems.push(duplicate(name, other, path)),
            None => {
                owners.insert(name, path);
            }
        }
    }
    problems
}

fn duplicate(name: &str, one: &str, other: &str) -> FileDiagnostic {
    let message = format!("the model `{name}` is defined twice: here and in {one}");
    FileDiagnostic::error(other, "model::duplicate", message).with_help(format!(
        "rename or remove {other} or {one}: a model has the name of its file"
    ))
}
