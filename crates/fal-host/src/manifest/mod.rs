//! dbt's `manifest.json`: what other programs read of Python models (`shown`), and what an earlier one
//! says of their code (`state`).
//!
//! dbt knows a script or notebook by its stub, an ephemeral SQL model without a relation. The
//! `manifest.json` in the target folder is dbt's with these nodes as the tables that they make, and
//! `fal/dbt/manifest.json` below it has dbt's own bytes.

mod shown;
mod state;

use std::{io, path::Path};

use fal_report::ReportError;
use indexmap::IndexMap;
use serde::de::DeserializeOwned;
use serde_json::{
    Map, Value,
    value::{RawValue, to_raw_value},
};

pub(crate) use self::{
    shown::{PythonNode, checksum, write_manifest},
    state::{Compared, EarlierState},
};

/// The artifact's name.
const FILE: &str = "manifest.json";

/// An object of JSON whose values are kept as text, since most of them stay as they are.
type Texts = IndexMap<String, Box<RawValue>>;

/// A node with all that dbt says of it.
type Node = Map<String, Value>;

/// A model whose node is that of its stub.
pub(crate) struct ScriptModel {
    pub(crate) unique_id: String,
    pub(crate) name: String,
    /// Below its package.
    pub(crate) path: String,
    /// As it was when the project was read; `None` if the file cannot be read, which is reported when
    /// the model runs.
    pub(crate) code: Option<String>,
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, ReportError> {
    match fal_files::read(path, fal_files::DATA) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ReportError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

fn write(folder: &Path, file: &str, bytes: &[u8]) -> Result<(), ReportError> {
    let written = fal_files::Root::create(folder).and_then(|root| root.write(file, bytes));
    written.map(drop).map_err(|source| ReportError::Write {
        path: folder.join(file),
        source,
    })
}

fn invalid(path: &Path, source: serde_json::Error) -> ReportError {
    let path = path.to_owned();
    ReportError::Invalid { path, source }
}

/// A manifest, taken apart as far as its nodes.
#[derive(Clone)]
struct Manifest {
    parts: Texts,
    nodes: Texts,
}

impl Manifest {
    fn parse(bytes: &[u8]) -> serde_json::Result<Self> {
        let mut manifest = Self {
            parts: serde_json::from_slice(bytes)?,
            nodes: Texts::new(),
        };
        manifest.nodes = manifest.part("nodes")?;
        Ok(manifest)
    }

    /// Reads a part, which may be missing.
    fn part<T: DeserializeOwned + Default>(&self, name: &str) -> serde_json::Result<T> {
        let text = self.parts.get(name);
        text.map_or_else(|| Ok(T::default()), |text| serde_json::from_str(text.get()))
    }

    /// Writes it as JSON, with its nodes as they are now.
    fn to_vec(&self) -> serde_json::Result<Vec<u8>> {
        let nodes = to_raw_value(&self.nodes)?;
        let parts = self.parts.iter().map(|(name, text)| {
            let is_nodes = name == "nodes";
            (name, if is_nodes { &nodes } else { text })
        });
        serde_json::to_vec(&parts.collect::<IndexMap<_, _>>())
    }
}

/// Returns whether a node is shown as Python, which a stub's never is.
fn is_python(node: &Node) -> bool {
    node.get("language").and_then(Value::as_str) == Some("python")
}
