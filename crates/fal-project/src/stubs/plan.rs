//! Plans the changes after which every model has its stub and no stub is left over. Reads, never
//! writes.

use std::path::Path;

use fal_plugin::payload::StubVerdict;
use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_128;

use super::{
    conflict,
    existing::Existing,
    folder,
    wanted::{Renderer, Wanted, wanted},
};
use crate::{
    analysis::Analysed,
    cache::{Cache, StubRecord},
    diagnostics::FileDiagnostic,
    discover::StubFile,
    fingerprint::Fingerprint,
    roots::{Root, contains},
    stages::{PluginFailure, Stages},
};

/// The planned changes. With failures none of them may be made, and with conflicts none for their
/// models.
#[derive(Default)]
pub(crate) struct StubPlan {
    /// Stubs to write, sorted by path.
    pub(crate) write: Vec<StubWrite>,
    /// Stubs of models that are gone.
    pub(crate) remove: Vec<StubFile>,
    /// Stubs that are current: the index of the model, and the cache record.
    pub(crate) keep: Vec<(usize, StubRecord)>,
    /// Conflicts with stubs, each with the index of its model, if it belongs to one.
    pub(crate) conflicts: Vec<(Option<usize>, FileDiagnostic)>,
    pub(crate) warnings: Vec<FileDiagnostic>,
    pub(crate) failures: Vec<PluginFailure>,
    /// The user's SQL files among the stubs: name and path.
    pub(crate) users: Vec<(String, String)>,
    /// Models whose stub's path holds a file, current or not.
    pub(crate) there: Vec<(usize, String)>,
}

/// A stub to write.
pub(crate) struct StubWrite {
    /// The index of its model.
    pub(crate) model: usize,
    /// The path below the project.
    pub(crate) path: String,
    /// The length of the model path and the slash behind it.
    pub(crate) below: usize,
    pub(crate) content: String,
    pub(crate) hash: u128,
    /// The fingerprint of the older stub that it replaces.
    pub(crate) replaces: Option<Fingerprint>,
}

/// The input of the plan.
pub(crate) struct Survey<'a> {
    pub(crate) project: &'a Path,
    pub(crate) roots: &'a [Root],
    pub(crate) stages: &'a Stages<'a>,
    pub(crate) folder: &'a str,
    pub(crate) cache: &'a Cache,
    pub(crate) files: &'a [Analysed],
}

enum Step {
    Keep(usize, StubRecord),
    Write(StubWrite),
    Conflict(Option<usize>, FileDiagnostic),
    Remove(StubFile),
    /// Another run removed it.
    Gone,
    Users(StubFile, StubVerdict),
    Fail(PluginFailure),
}

/// Makes the plan. `stubs` are the files in the stub folders, sorted by path.
pub(crate) fn plan(survey: &Survey<'_>, stubs: &[StubFile]) -> StubPlan {
    let renderer = Renderer {
        stages: survey.stages,
        folder: survey.folder,
        roots: survey.roots,
    };
    let mut plan = StubPlan::default();
    let mut stubs_wanted = Vec::new();
    for result in wanted(survey.files, &renderer) {
        match result {
            Ok(stub) => stubs_wanted.push(stub),
            Err(failure) => plan.failures.push(failure),
        }
    }
    stubs_wanted.par_sort_by(|one, other| one.path.cmp(&other.path));
    plan.conflicts.extend(survey.same_paths(&stubs_wanted));
    plan.conflicts.extend(survey.folders(&stubs_wanted));
    let is_there = |path: &str| find(stubs, path, |stub| &stub.path).is_some();
    let there = stubs_wanted.iter().filter(|stub| is_there(&stub.path));
    plan.there = there.map(|stub| (stub.model, stub.path.clone())).collect();
    let orphans: Vec<&StubFile> = stubs
        .par_iter()
        .filter(|stub| find(&stubs_wanted, &stub.path, |wanted| &wanted.path).is_none())
        .collect();
    let steps: Vec<Step> = stubs_wanted
        .into_par_iter()
        .with_min_len(16)
        .map(|stub| survey.step(stub, stubs, &renderer))
        .chain(orphans.into_par_iter().map(|orphan| survey.orphan(orphan)))
        .collect();
    for step in steps {
        plan.add(step);
    }
    plan
}

impl StubPlan {
    fn add(&mut self, step: Step) {
        match step {
            Step::Keep(model, record) => self.keep.push((model, record)),
            Step::Write(write) => self.write.push(write),
            Step::Conflict(model, conflict) => self.conflicts.push((model, conflict)),
            Step::Remove(stub) => self.remove.push(stub),
            Step::Gone => {}
            Step::Users(stub, verdict) => {
                if verdict == StubVerdict::Edited {
                    self.warnings.push(conflict::edited_orphan(&stub.path));
                }
                let file_name = stub.path.rsplit('/').next().unwrap_or_default();
                self.users
                    .push((file_name.trim_end_matches(".sql").to_owned(), stub.path));
            }
            Step::Fail(failure) => self.failures.push(failure),
        }
    }
}

