//! What a command gets of a node: the script on its standard input, or a folder that holds it.

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

/// Script and description of one attempt; the folder is gone when this is dropped.
pub(crate) enum Bundle {
    /// The lease's own script.
    Stdin(PathBuf),
    /// A folder with a copy.
    Folder(TempDir),
}

impl Bundle {
    /// Makes it ready. Only the owner may read what is in it: the script holds the token.
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
        // tempfile's own error names a folder that was never there.
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

    /// The folder and the script in it.
    pub(crate) fn files(&self) -> Option<(PathBuf, PathBuf)> {
        match self {
            Self::Stdin(_) => None,
            Self::Folder(folder) => {
                Some((folder.path().to_owned(), folder.path().join("script.py")))
            }
        }
    }

    /// The command's standard input: the script itself, not a pipe that somebody would have to feed, or nothing.
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

/// `node.json`. Holds no secret.
fn description(plan: &Plan<'_>) -> Value {
    json!({
        "unique_id": plan.request.unique_id,
        "name": plan.name(),
        "resources": plan.request.resources,
        "environment": plan.lease.environment,
        "output": plan.lease.output,
    })
}
