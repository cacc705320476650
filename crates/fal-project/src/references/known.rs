//! The names that the project's files define, and the reasons why there may be others.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fs,
    path::Path,
};

use fal_plugin::payload::DependencyKind;
use serde_json::Value;

use super::complaint::Missing;
use crate::{
    config::{
        DbtProject,
        yaml::{self, Kind, Node},
    },
    generate::Generated,
    schemas::{SchemaFile, named},
    switched_off::SwitchedOff,
};

/// Names of models, seeds, snapshots and sources.
#[derive(Default)]
pub struct KnownNames {
    project: String,
    /// The names that each package has; the project is one of them.
    refs: HashMap<String, HashSet<String>>,
    disabled: HashSet<String>,
    /// The names of SQL models with their files.
    sql: HashMap<String, String>,
    root: std::path::PathBuf,
    sources: BTreeSet<(String, String)>,
    /// Reasons why there may be names that no file defines.
    doubts: Vec<&'static str>,
    /// The same, for sources.
    source_doubts: Vec<&'static str>,
}

impl KnownNames {
    /// Reads the names of the project and of its installed packages.
    pub fn read(project: &DbtProject, generated: &Generated) -> Self {
        let mut known = Self {
            project: project.name.clone(),
            root: project.root.clone(),
            ..Self::default()
        };
        let schemas = crate::schemas::read(project, &generated.schemas);
        let off = SwitchedOff::read(project, &schemas);
        let own = known.refs.entry(project.name.clone()).or_default();
        // The models of packages are added with their packages.
        let packages = format!("{}/", project.packages_path);
        let of_project = |path: &str| !path.starts_with(&packages);
        own.extend(
            generated
                .models
                .iter()
                .filter(|model| of_project(&model.path))
                .map(|model| model.name.clone()),
        );
        own.extend(
            generated
                .wrong
                .iter()
                .filter(|file| of_project(&file.path))
                .map(|file| file.name.clone()),
        );
        own.extend(generated.sql.iter().map(|(name, _)| name.clone()));
        for (name, path) in &generated.sql {
            let roots = project
                .model_paths
                .iter()
                .filter_map(|root| path.strip_prefix(root.as_str())?.strip_prefix('/'));
            if roots
                .min_by_key(|below| below.len())
                .is_some_and(|below| off.has(below, name))
            {
                known.disabled.insert(name.clone());
            }
            known.sql.insert(name.clone(), path.clone());
        }
        let python_off = generated
            .models
            .iter()
            .filter(|model| generated.switched_off.contains(&model.path));
        known
            .disabled
            .extend(python_off.map(|model| model.name.clone()));
        let paths = Paths::read(&project.root);
        below(&project.root, &project.model_paths)
            .iter()
            .for_each(|file| known.add(&project.name, file.strip_suffix(".sql")));
        known.files(&project.name, &project.root, &paths);
        schemas
            .iter()
            .for_each(|schema| known.schema(&project.name, schema));
        known.packages_of(project);
        known.doubt(project, &paths);
        known
    }

    /// Returns the names of seeds and snapshots of the project, with a description of each for
    /// messages.
    pub(crate) fn seeds_and_snapshots(project: &DbtProject) -> HashMap<String, String> {
        let paths = Paths::read(&project.root);
        let seeds = below(&project.root, &paths.seeds)
            .into_iter()
            .filter_map(|path| {
                let stem = path.strip_suffix(".csv")?;
                Some((
                    stem.rsplit('/').next().unwrap_or(stem).to_owned(),
                    format!("the seed {path}"),
                ))
            });
        let snapshots = below(&project.root, &paths.snapshots)
            .into_iter()
            .filter(|path| path.ends_with(".sql"));
        let snapshots = snapshots.flat_map(|path| {
            let text = fal_files::read_text(&project.root.join(&path), fal_files::TEXT)
                .unwrap_or_default();
            snapshots_in(&text)
                .into_iter()
                .map(move |name| (name, format!("a snapshot of {path}")))
        });
        seeds.chain(snapshots).collect()
    }

