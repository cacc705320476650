//! Moves errors about stubs to the place in the file that the user wrote.

use fal_graph::{Cycle, DagError};
use fal_plugin::payload::{Dependency, DependencyKind, Diagnostic, Severity};
use fal_project::{
    DbtProject, FileDiagnostic, Generated, KnownNames, Missing, ModelFile, sql_refs, unknown,
};

use crate::error::HostError;

const CYCLE: &str = "graph::cycle";

/// Moves an error to the place in the user's file, where there is one.
pub(crate) fn explained(
    project: &DbtProject,
    generated: &Generated,
    error: HostError,
) -> HostError {
    match error {
        HostError::Backend { error } => match missing(project, generated, &error.message) {
            Some(problem) => HostError::Scripts {
                files: vec![problem],
            },
            None => {
                let message = without_stubs(generated, error.message);
                HostError::Backend {
                    error: fal_plugin::PluginError { message, ..error },
                }
            }
        },
        HostError::Dag(DagError::Cycle { cycles }) => {
            let files: Vec<_> = cycles
                .iter()
                .flat_map(|cycle| edges(project, generated, cycle))
                .collect();
            if files.is_empty() {
                HostError::Dag(DagError::Cycle { cycles })
            } else {
                HostError::Scripts { files }
            }
        }
        other => other,
    }
}

/// dbt's words for a `ref` or `source` that leads nowhere: "Model 'model.p.m' (models/fal/m.sql) depends on a node named
/// 'x' which was not found".
fn missing(project: &DbtProject, generated: &Generated, message: &str) -> Option<FileDiagnostic> {
    let (before, after) = message.split_once(" depends on a ")?;
    let (kind, rest) = after.split_once(" named '")?;
    let (target, rest) = rest.split_once('\'')?;
    let model = generated
        .models
        .iter()
        .find(|model| is_named(model, before))?;
    let kind = if kind == "source" {
        DependencyKind::Source
    } else {
        DependencyKind::Ref
    };
    let package = rest
        .split_once("in package or project '")
        .and_then(|(_, rest)| rest.split('\'').next());
    let reads = |dependency: &&Dependency| {
        let args = &dependency.args;
        let names = if kind == DependencyKind::Source {
            args.join(".")
        } else {
            args.last().cloned().unwrap_or_default()
        };
        dependency.kind == kind
            && names == target
            && package.is_none_or(|package| args.first().is_some_and(|one| one == package))
    };
    let dependency = model.analysis.dependencies.iter().find(reads)?;
    let missing = if rest.contains("which is disabled") {
        Missing::Disabled
    } else {
        Missing::Unknown
    };
    let problem = unknown(
        model,
        dependency,
        &missing,
        &KnownNames::read(project, generated),
    );
    let wrong = generated
        .wrong
        .iter()
        .find(|file| kind == DependencyKind::Ref && file.name == target);
    let help = match wrong {
        Some(file) => Some(format!(
            "{} is wrong, so dbt does not know it: see above",
            file.path
        )),
        None => problem.help,
    };
    Some(FileDiagnostic {
        severity: Severity::Error,
        help,
        ..problem
    })
}

fn is_named(model: &ModelFile, text: &str) -> bool {
    let file = model.stub_path.as_deref().unwrap_or(&model.path);
    text.contains(&format!("({file})"))
}

/// Replaces the paths of stubs in a text by those of the user's files.
fn without_stubs(generated: &Generated, message: String) -> String {
    let of_stub = |model: &ModelFile| Some((model.stub_path.clone()?, model.path.clone()));
    let stubs = generated
        .models
        .iter()
        .filter_map(of_stub)
        .filter(|(stub, _)| message.contains(stub.as_str()));
    let stubs: Vec<_> = stubs.collect();
    stubs.into_iter().fold(message, |message, (stub, file)| {
        message.replace(&stub, &file)
    })
}

/// Reports each edge of a cycle at the line that makes it.
fn edges(project: &DbtProject, generated: &Generated, cycle: &Cycle) -> Vec<FileDiagnostic> {
    let names: Vec<&str> = cycle
        .nodes
        .iter()
        .map(|id| id.splitn(3, '.').nth(2).unwrap_or(id))
        .collect();
    let around = names
        .iter()
        .chain(names.first())
        .copied()
        .collect::<Vec<_>>()
        .join(" -> ");
    let pairs = (0..names.len()).map(|at| (names[at], names[(at + 1) % names.len()]));
    pairs
        .filter_map(|(read, reader)| edge(project, generated, read, reader, &around))
        .collect()
}

