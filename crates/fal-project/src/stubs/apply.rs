//! Carries out the plan. Whenever it is killed, each stub is complete: the old one or the new one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use fal_files::Root;
use fal_plugin::payload::StubVerdict;
use rayon::prelude::*;

use super::{existing::Existing, plan::StubWrite};
use crate::{
    cache::StubRecord,
    config::DbtProject,
    discover::{StubFile, model_path},
    error::GenerateError,
    fingerprint::Fingerprint,
    stages::Stages,
    stubs::{StubPlan, writable},
};

/// How often to try: another run may remove a folder or a temporary file between two steps.
const TRIES: usize = 5;

/// Carries out a plan and returns the cache record of each written stub.
pub(crate) fn apply(
    project: &DbtProject,
    folder: &str,
    plan: &StubPlan,
    leftovers: &[StubFile],
    stages: &Stages<'_>,
) -> Result<Vec<(usize, StubRecord)>, GenerateError> {
    let places = Places::open(project, plan)?;
    places.remove_leftovers(leftovers);
    let written: Vec<Result<_, GenerateError>> = plan
        .write
        .par_iter()
        .with_min_len(16)
        .map(|write| places.put(write, stages))
        .collect();
    let removed: Result<Vec<()>, GenerateError> = plan
        .remove
        .par_iter()
        .map(|stub| places.remove(stub))
        .collect();
    places.remove_empty_folders(folder, &plan.remove);
    removed?;
    written.into_iter().collect()
}

/// The open model paths into which stubs are written.
struct Places<'a> {
    project: &'a Path,
    roots: BTreeMap<&'a str, Root>,
}

impl<'a> Places<'a> {
    fn open(project: &'a DbtProject, plan: &'a StubPlan) -> Result<Self, GenerateError> {
        let written = plan
            .write
            .iter()
            .map(|write| model_path(&write.path, write.below));
        let model_paths: BTreeSet<&str> = written
            .chain(plan.remove.iter().map(StubFile::model_path))
            .collect();
        let open = |path| {
            Ok((
                path,
                writable::open(project, path).map_err(|source| failed("write", path, source))?,
            ))
        };
        let roots = model_paths
            .into_iter()
            .map(open)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            project: &project.root,
            roots,
        })
    }

    /// Returns the open root of a model path below the project.
    fn root(&self, model_path: &str) -> io::Result<&Root> {
        self.roots
            .get(model_path)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Removes temporary files of killed runs; a later run removes those that cannot be removed
    /// now.
    fn remove_leftovers(&self, leftovers: &[StubFile]) {
        for leftover in leftovers {
            let _ = self
                .root(leftover.model_path())
                .and_then(|root| root.remove_leftover(leftover.below()));
        }
    }

    fn put(
        &self,
        write: &StubWrite,
        stages: &Stages<'_>,
    ) -> Result<(usize, StubRecord), GenerateError> {
        let fail = |source| failed("write", &write.path, source);
        let root = self
            .root(model_path(&write.path, write.below))
            .map_err(fail)?;
        let target = self.project.join(&write.path);
        let mut replaces = write.replaces;
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for _ in 0..TRIES {
            match put_once(root, write, &target, replaces) {
                Ok(fingerprint) => return Ok((write.model, write.record(fingerprint))),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    match write.meanwhile(&target, stages).map_err(fail)? {
                        Meanwhile::Same(fingerprint) => {
                            return Ok((write.model, write.record(fingerprint)));
                        }
                        Meanwhile::Older(fingerprint) => replaces = Some(fingerprint),
                        Meanwhile::Gone => replaces = None,
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => last = error,
                Err(error) => return Err(fail(error)),
            }
        }
        Err(fail(last))
    }

    fn remove(&self, stub: &StubFile) -> Result<(), GenerateError> {
        match fs::symlink_metadata(self.project.join(&stub.path)) {
            // The file changed after the stub writer judged it; the next run asks again.
            Ok(metadata) if Some(Fingerprint::new(&metadata)) != stub.fingerprint => return Ok(()),
            Ok(_) => {}
            Err(_) => return Ok(()),
        }
        let removed = self
            .root(stub.model_path())
            .and_then(|root| root.remove_file(stub.below()));
        removed.map_err(|source| failed("remove", &stub.path, source))
    }

    /// Removes the folders that removed stubs left empty, up to the stub folder itself.
    fn remove_empty_folders(&self, folder: &str, removed: &[StubFile]) {
        let mut folders: BTreeSet<(usize, &str, &str)> = BTreeSet::new();
        for stub in removed {
            let mut path = stub.below();
            while let Some((parent, _)) = path
                .rsplit_once('/')
                .filter(|(parent, _)| parent.len() >= folder.len())
            {
                folders.insert((parent.matches('/').count(), stub.model_path(), parent));
                path = parent;
            }
        }
        for (_, model_path, folder) in folders.into_iter().rev() {
            // Removing fails if the folder is not empty, which is intended.
            let _ = self
                .root(model_path)
                .and_then(|root| root.remove_empty_folder(folder));
        }
    }
}

/// Writes a stub once. `AlreadyExists` means that the file in its place is not the one that the
/// plan saw.
fn put_once(
    root: &Root,
    write: &StubWrite,
    target: &Path,
    replaces: Option<Fingerprint>,
) -> io::Result<Fingerprint> {
    let temporary = root.temporary(&write.path[write.below..], write.content.as_bytes())?;
    let Some(expected) = replaces else {
        return Ok(Fingerprint::new(&temporary.place()?));
    };
    match fs::symlink_metadata(target) {
        Ok(metadata) if Fingerprint::new(&metadata) == expected => {
            Ok(Fingerprint::new(&temporary.replace()?))
        }
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(io::ErrorKind::AlreadyExists.into())
        }
        Err(error) => Err(error),
    }
}

/// What another run did in a stub's place since the plan was made.
enum Meanwhile {
    /// It wrote the same stub.
    Same(Fingerprint),
    /// It wrote a stub for another state of the model.
    Older(Fingerprint),
    Gone,
}

impl StubWrite {
    fn record(&self, fingerprint: Fingerprint) -> StubRecord {
        StubRecord {
            path: self.path.clone(),
            hash: self.hash,
            fingerprint,
        }
    }

    fn meanwhile(&self, target: &Path, stages: &Stages<'_>) -> io::Result<Meanwhile> {
        let metadata = match fs::symlink_metadata(target) {
            Ok(metadata) if metadata.is_file() => metadata,
            Ok(_) => return Err(appeared()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Meanwhile::Gone),
            Err(error) => return Err(error),
        };
        let existing = match Existing::read(target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Meanwhile::Gone),
            read => read?,
        };
        if existing.text().is_some_and(|text| *text == self.content) {
            return Ok(Meanwhile::Same(Fingerprint::new(&metadata)));
        }
        match existing.verdict(&self.path, &self.path[self.below..], stages) {
            Ok(StubVerdict::Ours) => Ok(Meanwhile::Older(Fingerprint::new(&metadata))),
            _ => Err(appeared()),
        }
    }
}

fn appeared() -> io::Error {
    io::Error::new(
        io::ErrorKind::AlreadyExists,
        "a file that is not a generated stub appeared here meanwhile",
    )
}

fn failed(action: &'static str, path: &str, source: io::Error) -> GenerateError {
    GenerateError::Write {
        action,
        path: path.to_owned(),
        source,
    }
}