impl Survey<'_> {
    /// Reports models whose stubs the writer puts at the same path. Models of one name are reported
    /// elsewhere.
    fn same_paths(&self, wanted: &[Wanted]) -> Vec<(Option<usize>, FileDiagnostic)> {
        let pairs = wanted
            .windows(2)
            .filter(|pair| pair[0].path == pair[1].path);
        pairs
            .map(|pair| {
                (
                    &self.files[pair[0].model].file,
                    &self.files[pair[1].model].file,
                    &pair[1],
                )
            })
            .filter(|(one, other, _)| one.name != other.name)
            .map(|(one, other, stub)| {
                (
                    Some(stub.model),
                    conflict::same_path(&stub.path, &one.path, &other.path),
                )
            })
            .collect()
    }

    /// Reports each unusable folder once, for every model whose stub belongs below it.
    fn folders(&self, wanted: &[Wanted]) -> Vec<(Option<usize>, FileDiagnostic)> {
        let folders = wanted.iter().map(|stub| {
            let file = &self.files[stub.model].file;
            let folder = stub.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            (
                folder,
                self.roots[file.root].stubs.as_str(),
                file.path.as_str(),
            )
        });
        let problems = folder::check(self.project, folders);
        let is_below =
            |stub: &Wanted, problem: &FileDiagnostic| contains(&problem.path, &stub.path);
        let of_stub = |stub| {
            problems
                .iter()
                .filter(move |problem| is_below(stub, problem))
                .map(|one| (Some(stub.model), one.clone()))
        };
        wanted.iter().flat_map(of_stub).collect()
    }

    fn step(&self, wanted: Wanted, stubs: &[StubFile], renderer: &Renderer<'_>) -> Step {
        let model = &self.files[wanted.model];
        let Some(existing) = find(stubs, &wanted.path, |stub| &stub.path) else {
            return self.write(wanted, None, renderer);
        };
        let Some(fingerprint) = existing.fingerprint else {
            return Step::Conflict(
                Some(wanted.model),
                conflict::no_file(&wanted.path, &model.file.path),
            );
        };
        let known = model
            .stub
            .as_ref()
            .is_some_and(|stub| stub.fingerprint == fingerprint);
        if known && !self.cache.is_racy(&fingerprint) {
            return Step::Keep(
                wanted.model,
                StubRecord {
                    path: wanted.path,
                    hash: wanted.hash,
                    fingerprint,
                },
            );
        }
        let content = match Existing::read(&self.project.join(&wanted.path)) {
            Ok(content) => content,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return self.write(wanted, None, renderer);
            }
            Err(error) => {
                return Step::Conflict(Some(wanted.model), unreadable(&wanted.path, &error));
            }
        };
        if content
            .text()
            .is_some_and(|text| xxh3_128(text.as_bytes()) == wanted.hash)
        {
            return Step::Keep(
                wanted.model,
                StubRecord {
                    path: wanted.path,
                    hash: wanted.hash,
                    fingerprint,
                },
            );
        }
        match content.verdict(&wanted.path, existing.below(), self.stages) {
            Ok(StubVerdict::Ours) => match self.write(wanted, Some(fingerprint), renderer) {
                Step::Write(write) if content.is_but_for_layout(&write.content) => Step::Keep(
                    write.model,
                    StubRecord {
                        path: write.path,
                        hash: write.hash,
                        fingerprint,
                    },
                ),
                step => step,
            },
            Ok(verdict) => Step::Conflict(
                Some(wanted.model),
                conflict::in_the_way(&wanted.path, &model.file.path, verdict),
            ),
            Err(failure) => Step::Fail(failure),
        }
    }

    fn write(
        &self,
        wanted: Wanted,
        replaces: Option<Fingerprint>,
        renderer: &Renderer<'_>,
    ) -> Step {
        let file = &self.files[wanted.model];
        let rendered = match wanted.content {
            Some(content) => Ok((wanted.path, content)),
            None => renderer.render(file),
        };
        match rendered {
            Ok((path, content)) => {
                let root = &self.roots[file.file.root].stubs;
                let below = if root.is_empty() { 0 } else { root.len() + 1 };
                let hash = xxh3_128(content.as_bytes());
                Step::Write(StubWrite {
                    model: wanted.model,
                    path,
                    below,
                    content,
                    hash,
                    replaces,
                })
            }
            Err(failure) => Step::Fail(failure),
        }
    }

    fn orphan(&self, stub: &StubFile) -> Step {
        if stub.fingerprint.is_none() {
            return Step::Users(stub.clone(), StubVerdict::Foreign);
        }
        let content = match Existing::read(&self.project.join(&stub.path)) {
            Ok(content) => content,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Step::Gone,
            Err(error) => return Step::Conflict(None, unreadable(&stub.path, &error)),
        };
        match content.verdict(&stub.path, stub.below(), self.stages) {
            Ok(StubVerdict::Ours) => Step::Remove(stub.clone()),
            Ok(verdict) => Step::Users(stub.clone(), verdict),
            Err(failure) => Step::Fail(failure),
        }
    }
}

fn find<'a, T>(sorted: &'a [T], path: &str, key: impl Fn(&T) -> &String) -> Option<&'a T> {
    let index = sorted
        .binary_search_by(|item| key(item).as_str().cmp(path))
        .ok()?;
    sorted.get(index)
}

fn unreadable(path: &str, error: &std::io::Error) -> FileDiagnostic {
    FileDiagnostic::error(
        path,
        "project::unreadable",
        format!("this file cannot be read: {error}"),
    )
}
