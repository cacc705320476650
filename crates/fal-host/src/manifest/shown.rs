//! The manifest with scripts and notebooks as the tables that they make.

use std::{collections::HashSet, path::Path};

use fal_report::ReportError;
use indexmap::IndexMap;
use serde_json::{Value, json, value::to_raw_value};
use sha2::{Digest, Sha256};

use super::{FILE, Node, Texts, invalid, is_python, part, read, write};

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
    let is_dbts = !is_ours(&found, models).map_err(|source| invalid(&of_target, source))?;
    let own = match is_dbts {
        true => found.clone(),
        // Nothing was parsed since ours was written, but the code may have changed.
        false => match read(&of_dbt)? {
            Some(own) => own,
            None => return Ok(()),
        },
    };
    let ours = with_models(&own, models).map_err(|source| invalid(&of_dbt, source))?;
    if is_dbts && read(&of_dbt)?.as_ref() != Some(&own) {
        write(target, OF_DBT, &own)?;
    }
    if ours == found {
        return Ok(());
    }
    write(target, FILE, &ours)
}

/// Returns whether some of the models are in a manifest as what they are.
fn is_ours(manifest: &[u8], models: &[PythonNode]) -> serde_json::Result<bool> {
    let parts: Texts = serde_json::from_slice(manifest)?;
    let nodes: Texts = part(&parts, "nodes")?;
    let mut found = models
        .iter()
        .filter_map(|model| nodes.get(&model.unique_id));
    found.try_fold(false, |is_ours, node| {
        Ok(is_ours || is_python(&serde_json::from_str(node.get())?))
    })
}

/// Returns dbt's manifest with these models.
fn with_models(manifest: &[u8], models: &[PythonNode]) -> serde_json::Result<Vec<u8>> {
    let mut parts: Texts = serde_json::from_slice(manifest)?;
    let mut nodes: Texts = part(&parts, "nodes")?;
    let mut parents: IndexMap<String, Vec<String>> = part(&parts, "parent_map")?;
    let mut children: IndexMap<String, Vec<String>> = part(&parts, "child_map")?;
    for model in models {
        // A model that is switched off is no node.
        let Some(text) = nodes.get_mut(&model.unique_id) else {
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
    parts.insert("nodes".to_owned(), to_raw_value(&nodes)?);
    // An engine may write a manifest without these.
    for (name, map) in [("parent_map", parents), ("child_map", children)] {
        if parts.contains_key(name) {
            parts.insert(name.to_owned(), to_raw_value(&map)?);
        }
    }
    serde_json::to_vec(&parts)
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
