//! Generates the stubs of one project or package: reads everything before it writes the first byte.

use std::{collections::HashSet, path::Path};

use fal_plugin::payload::FileKind;

use crate::{
    analysis::{Analysed, Analyses, analyse},
    cache::{Cache, StubRecord},
    config::DbtProject,
    dbtignore::{self, Change, Dbtignore, Rules},
    diagnostics::FileDiagnostic,
    discover::{Found, Language, Scope, StubFile, discover},
    error::GenerateError,
    generate::Generated,
    helpers,
    model::ModelFile,
    model_names::duplicates,
    packages::Package,
    roots::Root,
    schemas::{self, SchemaFile},
    scripts::named_scripts,
    stages::{PluginFailure, Stages},
    stubs::{StubPlan, Survey, apply, plan, writable},
    switched_off::SwitchedOff,
    wrong::{Problems, WrongFile, all_problems},
};

/// One project, or one installed package.
pub(crate) struct Job<'a> {
    pub(crate) project: &'a DbtProject,
    /// The installed package, if this is one.
    pub(crate) package: Option<&'a Package>,
    pub(crate) stages: &'a Stages<'a>,
    pub(crate) roots: Vec<Root>,
    pub(crate) folder: String,
    pub(crate) started: i128,
}

/// What was found, and the plan for it. The plan writes no stub of a wrong file.
pub(crate) struct State {
    files: Vec<Analysed>,
    cache: Cache,
    plan: StubPlan,
    leftovers: Vec<StubFile>,
    dbtignore: Dbtignore,
    change: Change,
    schemas: Vec<String>,
    sql: Vec<(String, String)>,
    switched_off: HashSet<String>,
    pub(crate) wrong: Vec<WrongFile>,
    pub(crate) warnings: Vec<FileDiagnostic>,
}