fn edge(
    project: &DbtProject,
    generated: &Generated,
    read: &str,
    reader: &str,
    around: &str,
) -> Option<FileDiagnostic> {
    let is_self = read == reader;
    let message = if is_self {
        format!("the model `{reader}` reads itself: no model can wait for its own end")
    } else {
        format!("`{reader}` reads `{read}`, and so waits for itself: {around}")
    };
    let help = if is_self {
        "its table as an earlier run left it: `execute_sql(f\"select * from {this}\")`, where there is one; as this run writes it: \
         `ref(context.current_model.name)` behind the write"
    } else {
        "break the circle at one of these lines"
    };
    if let Some(model) = generated.models.iter().find(|model| model.name == reader) {
        let reads = |dependency: &&Dependency| {
            dependency.kind == DependencyKind::Ref && names(dependency, read)
        };
        let dependency = model.analysis.dependencies.iter().find(reads)?;
        let diagnostic = Diagnostic {
            code: CYCLE.to_owned(),
            severity: Severity::Error,
            message,
            labels: Vec::new(),
            help: Some(help.to_owned()),
            cell: None,
        };
        return Some(model.complain(diagnostic, dependency.span, "read here"));
    }
    let (_, path) = generated.sql.iter().find(|(name, _)| name == reader)?;
    let text = fal_files::read_text(&project.root.join(path), fal_files::TEXT).unwrap_or_default();
    let problem = FileDiagnostic::error(path, CYCLE, message).with_help(help);
    let line = sql_refs(&text)
        .into_iter()
        .find(|one| one.name == read)
        .map(|one| one.line);
    Some(line.map_or_else(
        || problem.clone(),
        |line| problem.clone().with_line(&text, line, "read here"),
    ))
}

fn names(dependency: &Dependency, model: &str) -> bool {
    let name = dependency.args.last();
    // Of a versioned model the id has the version, too: `people.v2`.
    name.is_some_and(|name| {
        model == name
            || model
                .strip_prefix(name.as_str())
                .is_some_and(|rest| rest.starts_with(".v"))
    })
}

/// Finds the cycles of Python models with each other and with SQL, as far as the text of the files shows.
pub(crate) fn cycles(project: &DbtProject, generated: &Generated) -> Vec<FileDiagnostic> {
    let reading = generated
        .models
        .iter()
        .filter(|model| !generated.switched_off.contains(&model.path));
    let reading: Vec<&ModelFile> = reading.collect();
    if reading.is_empty() {
        return Vec::new();
    }
    let node = |name: &str, parents: Vec<&str>| fal_graph::GraphNode {
        unique_id: format!("model.{}.{name}", project.name),
        name: name.to_owned(),
        resource_type: "model".to_owned(),
        depends_on: parents
            .iter()
            .map(|parent| format!("model.{}.{parent}", project.name))
            .collect(),
        ..fal_graph::GraphNode::default()
    };
    let own = |package: Option<&str>| package.is_none_or(|package| package == project.name);
    let mut nodes = std::collections::BTreeMap::new();
    for (name, path) in &generated.sql {
        let text =
            fal_files::read_text(&project.root.join(path), fal_files::TEXT).unwrap_or_default();
        let refs = sql_refs(&text);
        let parents = refs
            .iter()
            .filter(|one| own(one.package.as_deref()))
            .map(|one| one.name.as_str())
            .collect();
        nodes.insert(name.clone(), node(name, parents));
    }
    for model in &reading {
        let refs = model
            .analysis
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind == DependencyKind::Ref);
        let parents = refs.filter_map(|dependency| match dependency.args.as_slice() {
            [name] => Some(name.as_str()),
            [package, name] => own(Some(package)).then_some(name.as_str()),
            _ => None,
        });
        nodes.insert(model.name.clone(), node(&model.name, parents.collect()));
    }
    let mut builder = fal_graph::DagBuilder::new(&project.name);
    builder.nodes(nodes.into_values());
    let Err(DagError::Cycle { cycles }) = builder.build() else {
        return Vec::new();
    };
    let is_python = |id: &String| {
        reading
            .iter()
            .any(|model| id.ends_with(&format!(".{}", model.name)))
    };
    let with_python = cycles
        .iter()
        .filter(|cycle| cycle.nodes.iter().any(is_python));
    with_python
        .flat_map(|cycle| {
            let certain = cycle.nodes.iter().all(is_python);
            let severity = if certain {
                Severity::Error
            } else {
                Severity::Warning
            };
            edges(project, generated, cycle)
                .into_iter()
                .map(move |problem| FileDiagnostic {
                    severity,
                    ..problem
                })
        })
        .collect()
}
