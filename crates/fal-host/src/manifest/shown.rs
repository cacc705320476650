//! The manifest with scripts and notebooks as the tables that they make.

use std::{collections::HashSet, path::Path};

use fal_report::ReportError;
use indexmap::IndexMap;
use serde_json::{Value, json, value::to_raw_value};
use sha2::{Digest, Sha256};

use super::{FILE, Manifest, Node, invalid, is_python, read, write};

/// dbt's own artifact, below the target folder.
const OF_DBT: &str = "fal/dbt/manifest.json";

/// A model that dbt knows by its stub.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PythonNode {
    /// dbt's id of it.
    pub(crate) unique_id: String,
    /// Its file below its package, with `/`.
    pub(crate) path: String,
    /// The same below its model path.
    pub(crate) path_in_model_path: String,
    /// Its Python code: of a notebook its code cells.
    pub(crate) code: String,
    /// Its table, quoted.
    pub(crate) relation_name: Option<String>,
    /// dbt's materialization of its rows: `table`, `incremental`, ...
    pub(crate) materialized: String,
    /// Unique ids of what it reads.
    pub(crate) parents: Vec<String>,
}

/// Replaces the nodes of `models` in the target folder's `manifest.json`, and keeps dbt's own. Does
/// nothing if there is none, or no such model.
pub(crate) fn write_manifest(target: &Path, models: &[PythonNode]) -> Result<(), ReportError> {
    if models.is_empty() {
        return Ok(());
    }
    let (of_target, of_dbt) = (target.join(FILE), target.join(OF_DBT));
    let Some(found) = read(&of_target)? else {
        return Ok(());
    };
    let parse =
        |bytes: &[u8], path: &Path| Manifest::parse(bytes).map_err(|source| invalid(path, source));
    let manifest = parse(&found, &of_target)?;
    let is_ours = is_ours(&manifest, models).map_err(|source| invalid(&of_target, source))?;
    let kept = read(&of_dbt)?;
    let own = match (is_ours, &kept) {
        (false, _) => manifest,
        // Nothing was parsed since ours was written, but the code may have changed.
        (true, Some(kept)) => parse(kept, &of_dbt)?,
        (true, None) => return Ok(()),
    };
    let ours = with_models(own, models).map_err(|source| invalid(&of_dbt, source))?;
    if !is_ours && kept.as_ref() != Some(&found) {
        write(target, OF_DBT, &found)?;
    }
    if ours == found {
        return Ok(());
    }
    write(target, FILE, &ours)
}

/// Returns whether some of the models are in a manifest as what they are.
fn is_ours(manifest: &Manifest, models: &[PythonNode]) -> serde_json::Result<bool> {
    let mut found = models
        .iter()
        .filter_map(|model| manifest.nodes.get(&model.unique_id));
    found.try_fold(false, |is_ours, node| {
        Ok(is_ours || is_python(&serde_json::from_str(node.get())?))
    })
}

/// Returns dbt's manifest with these models.
fn with_models(mut manifest: Manifest, models: &[PythonNode]) -> serde_json::Result<Vec<u8>> {
    let mut parents: IndexMap<String, Vec<String>> = manifest.part("parent_map")?;
    let mut children: IndexMap<String, Vec<String>> = manifest.part("child_map")?;
    for model in models {
        // A model that is switched off is no node.
        let Some(text) = manifest.nodes.get_mut(&model.unique_id) else {
            continue;
        };
        let mut node: Node = serde_json::from_str(text.get())?;
        for parent in show_model(&mut node, model) {
            let id = &model.unique_id;
            add(parents.entry(id.clone()).or_default(), &parent);
            add(children.entry(parent).or_default(), id);
        }
        *text = to_raw_value(&node)?;
    }
    // An engine may write a manifest without these.
    for (name, map) in [("parent_map", parents), ("child_map", children)] {
        if let Some(text) = manifest.parts.get_mut(name) {
            *text = to_raw_value(&map)?;
        }
    }
    manifest.to_vec()
}

fn add(ids: &mut Vec<String>, id: &str) {
    if !ids.iter().any(|known| known == id) {
        ids.push(id.to_owned());
    }
}

/// Replaces what a node says of its stub. Returns the parents that the stub does not have.
fn show_model(node: &mut Node, model: &PythonNode) -> Vec<String> {
    // As in dbt, without space around it.
    let code = model.code.trim();
    let own = |text: &str| Value::from(text);
    node.insert("path".to_owned(), own(&model.path_in_model_path));
    node.insert("original_file_path".to_owned(), own(&model.path));
    node.insert("language".to_owned(), own("python"));
    node.insert("raw_code".to_owned(), own(code));
    node.insert("checksum".to_owned(), checksum(code));
    let relation = model.relation_name.as_deref().map(Value::from);
    node.insert("relation_name".to_owned(), relation.unwrap_or_default());
    if let Some(Value::Object(config)) = node.get_mut("config") {
        config.insert("materialized".to_owned(), own(&model.materialized));
    }
    // Before a run dbt has compiled nothing, and these are not there.
    for name in ["compiled_code", "compiled_path"] {
        if let Some(of_stub) = node.get_mut(name) {
            *of_stub = match of_stub {
                Value::String(_) if name == "compiled_code" => own(code),
                _ => Value::Null,
            };
        }
    }
    let reads = node.entry("depends_on").or_insert_with(|| json!({}));
    let Some(reads) = reads.as_object_mut() else {
        return Vec::new();
    };
    let reads = reads.entry("nodes").or_insert_with(|| json!([]));
    let Some(reads) = reads.as_array_mut() else {
        return Vec::new();
    };
    let known: HashSet<String> = (reads.iter())
        .filter_map(|id| id.as_str().map(str::to_owned))
        .collect();
    let new = model.parents.iter().filter(|id| !known.contains(*id));
    let new: Vec<String> = new.cloned().collect();
    reads.extend(new.iter().map(|id| own(id)));
    new
}

/// Returns dbt's checksum of code.
pub(crate) fn checksum(code: &str) -> Value {
    let checksum = hex::encode(Sha256::digest(code.trim()));
    json!({"name": "sha256", "checksum": checksum})
}

#[cfg(test)]
mod tests;
