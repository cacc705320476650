//! Does what the plan says. Whenever it is stopped, each stub is whole: the old one or the new one.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use fal_plugin::payload::StubVerdict;
use rayon::prelude::*;

use super::{existing::Existing, plan::StubWrite};
use crate::{
    cache::StubRecord,
    discover::StubFile,
    error::GenerateError,
    stages::Stages,
    stamp::Stamp,
    stubs::StubPlan,
    temporary::{Temporary, is_abandoned},
};

/// Another run may remove a folder or a temporary file between two steps of ours.
const TRIES: usize = 5;

/// Carries out a plan and says what to remember of each written stub.
pub(crate) fn apply(
    project: &Path,
    folder: &str,
    plan: &StubPlan,
    leftovers: &[PathBuf],
    stages: &Stages<'_>,
) -> Result<Vec<(usize, StubRecord)>, GenerateError> {
    for leftover in leftovers.iter().filter(|path| is_abandoned(path)) {
        // The next run tries again.
        let _ = fs::remove_file(leftover);
    }
    let written: Vec<Result<_, GenerateError>> =
        plan.write.par_iter().with_min_len(16).map(|write| put(project, write, stages)).collect();
    let removed: Result<Vec<()>, GenerateError> = plan.remove.par_iter().map(|stub| remove(project, stub)).collect();
    remove_empty_folders(project, folder, &plan.remove);
    removed?;
    written.into_iter().collect()
}

fn put(project: &Path, write: &StubWrite, stages: &Stages<'_>) -> Result<(usize, StubRecord), GenerateError> {
    let target = project.join(&write.path);
    let mut replaces = write.replaces;
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for _ in 0..TRIES {
        match put_once(&target, write.content.as_bytes(), replaces) {
            Ok(stamp) => return Ok((write.model, write.record(stamp))),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match write.meanwhile(&target, stages) {
                Ok(Meanwhile::Same(stamp)) => return Ok((write.model, write.record(stamp))),
                Ok(Meanwhile::Older(stamp)) => replaces = Some(stamp),
                Ok(Meanwhile::Gone) => replaces = None,
                Err(source) => return Err(failed("write", &write.path, source)),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => last = error,
            Err(error) => return Err(failed("write", &write.path, error)),
        }
    }
    Err(failed("write", &write.path, last))
}

/// `AlreadyExists`: what stands there is not what the plan saw.
fn put_once(target: &Path, content: &[u8], replaces: Option<Stamp>) -> io::Result<Stamp> {
    let folder = target.parent().unwrap_or(Path::new("."));
    let temporary = Temporary::write(folder, content)?;
    let Some(expected) = replaces else { return Ok(Stamp::of(&temporary.place(target)?)) };
    match fs::symlink_metadata(target) {
        Ok(metadata) if Stamp::of(&metadata) == expected => Ok(Stamp::of(&temporary.replace(target)?)),
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(io::ErrorKind::AlreadyExists.into()),
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
        StubRecord { path: self.path.clone(), hash: self.hash, stamp }
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
    io::Error::new(io::ErrorKind::AlreadyExists, "a file that is not a generated stub came to this place meanwhile")
}

fn remove(project: &Path, stub: &StubFile) -> Result<(), GenerateError> {
    let path = project.join(&stub.path);
    match fs::symlink_metadata(&path) {
        // Changed since it was judged: the next run judges it again.
        Ok(metadata) if Some(Stamp::of(&metadata)) != stub.stamp => return Ok(()),
        Ok(_) => {}
        Err(_) => return Ok(()),
    }
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", &stub.path, error)),
        _ => Ok(()),
    }
}

/// Removes the folders that removed stubs left empty, up to the folder of stubs itself.
fn remove_empty_folders(project: &Path, folder: &str, removed: &[StubFile]) {
    let mut folders: BTreeSet<(usize, &str)> = BTreeSet::new();
    for stub in removed {
        let top = stub.path.len() - stub.below().len() + folder.len();
        let mut path = stub.path.as_str();
        while let Some((parent, _)) = path.rsplit_once('/').filter(|(parent, _)| parent.len() >= top) {
            folders.insert((parent.matches('/').count(), parent));
            path = parent;
        }
    }
    for (_, path) in folders.into_iter().rev() {
        // Fails where it is not empty, as it should.
        let _ = fs::remove_dir(project.join(path));
    }
}

fn failed(action: &'static str, path: &str, source: io::Error) -> GenerateError {
    GenerateError::Write { action, path: path.to_owned(), source }
}
