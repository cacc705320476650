//! Does what the plan says. Whenever it is stopped, each stub is whole: the old one or the new one.

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
    stages::Stages,
    stamp::Stamp,
    stubs::{StubPlan, writable},
};

/// Another run may remove a folder or a temporary file between two steps of ours.
const TRIES: usize = 5;

/// Carries out a plan and says what to remember of each written stub.
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

/// The model paths that stubs are written to, open.
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

    /// Of a path below the project.
    fn root(&self, model_path: &str) -> io::Result<&Root> {
        self.roots
            .get(model_path)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// What cannot be removed now, a later run removes.
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
                Ok(stamp) => return Ok((write.model, write.record(stamp))),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    match write.meanwhile(&target, stages).map_err(fail)? {
                        Meanwhile::Same(stamp) => return Ok((write.model, write.record(stamp))),
                        Meanwhile::Older(stamp) => replaces = Some(stamp),
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
            // Changed since it was judged: the next run judges it again.
            Ok(metadata) if Some(Stamp::of(&metadata)) != stub.stamp => return Ok(()),
            Ok(_) => {}
            Err(_) => return Ok(()),
        }
        let removed = self
            .root(stub.model_path())
            .and_then(|root| root.remove_file(stub.below()));
        removed.map_err(|source| failed("remove", &stub.path, source))
    }

    /// Removes the folders that removed stubs left empty, up to the folder of stubs itself.
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
            // Fails where it is not empty, as it should.
            let _ = self
                .root(model_path)
                .and_then(|root| root.remove_empty_folder(folder));
        }
    }
}

/// `AlreadyExists`: what stands there is not what the plan saw.
fn put_once(
    root: &Root,
    write: &StubWrite,
    target: &Path,
    replaces: Option<Stamp>,
) -> io::Result<Stamp> {
    let temporary = root.temporary(&write.path[write.below..], write.content.as_bytes())?;
    let Some(expected) = replaces else {
        return Ok(Stamp::of(&temporary.place()?));
    };
    match fs::symlink_metadata(target) {
        Ok(metadata) if Stamp::of(&metadata) == expected => Ok(Stamp::of(&temporary.replace()?)),
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(io::ErrorKind::AlreadyExists.into())
        }
        Err(error) => Err(error),
    }
}

/// What came to a stub's place since the plan was made.
enum Meanwhile {
    /// Another run wrote the same.
    Same(Stamp),
    /// Another run wrote a stub of another state of the model.
    Older(Stamp),
    Gone,
}

impl StubWrite {
    fn record(&self, stamp: Stamp) -> StubRecord {
        StubRecord {
            path: self.path.clone(),
            hash: self.hash,
            stamp,
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
            return Ok(Meanwhile::Same(Stamp::of(&metadata)));
        }
        match existing.verdict(&self.path, &self.path[self.below..], stages) {
            Ok(StubVerdict::Ours) => Ok(Meanwhile::Older(Stamp::of(&metadata))),
            _ => Err(appeared()),
        }
    }
}

fn appeared() -> io::Error {
    io::Error::new(
        io::ErrorKind::AlreadyExists,
        "a file that is not a generated stub came to this place meanwhile",
    )
}

fn failed(action: &'static str, path: &str, source: io::Error) -> GenerateError {
    GenerateError::Write {
        action,
        path: path.to_owned(),
        source,
    }
}