impl Job<'_> {
    /// Reads everything and writes nothing. `None` for a package without scripts and notebooks.
    pub(crate) fn examine(&self, keep_going: bool) -> Result<Option<State>, GenerateError> {
        let dbtignore = Dbtignore::read(&self.project.root)
            .map_err(|problem| GenerateError::Files(vec![*problem]))?;
        let identity = format!(
            "{}\n{}\n{:?}",
            self.stages.identity, self.folder, self.roots
        );
        let target = &self.project.target_path;
        let (found, mut cache) = rayon::join(
            || self.find(&dbtignore.rules()),
            || Cache::read(target, &identity),
        );
        let scripts = named_scripts(self.project, &found.schemas);
        let Analyses {
            mut files,
            failures,
        } = analyse(&self.project.root, found.sources, &mut cache, self.stages);
        stop_at(failures)?;
        files
            .iter_mut()
            .filter(|file| scripts.contains(&file.file.path))
            .for_each(Analysed::become_script);
        let schemas = schemas::read(self.project, &found.schemas);
        helpers::complain(&mut files, &self.roots, &found.sql, &schemas);
        let mut plan = plan(&self.survey(&files, &cache), &found.stubs);
        stop_at(std::mem::take(&mut plan.failures))?;
        let is_model = |file: &Analysed| file.understood && file.kind() == FileKind::Script;
        let is_empty = plan.remove.is_empty() && found.obstacles.is_empty();
        if self.package.is_some() && is_empty && !files.iter().any(is_model) {
            return Ok(None);
        }
        let off = self.switched_off(&files, &schemas);
        let mut problems = problems(&files, found.problems, &found.sql, &mut plan, &off);
        problems.pardon(&off);
        plan.write
            .retain(|write| !problems.is_wrong(&files[write.model].file.path));
        let (wrong, warnings) = problems.finish();
        let change = dbtignore.change(&self.unfit_for_dbt(&files));
        // These errors stop everything: where nothing may be written, no file can get its stub, and
        // dbt would wait for a pipe or run out of memory.
        let mut obstacles = found.obstacles;
        obstacles.extend(self.absolute_model_paths());
        match self
            .package
            .and_then(|package| package.obstacle(&plan, change != Change::None))
        {
            Some(obstacle) => obstacles.push(obstacle),
            None => {
                obstacles.extend(dbtignore.obstacle(&change));
                obstacles.extend(writable::obstacles(self.project, &plan));
            }
        }
        if !obstacles.is_empty() || !keep_going && !wrong.is_empty() {
            obstacles.extend(all_problems(&wrong, &warnings));
            obstacles.sort_by(|one, other| one.path.cmp(&other.path));
            return Err(GenerateError::Files(obstacles));
        }
        let sql = found
            .sql
            .into_iter()
            .chain(plan.users.iter().cloned())
            .collect();
        let (leftovers, schemas, switched_off) = (found.leftovers, found.schemas, off);
        Ok(Some(State {
            files,
            cache,
            plan,
            leftovers,
            dbtignore,
            change,
            schemas,
            sql,
            switched_off,
            wrong,
            warnings,
        }))
    }

    /// Writes the changes and returns the resulting state.
    pub(crate) fn finish(
        &self,
        state: Option<State>,
        check: bool,
    ) -> Result<Generated, GenerateError> {
        let Some(state) = state else {
            return Ok(Generated::default());
        };
        let mut generated = state.summary();
        // A package that is current needs no write, so it may lie anywhere.
        let is_left = check || self.package.is_some() && !generated.is_changed();
        let stub_paths = if is_left {
            state.planned()
        } else {
            self.apply(&state)?
        };
        generated.warnings = state.warnings;
        generated.wrong = state.wrong;
        generated.schemas = state.schemas;
        generated.sql = state.sql;
        generated.switched_off = state.switched_off;
        for (file, stub) in state.files.into_iter().zip(stub_paths) {
            match (file.kind(), &stub) {
                (FileKind::Helper, _) => generated.helpers.push(file.file.path),
                (FileKind::Script, None) => {}
                (FileKind::Script | FileKind::DbtNative, _) => {
                    generated.models.push(self.model(file, stub))
                }
            }
        }
        Ok(generated)
    }

    pub(crate) fn error(&self, error: GenerateError) -> GenerateError {
        match self.package {
            Some(package) => package.error(error),
            None => error,
        }
    }

    /// Returns an error for each absolute model path. dbt joins the target folder and a model's
    /// path for its compiled SQL; if that path is absolute, dbt writes over the user's file.
    fn absolute_model_paths(&self) -> impl Iterator<Item = FileDiagnostic> {
        let absolute = self
            .roots
            .iter()
            .filter(|root| root.dbt && root.path.starts_with('/'));
        absolute.map(|root| {
            let message = format!(
                "the model path `{}` is absolute: dbt would write what it compiles over your files there",
                root.path
            );
            FileDiagnostic::error("dbt_project.yml", "project::absolute_model_path", message)
                .with_help("write it relative to the project, as in `../common/models`")
        })
    }

    /// Returns all files except those that the user hides from dbt.
    fn find(&self, rules: &Rules) -> Found {
        let below = |path: &Path| {
            path.strip_prefix(&self.project.root)
                .ok()
                .and_then(|path| path.to_str())
                .map(str::to_owned)
        };
        let mut skipped: Vec<String> = self.roots.iter().map(|root| root.path.clone()).collect();
        skipped.extend(below(&self.project.target_path));
        skipped.push(self.project.packages_path.clone());
        let scope = Scope {
            project: &self.project.root,
            notebooks: self.stages.claims(),
            stub_folder: &self.folder,
            skipped,
        };
        let mut found = discover(&scope, &self.roots);
        found.sources.retain(|file| !rules.ignores(&file.path));
        found.sql.retain(|(_, path)| !rules.ignores(path));
        found
            .problems
            .retain(|problem| !rules.ignores(&problem.path));
        found
            .obstacles
            .retain(|problem| !rules.ignores(&problem.path));
        found
    }

    /// Returns the files that dbt leaves out, whose problems are not reported.
    fn switched_off(&self, files: &[Analysed], schemas: &[SchemaFile]) -> HashSet<String> {
        let off = SwitchedOff::read(self.project, schemas);
        let is_off = |file: &&Analysed| match file.kind() {
            FileKind::DbtNative => off.has(file.file.below(), &file.file.name),
            FileKind::Script | FileKind::Helper => off.has(
                &format!("{}/{}", self.folder, file.file.below()),
                &file.file.name,
            ),
        };
        files
            .iter()
            .filter(is_off)
            .map(|file| file.file.path.clone())
            .collect()
    }

    fn survey<'b>(&'b self, files: &'b [Analysed], cache: &'b Cache) -> Survey<'b> {
        Survey {
            project: &self.project.root,
            roots: &self.roots,
            stages: self.stages,
            folder: &self.folder,
            cache,
            files,
        }
    }

    /// Returns the files on which dbt would fail, because it expects exactly one `def model` in
    /// each.
    fn unfit_for_dbt<'b>(&self, files: &'b [Analysed]) -> Vec<&'b str> {
        files
            .iter()
            .filter(|file| self.roots[file.file.root].dbt && file.file.language == Language::Python)
            .filter(|file| file.kind() != FileKind::DbtNative)
            .map(|file| file.file.path.as_str())
            .collect()
    }

    /// Writes all changes and returns each file's stub.
    fn apply(&self, state: &State) -> Result<Vec<Option<String>>, GenerateError> {
        // Only the folders of `.dbtignore` and of the cache are searched: leftovers in stub folders
        // were found on the walk.
        for folder in [self.project.root.clone(), self.project.state_dir()] {
            let _ = fal_files::Root::open(folder).map(|root| root.sweep());
        }
        let written = apply(
            self.project,
            &self.folder,
            &state.plan,
            &state.leftovers,
            self.stages,
        )?;
        state
            .dbtignore
            .apply(&state.change)
            .map_err(|source| GenerateError::Write {
                action: "write",
                path: dbtignore::FILE.to_owned(),
                source,
            })?;
        let mut records: Vec<Option<StubRecord>> = vec![None; state.files.len()];
        for (model, record) in state.plan.keep.iter().cloned().chain(written) {
            records[model] = Some(record);
        }
        self.remember(state, &records);
        Ok(state.planned())
    }

    /// Writes the cache if it has changed.
    fn remember(&self, state: &State, records: &[Option<StubRecord>]) {
        let known: Vec<_> = state
            .files
            .iter()
            .zip(records)
            .filter(|(file, _)| file.understood)
            .collect();
        let same =
            |(file, stub): &(&Analysed, &Option<StubRecord>)| file.cached && file.stub == **stub;
        if state.cache.has_rest() || !known.iter().all(same) {
            let files: Vec<_> = known
                .into_iter()
                .map(|(file, stub)| (file, stub.as_ref()))
                .collect();
            state.cache.write(self.started, &files);
        }
    }

    fn model(&self, file: Analysed, stub_path: Option<String>) -> ModelFile {
        ModelFile {
            kind: file.kind(),
            name: file.file.name,
            file: self.project.root.join(&file.file.path),
            path: file.file.path,
            analysis: file.parsed.analysis,
            notebook: file.parsed.notebook,
            stub_path,
            diagnostics: file.diagnostics,
        }
    }
}

