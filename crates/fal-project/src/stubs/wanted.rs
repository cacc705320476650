//! The stub that belongs to a model, from the stub writer or from an earlier run.

use fal_plugin::payload::{FileKind, StubRequest};
use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_128;

use crate::{
    analysis::Analysed,
    roots::Root,
    stages::{PluginFailure, STUB_WRITER, Stages, is_plain},
};

/// The stub of one model.
pub(crate) struct Wanted {
    /// The index of the model among the analysed files.
    pub(crate) model: usize,
    /// The path below the project.
    pub(crate) path: String,
    pub(crate) hash: u128,
    /// `None` if it is not rendered yet, because an earlier run recorded its hash.
    pub(crate) content: Option<String>,
}

/// Asks the stub writer for stubs.
pub(crate) struct Renderer<'a> {
    pub(crate) stages: &'a Stages<'a>,
    pub(crate) folder: &'a str,
    pub(crate) roots: &'a [Root],
}

/// Returns the stubs of all scripts.
pub(crate) fn wanted(
    files: &[Analysed],
    renderer: &Renderer<'_>,
) -> Vec<Result<Wanted, PluginFailure>> {
    let scripts = files
        .par_iter()
        .enumerate()
        .filter(|(_, file)| file.kind() == FileKind::Script);
    scripts
        .map(|(model, file)| match &file.stub {
            Some(known) => Ok(Wanted {
                model,
                path: known.path.clone(),
                hash: known.hash,
                content: None,
            }),
            None => renderer.render(file).map(|(path, content)| Wanted {
                model,
                path,
                hash: xxh3_128(content.as_bytes()),
                content: Some(content),
            }),
        })
        .collect()
}

impl Renderer<'_> {
    /// Returns the path below the project, and the content.
    pub(crate) fn render(&self, file: &Analysed) -> Result<(String, String), PluginFailure> {
        let request = StubRequest {
            model: file.file.name.clone(),
            path: file.file.below().to_owned(),
            dependencies: file.parsed.analysis.dependencies.clone(),
        };
        let fail = |error| PluginFailure::on(STUB_WRITER, &file.file.path, error);
        let stub = self.stages.stubs.render(&request).map_err(fail)?;
        let below = stub
            .path
            .strip_prefix(self.folder)
            .and_then(|rest| rest.strip_prefix('/'));
        if below.is_none() || !is_plain(&stub.path) || !stub.path.ends_with(".sql") {
            let message = format!(
                "it wants the stub at `{}`, which is not a .sql file below its folder `{}`",
                stub.path, self.folder
            );
            return Err(PluginFailure::nonsense(
                STUB_WRITER,
                Some(&file.file.path),
                message,
            ));
        }
        Ok((
            join(&self.roots[file.file.root].stubs, &stub.path),
            stub.content,
        ))
    }
}

fn join(root: &str, below: &str) -> String {
    if root.is_empty() {
        below.to_owned()
    } else {
        format!("{root}/{below}")
    }
}