    /// Returns why a `ref` leads nowhere.
    pub(super) fn missing_ref(&self, package: Option<&String>, name: &str) -> Option<Missing> {
        let found = match package {
            Some(package) => match self.refs.get(package) {
                Some(names) => names.contains(name),
                None => return Some(Missing::Package),
            },
            None => self.refs.values().any(|names| names.contains(name)),
        };
        if !found {
            return Some(Missing::Unknown);
        }
        if package.is_some_and(|package| *package != self.project) {
            return None;
        }
        if self.disabled.contains(name) {
            return Some(Missing::Disabled);
        }
        let text = fal_files::read_text(&self.root.join(self.sql.get(name)?), fal_files::TEXT)
            .unwrap_or_default();
        let text: String = text.to_lowercase().split_whitespace().collect();
        text.contains("enabled=false")
            .then_some(Missing::PerhapsDisabled)
    }

    /// Returns why a `source` leads nowhere.
    pub(super) fn missing_source(&self, source: &str, table: &str) -> Option<Missing> {
        let found = self
            .sources
            .contains(&(source.to_owned(), table.to_owned()));
        (!found).then_some(Missing::Unknown)
    }

    /// Returns the reasons why there may be names of this kind that are not known here.
    pub(super) fn doubts(&self, kind: DependencyKind) -> Vec<&'static str> {
        let more = if kind == DependencyKind::Source {
            self.source_doubts.as_slice()
        } else {
            &[]
        };
        self.doubts.iter().chain(more).copied().collect()
    }

    pub(super) fn refs(&self) -> Vec<&str> {
        self.refs.values().flatten().map(String::as_str).collect()
    }

    pub(super) fn packages(&self) -> Vec<&str> {
        self.refs.keys().map(String::as_str).collect()
    }

    pub(super) fn sources(&self) -> Vec<String> {
        self.sources
            .iter()
            .map(|(source, table)| format!("{source}.{table}"))
            .collect()
    }

    /// Adds the seeds and snapshots of a project, and the names in its schema files.
    fn files(&mut self, package: &str, root: &Path, paths: &Paths) {
        for file in below(root, &paths.seeds) {
            self.add(package, file.strip_suffix(".csv"));
        }
        for file in below(root, &paths.snapshots)
            .iter()
            .filter(|file| file.ends_with(".sql"))
        {
            let text = fal_files::read_text(&root.join(file), fal_files::TEXT).unwrap_or_default();
            self.refs
                .entry(package.to_owned())
                .or_default()
                .extend(snapshots_in(&text));
        }
        let others = [&paths.seeds, &paths.snapshots, &paths.others]
            .into_iter()
            .flat_map(|folders| below(root, folders));
        for path in others.filter(|path| path.ends_with(".yml") || path.ends_with(".yaml")) {
            let text = fal_files::read_text(&root.join(&path), fal_files::TEXT).unwrap_or_default();
            self.schema(package, &SchemaFile { path, text });
        }
    }

    fn add(&mut self, package: &str, stem: Option<&str>) {
        let name = stem.map(|stem| stem.rsplit('/').next().unwrap_or(stem).to_owned());
        self.refs
            .entry(package.to_owned())
            .or_default()
            .extend(name);
    }

    fn schema(&mut self, package: &str, schema: &SchemaFile) {
        let speaks = ["sources", "snapshots", "versions"]
            .iter()
            .any(|word| schema.text.contains(word));
        let Some(tree) = speaks.then(|| schema.tree()).flatten() else {
            return;
        };
        let versioned = named(&tree, "models")
            .into_iter()
            .filter(|(_, entry)| entry.get("versions").is_some());
        let names = versioned
            .chain(named(&tree, "snapshots"))
            .map(|(name, _)| name.to_owned());
        self.refs
            .entry(package.to_owned())
            .or_default()
            .extend(names);
        for source in list(tree.get("sources")) {
            let Some(source_name) = source.get("name").and_then(scalar) else {
                continue;
            };
            for table in list(source.get("tables")) {
                let Some(name) = table.get("name").and_then(scalar) else {
                    continue;
                };
                if source_name.contains("{{") || name.contains("{{") {
                    self.source_doubts
                        .push("a schema file names sources by Jinja");
                }
                self.sources.insert((source_name.clone(), name));
            }
        }
        self.source_doubts.dedup();
    }

    fn packages_of(&mut self, project: &DbtProject) {
        let folder = project.root.join(&project.packages_path);
        let installed = fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path());
        for root in installed.filter(|root| root.join("dbt_project.yml").is_file()) {
            let paths = Paths::read(&root);
            let Some(name) = &paths.name else { continue };
            self.refs.entry(name.clone()).or_default();
            for file in below(&root, &paths.models) {
                let stem = [".sql", ".py", ".ipynb"]
                    .iter()
                    .find_map(|end| file.strip_suffix(end));
                self.add(name, stem);
                if file.ends_with(".yml") || file.ends_with(".yaml") {
                    let text = fal_files::read_text(&root.join(&file), fal_files::TEXT)
                        .unwrap_or_default();
                    self.schema(name, &SchemaFile { path: file, text });
                }
            }
            self.files(name, &root, &paths);
        }
    }

    fn doubt(&mut self, project: &DbtProject, paths: &Paths) {
        let root = &project.root;
        let declared = ["packages.yml", "dependencies.yml"]
            .iter()
            .any(|file| root.join(file).exists());
        if declared && !root.join(&project.packages_path).is_dir() {
            self.doubts.push("the project's packages are not installed");
        }
        let dependencies = fal_files::read_text(&root.join("dependencies.yml"), fal_files::TEXT)
            .unwrap_or_default();
        if dependencies.contains("projects") || root.join("dbt_loom.config.yml").exists() {
            self.doubts.push("the project reads other projects");
        }
        let macros = below(root, &paths.macros)
            .into_iter()
            .chain(below(root, std::slice::from_ref(&project.packages_path)));
        let overrides = |file: &String| {
            let text = fal_files::read_text(&root.join(file), fal_files::TEXT).unwrap_or_default();
            let text: String = text.split_whitespace().collect();
            text.contains("macroref(") || text.contains("macrosource(")
        };
        if macros
            .filter(|file| file.ends_with(".sql"))
            .any(|file| overrides(&file))
        {
            self.doubts
                .push("a macro of the project replaces `ref` or `source`");
        }
    }
}