impl State {
    fn summary(&self) -> Generated {
        Generated {
            written: self
                .plan
                .write
                .iter()
                .map(|write| write.path.clone())
                .collect(),
            removed: self
                .plan
                .remove
                .iter()
                .map(|stub| stub.path.clone())
                .collect(),
            unchanged: self.plan.keep.len(),
            dbtignore_changed: self.change != Change::None,
            ..Generated::default()
        }
    }

    /// Returns each file's stub after the plan is carried out. A wrong file keeps the stub that it
    /// had.
    fn planned(&self) -> Vec<Option<String>> {
        let mut paths = vec![None; self.files.len()];
        for (model, path) in &self.plan.there {
            paths[*model] = Some(path.clone());
        }
        for write in &self.plan.write {
            paths[write.model] = Some(write.path.clone());
        }
        paths
    }
}

/// Collects all problems, each with the file that it is about.
fn problems(
    files: &[Analysed],
    found: Vec<FileDiagnostic>,
    sql: &[(String, String)],
    plan: &mut StubPlan,
    off: &HashSet<String>,
) -> Problems {
    let mut problems = Problems::default();
    for (about, problem) in std::mem::take(&mut plan.conflicts) {
        let path = about.map_or_else(
            || problem.path.clone(),
            |model| files[model].file.path.clone(),
        );
        // A conflict with a stub's place is not reported while the file itself has errors.
        if about.is_none_or(|model| files[model].understood) {
            problems.add(&path, problem);
        }
    }
    let of_files = files
        .iter()
        .flat_map(|file| file.diagnostics.iter().cloned());
    for problem in found
        .into_iter()
        .chain(of_files)
        .chain(std::mem::take(&mut plan.warnings))
    {
        problems.add(&problem.path.clone(), problem);
    }
    for problem in same_names(files, sql, plan, off) {
        problems.add(&problem.path.clone(), problem);
    }
    problems
}

/// Returns errors for models of the same name, SQL models included.
fn same_names(
    files: &[Analysed],
    sql: &[(String, String)],
    plan: &StubPlan,
    off: &HashSet<String>,
) -> Vec<FileDiagnostic> {
    let is_model = |file: &&Analysed| file.kind() != FileKind::Helper && file.understood;
    let models = files
        .iter()
        .filter(is_model)
        .filter(|file| !off.contains(&file.file.path));
    let python: Vec<_> = models
        .map(|file| (file.file.name.as_str(), file.file.path.as_str()))
        .collect();
    let sql: Vec<_> = sql
        .iter()
        .chain(&plan.users)
        .map(|(name, path)| (name.as_str(), path.as_str()))
        .collect();
    duplicates(&python, &sql)
}

/// Merges a plugin's failures into one error: it may fail on ten thousand files.
fn stop_at(mut failures: Vec<PluginFailure>) -> Result<(), GenerateError> {
    let others = failures.len().saturating_sub(1);
    match failures.is_empty() {
        true => Ok(()),
        false => Err(plugin_error(failures.swap_remove(0), others)),
    }
}

pub(crate) fn plugin_error(failure: PluginFailure, others: usize) -> GenerateError {
    GenerateError::Plugin {
        stage: failure.stage,
        path: failure.path,
        others,
        source: failure.error,
    }
}
