//! The `manifest.json` of an earlier run, which `state:` compares with.
//!
//! dbt compares nodes as it knows them. So where that manifest shows scripts as Python, dbt gets a copy
//! in which they are stubs, with the text that their stubs have now; and whether the code has changed
//! is answered here.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use fal_files::Root;
use fal_project::{DbtProject, ModelFile};
use fal_report::ReportError;
use serde_json::{Value, value::to_raw_value};

use super::{FILE, Manifest, Node, ScriptModel, invalid, is_python, read, write};

/// The flag, which has its value as the next word.
const FLAG: &str = "--state";
/// Where the copy is, below the target folder.
const COPY: &str = "fal/state";
/// What else dbt reads of an earlier state.
const OTHERS: [&str; 2] = ["run_results.json", "sources.json"];

/// The artifacts of an earlier run.
pub(crate) struct EarlierState {
    folder: PathBuf,
    copy: PathBuf,
    manifest: Manifest,
    /// Its nodes in Python, by unique id.
    python: HashMap<String, Node>,
}

/// What the earlier state says of the code of scripts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Compared {
    /// Unique ids of those with another code.
    pub(crate) changed: HashSet<String>,
    /// Names of those whose code it does not have, since dbt alone wrote it.
    pub(crate) unknown: Vec<String>,
}

impl EarlierState {
    /// Reads what `--state` names among words for dbt, and has dbt compare with a copy where that is needed.
    /// Returns `None` without the flag, and where dbt will say what is wrong with it.
    pub(crate) fn read(words: &mut [String], target: &Path) -> Result<Option<Self>, ReportError> {
        let flag = words.iter().rposition(|word| value_of(word).is_some());
        let Some((flag, rest)) = flag.and_then(|flag| words[flag..].split_first_mut()) else {
            return Ok(None);
        };
        let folder = match (value_of(flag), rest.first()) {
            (Some(""), Some(word)) => PathBuf::from(word),
            (Some(""), None) | (None, _) => return Ok(None),
            (Some(folder), _) => PathBuf::from(folder),
        };
        let copy = target.join(COPY);
        let file = folder.join(FILE);
        let Ok(Some(bytes)) = read(&file) else {
            return Ok(None);
        };
        let parsed = || -> serde_json::Result<_> {
            let manifest = Manifest::parse(&bytes)?;
            // Most nodes are SQL: they need no look at their parts.
            let nodes = manifest.nodes.iter();
            let nodes = nodes.filter(|(_, text)| text.get().contains("\"python\""));
            let mut python = HashMap::new();
            for (unique_id, text) in nodes {
                let node: Node = serde_json::from_str(text.get())?;
                if is_python(&node) {
                    python.insert(unique_id.clone(), node);
                }
            }
            Ok((manifest, python))
        };
        let (manifest, python) = parsed().map_err(|source| invalid(&file, source))?;
        if !python.is_empty() {
            let copy = copy.display().to_string();
            match rest.first_mut().filter(|_| flag == FLAG) {
                Some(word) => *word = copy,
                None => *flag = format!("{FLAG}={copy}"),
            }
        }
        Ok(Some(Self {
            folder,
            copy,
            manifest,
            python,
        }))
    }

    /// Writes the copy that dbt reads, with the stubs of these models.
    pub(crate) fn write_copy(
        &self,
        project: &DbtProject,
        models: &[ModelFile],
    ) -> Result<(), ReportError> {
        if self.python.is_empty() {
            return Ok(());
        }
        let mut manifest = self.manifest.clone();
        let mut encode = || {
            for (unique_id, node) in &self.python {
                if let Some(stub) = stub_of(project, models, node) {
                    let text = to_raw_value(&stub)?;
                    manifest.nodes.insert(unique_id.clone(), text);
                }
            }
            manifest.to_vec()
        };
        let encoded = encode().map_err(|cause| invalid(&self.copy.join(FILE), cause))?;
        write(&self.copy, FILE, &encoded)?;
        for name in OTHERS {
            let path = self.copy.join(name);
            let copied =
                Root::open(&self.copy).and_then(|root| match fs::exists(self.folder.join(name))? {
                    true => root
                        .write(
                            name,
                            &fal_files::read(&self.folder.join(name), fal_files::DATA)?,
                        )
                        .map(drop),
                    false if fs::exists(&path)? => root.remove_file(name),
                    false => Ok(()),
                });
            copied.map_err(|source| ReportError::Write { path, source })?;
        }
        Ok(())
    }

    /// Compares the code of scripts.
    pub(crate) fn compare(&self, scripts: &[ScriptModel]) -> Compared {
        let mut compared = Compared::default();
        for script in scripts {
            let Some(code) = &script.code else {
                continue;
            };
            if let Some(node) = self.python.get(&script.unique_id) {
                let before = node.get("raw_code").and_then(Value::as_str);
                if before.map(plain) != Some(plain(code)) {
                    compared.changed.insert(script.unique_id.clone());
                }
            } else if self.manifest.nodes.contains_key(&script.unique_id) {
                compared.unknown.push(script.name.clone());
            }
        }
        compared
    }
}

/// Returns what follows `--state=` in a word; nothing, for the flag alone.
fn value_of(word: &str) -> Option<&str> {
    match word.strip_prefix(FLAG)? {
        "" => Some(""),
        rest => rest.strip_prefix('='),
    }
}

/// Returns the text with line ends of one kind, and no space around it.
fn plain(code: &str) -> String {
    code.trim().replace("\r\n", "\n")
}

/// Returns a script's node as dbt would have written it, with the stub that it has now.
fn stub_of(project: &DbtProject, models: &[ModelFile], node: &Node) -> Option<Node> {
    let text = |name: &str| node.get(name).and_then(Value::as_str);
    let (package, path) = (text("package_name")?, text("original_file_path")?);
    let file = project.path_of(package, path);
    let by_path = models.iter().find(|model| model.path == file);
    // A file that was moved keeps its name.
    let by_name = || {
        models
            .iter()
            .find(|model| Some(&*model.name) == text("name"))
    };
    let model = by_path.or_else(by_name)?;
    let stub_path = model.stub_path.as_deref()?;
    let stub = fal_files::read_text(&project.root.join(stub_path), fal_files::TEXT).ok()?;
    let folder = file.strip_suffix(path)?;
    let stub_path = stub_path.strip_prefix(folder).unwrap_or(stub_path);
    let mut node = node.clone();
    let texts = [
        ("language", "sql"),
        ("raw_code", stub.trim()),
        ("original_file_path", stub_path),
    ];
    for (name, text) in texts {
        node.insert(name.to_owned(), text.into());
    }
    node.insert("relation_name".to_owned(), Value::Null);
    if let Some(Value::Object(config)) = node.get_mut("config") {
        config.insert("materialized".to_owned(), "ephemeral".into());
    }
    Some(node)
}

#[cfg(test)]
mod tests;
