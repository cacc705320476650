//! Every complaint about a YAML file names the file and the line.

use std::{fs, path::Path};

use fal_project::{DbtProject, FalProject, ProjectError, ProjectOptions, global_scripts};

/// A file's text, the line of the complaint, and words of it.
type Case = (&'static str, u32, &'static str);

const FAL_PROJECT: &[Case] = &[
    (
        "routes:\n  - {select: a, runner: b}\n  select: c\n",
        3,
        "not valid YAML",
    ),
    ("plugins: {paths: [a, b}\n", 1, "not valid YAML"),
    ("plugins:\n\tpaths: x\n", 2, "not valid YAML"),
    ("routes:\n- select: 'a\n  runner: b\n", 3, "not valid YAML"),
    ("environments:\n- name: *nowhere\n", 2, "not valid YAML"),
    ("- plugins\n", 1, "must be a mapping"),
    ("plugins:\nrotues: []\n", 2, "no key `rotues`"),
    ("plugins:\n  paths: {a: b}\n", 2, "`paths` must be"),
    ("plugins:\n  timeout: soon\n", 2, "`timeout`"),
    ("plugins:\n  isolate: {a: b}\n", 2, "`isolate`"),
    (
        "plugins:\n  config:\n    a: \"{{ env_var('FAL_NOT_SET_ANYWHERE') }}\"\n",
        3,
        "FAL_NOT_SET_ANYWHERE is not set",
    ),
    ("routes: 3\n", 1, "`routes` must be a list"),
    ("routes:\n  - select: a\n", 2, "a route has no `runner`"),
    (
        "environments:\n  - type: venv\n",
        2,
        "an environment has no `name`",
    ),
    (
        "environments:\n  - type: venv\n    name:\n",
        3,
        "the `name` of an environment is empty",
    ),
    (
        "environments:\n  - type: venv\n    name: ' '\n",
        3,
        "the `name` of an environment is empty",
    ),
    (
        "environments:\n  - name: a\n  - name: a\n",
        3,
        "two environments called `a`",
    ),
    (
        "environments:\n  - name: a\n    type: docker\n",
        3,
        "no environment type",
    ),
    (
        "environments:\n  - name: a\n    python: 3.10\n",
        3,
        "YAML reads this version as 3.1",
    ),
    (
        "runners:\n  - name: a\n    plugin:\n",
        3,
        "the `plugin` of a runner is empty",
    ),
    (
        "runners:\n  - {name: a, plugin: x}\n  - {name: a, plugin: y}\n",
        3,
        "two runners called `a`",
    ),
];

const DBT_PROJECT: &[Case] = &[
    ("name: a\nmodels: {x: 1\nvars: 2\n", 3, "not valid YAML"),
    ("profile: x\n", 1, "no `name`"),
    ("profile: x\nname:\n", 2, "no `name`"),
    ("name: a\nmodel-paths: {x: y}\n", 2, "`model-paths` must be"),
    (
        "name: a\nvars:\n  fal-models-paths: {a: b}\n",
        3,
        "`fal-models-paths`",
    ),
];

const SCHEMA: &[Case] = &[
    ("models: []\nfal: {scripts: [a.py]\n", 2, "not valid YAML"),
    (
        "fal:\n  scripts:\n    bofore: [a.py]\n",
        3,
        "no key `bofore`",
    ),
    ("fal:\n  scripts: 3\n", 2, "`scripts` must be"),
    ("fal:\n  scripts:\n  - /abs/a.py\n", 3, "absolute path"),
];

fn check(file: &str, cases: &[Case], read: impl Fn(&Path) -> Result<(), ProjectError>) {
    for (text, line, words) in cases {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("models")).unwrap();
        fs::write(folder.path().join(file), text).unwrap();
        let Err(ProjectError::Invalid(problem)) = read(folder.path()) else {
            panic!("{file} is taken:\n{text}")
        };
        assert!(
            problem.message.contains(words),
            "{}\n{text}",
            problem.message
        );
        assert_eq!(problem.path, file, "{text}");
        assert_eq!(
            problem.place().map(|(_, at)| at.line),
            Some(*line),
            "{}\n{text}",
            problem.message
        );
    }
}

#[test]
fn complaints_about_fal_project_yml_have_their_line() {
    check("fal_project.yml", FAL_PROJECT, |root| {
        FalProject::read(root).map(drop)
    });
}

#[test]
fn complaints_about_dbt_project_yml_have_their_line() {
    let options = |root: &Path| ProjectOptions {
        project_dir: Some(root.to_owned()),
        ..ProjectOptions::default()
    };
    check("dbt_project.yml", DBT_PROJECT, |root| {
        DbtProject::find(&options(root)).map(drop)
    });
}

#[test]
fn complaints_about_global_scripts_have_their_line() {
    check("models/schema.yml", SCHEMA, |root| {
        let (root, model_paths) = (root.to_owned(), vec!["models".to_owned()]);
        let project = DbtProject {
            root,
            model_paths,
            ..DbtProject::default()
        };
        let mut problems = global_scripts(&project, "fal").err().unwrap_or_default();
        problems.pop().map_or(Ok(()), |problem| {
            Err(ProjectError::Invalid(Box::new(problem)))
        })
    });
}
