//! Hands a node to its command: the script on standard input, or a folder that holds it.

use std::{
    env,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
};

use fal_files::Root;
use serde_json::{json, Value};
use tempfile::TempDir;

use crate::{error::StartError, plan::Plan};

/// The script and description for one attempt. Dropping it removes the folder.
pub(crate) enum Bundle {
    /// The lease's script, read from its original file.
    Stdin(PathBuf),
    /// A folder with a copy of the script.
    Folder(TempDir),
}

impl Bundle {
    /// Prepares the bundle. Only the file owner can read its files, because the script holds the
    /// token.
    pub(crate) fn make(plan: &Plan<'_>, project_dir: &Path) -> Result<Self, StartError> {
        let script = Path::new(&plan.lease.script);
        let Some(parent) = plan.folder() else {
            return Ok(Self::Stdin(script.to_owned()));
        };
        let parent = parent.map_or_else(env::temp_dir, |named| project_dir.join(named));
        let failed = |what, path: &Path| {
            let path = path.to_owned();
            move |cause| StartError::Bundle { what, path, cause }
        };
        // Check first: tempfile's error would name the new folder instead of the missing parent.
        fs::metadata(&parent).map_err(failed("written to", &parent))?;
        let folder = tempfile::Builder::new()
            .prefix("fal-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(&parent);
        let folder = folder.map_err(failed("written to", &parent))?;
        let text = fal_files::read(script, fal_files::DATA).map_err(failed("read", script))?;
        for (name, content) in [
            ("script.py", text),
            ("node.json", description(plan).to_string().into_bytes()),
        ] {
            let written =
                Root::open(folder.path()).and_then(|root| root.write_private(name, &content));
            written.map_err(failed("written", &folder.path().join(name)))?;
        }
        Ok(Self::Folder(folder))
    }

    /// Returns the folder and the script in it, if the bundle is a folder.
    pub(crate) fn files(&self) -> Option<(PathBuf, PathBuf)> {
        match self {
            Self::Stdin(_) => None,
            Self::Folder(folder) => {
                Some((folder.path().to_owned(), folder.path().join("script.py")))
            }
        }
    }

    /// Opens the command's standard input: the script file itself, which saves a thread that feeds
    /// a pipe, or nothing.
    pub(crate) fn stdin(&self) -> Result<Stdio, StartError> {
        match self {
            Self::Folder(_) => Ok(Stdio::null()),
            Self::Stdin(script) => {
                fal_files::open(script)
                    .map(Stdio::from)
                    .map_err(|cause| StartError::Bundle {
                        what: "read",
                        path: script.clone(),
                        cause,
                    })
            }
        }
    }
}

/// Returns the content of `node.json`, which contains no secret.
fn description(plan: &Plan<'_>) -> Value {
    json!({
        "unique_id": plan.request.unique_id,
        "name": plan.name(),
        "resources": plan.request.resources,
        "environment": plan.lease.environment,
        "output": plan.lease.output,
    })
}