/// Returns the names of the snapshot blocks of a SQL file.
fn snapshots_in(text: &str) -> Vec<String> {
    let blocks = text.split("{%").skip(1).filter_map(|block| {
        block
            .trim_start_matches('-')
            .trim_start()
            .strip_prefix("snapshot ")
    });
    let name = |block: &str| {
        block
            .trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    blocks.map(name).collect()
}

/// The folders of a project, by what they hold.
struct Paths {
    name: Option<String>,
    models: Vec<String>,
    seeds: Vec<String>,
    snapshots: Vec<String>,
    macros: Vec<String>,
    /// Further folders that hold schema files.
    others: Vec<String>,
}

impl Paths {
    fn read(root: &Path) -> Self {
        let text = fal_files::read_text(&root.join("dbt_project.yml"), fal_files::TEXT)
            .unwrap_or_default();
        let tree = yaml::parse("dbt_project.yml", &text).unwrap_or(Node {
            line: 1,
            kind: Kind::Null,
        });
        let paths = |key: &str, default: &str| match tree.get(key).map(|node| list(Some(node))) {
            Some(nodes) if !nodes.is_empty() => nodes.iter().filter_map(scalar).collect(),
            _ => vec![default.to_owned()],
        };
        let macros = paths("macro-paths", "macros");
        let others = [
            paths("analysis-paths", "analyses"),
            paths("test-paths", "tests"),
            macros.clone(),
        ]
        .concat();
        Self {
            name: tree.get("name").and_then(scalar),
            models: paths("model-paths", "models"),
            seeds: paths("seed-paths", "seeds"),
            snapshots: paths("snapshot-paths", "snapshots"),
            macros,
            others,
        }
    }
}

fn list(node: Option<&Node>) -> &[Node] {
    match node.map(|node| &node.kind) {
        Some(Kind::List(items)) => items,
        _ => &[],
    }
}

/// Returns the text of a name. YAML reads names such as `2024` as numbers or dates.
fn scalar(node: &Node) -> Option<String> {
    match &node.kind {
        Kind::Scalar(Value::String(text)) => Some(text.clone()),
        Kind::Scalar(other) => Some(other.to_string()),
        Kind::Null | Kind::List(_) | Kind::Map(_) => None,
    }
}

/// The depth of the search. dbt follows links to folders, which may lead in circles.
const DEEPEST: usize = 32;

/// Returns all files below these folders, by their paths below the root.
fn below(root: &Path, folders: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Vec<String> = folders
        .iter()
        .map(|folder| folder.trim_matches('/').to_owned())
        .collect();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(root.join(&folder))
            .into_iter()
            .flatten()
            .flatten()
        {
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let path = if folder.is_empty() {
                name
            } else {
                format!("{folder}/{name}")
            };
            let target = entry.path();
            if target.is_dir() && path.matches('/').count() < DEEPEST {
                open.push(path);
            } else if target.is_file() {
                found.push(path);
            }
        }
    }
    found
}
