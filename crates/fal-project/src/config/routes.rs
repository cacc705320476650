//! `routes` of fal_project.yml: which runner takes which Python models.

use std::path::Path;

use super::{
    fal_project::{FILE, required},
    keys::{self, names},
    source::Source,
    yaml::Node,
};
use crate::{diagnostics::FileDiagnostic, error::ProjectError};

/// A rule that sends the selected models to a runner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// A selection as on the command line; several are a union.
    pub select: Vec<String>,
    /// Models that are left out of the selection.
    pub exclude: Vec<String>,
    /// The plugin's name or path, as written; `local` is where dbt runs.
    pub runner: String,
    /// Its line in the file.
    pub line: usize,
}

impl Route {
    /// Names the route for messages: ``the route `tag:gpu` to `acme-runner` ``.
    pub fn describe(&self) -> String {
        format!("the route `{}` to `{}`", self.select.join(" "), self.runner)
    }

    /// Makes an error at the route.
    pub fn error(
        &self,
        root: &Path,
        code: &str,
        message: String,
        help: Option<String>,
    ) -> FileDiagnostic {
        FileDiagnostic {
            help,
            ..error_at(root, self.line, code, message)
        }
    }
}

/// Makes an error at a line of fal_project.yml.
pub(super) fn error_at(root: &Path, line: usize, code: &str, message: String) -> FileDiagnostic {
    let text = fal_files::read_text(&root.join(FILE), fal_files::TEXT).unwrap_or_default();
    FileDiagnostic::error(FILE, code, message).with_line(&text, line, "here")
}

pub(super) fn route(source: &Source<'_>, node: &Node) -> Result<Route, ProjectError> {
    source.only("a route", node, &names(keys::ROUTE, None))?;
    let words = |key: &str| -> Result<Vec<String>, ProjectError> {
        node.get(key).map_or_else(
            || Ok(Vec::new()),
            |value| source.strings(&format!("`{key}`"), value),
        )
    };
    let select = words("select")?;
    let help = "write `{select: \"tag:gpu\", runner: NAME}`; the selection is as with `--select`";
    if select.iter().all(|one| one.trim().is_empty()) {
        return Err(source.complain(
            node.line,
            "a route has no `select`".to_owned(),
            Some(help.to_owned()),
        ));
    }
    let runner = required(source, node, "a route", "runner")?;
    Ok(Route {
        select,
        exclude: words("exclude")?,
        runner: runner.trim().to_owned(),
        line: node.line,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FalProject, testing::folder};

    fn read(text: &str) -> Result<FalProject, ProjectError> {
        let folder = folder(&[(FILE, text)]);
        FalProject::read(folder.path())
    }

    #[test]
    fn a_selection_is_one_text_or_several() {
        let text = "routes:\n- {select: 'tag:gpu tag:big', runner: a}\n- select: [tag:x, y+]\n  exclude: z\n  runner: ./b\n";
        let routes = read(text).unwrap().routes;
        assert_eq!(
            (routes[0].describe().as_str(), routes[0].line),
            ("the route `tag:gpu tag:big` to `a`", 2)
        );
        assert_eq!(
            (routes[1].select.as_slice(), routes[1].line),
            (&["tag:x".to_owned(), "y+".to_owned()][..], 3)
        );
        assert_eq!(
            (routes[1].exclude.as_slice(), routes[1].runner.as_str()),
            (&["z".to_owned()][..], "./b")
        );
    }

    #[test]
    fn what_is_wrong_has_its_line() {
        let complaint = |route: &str| {
            let error = read(&format!("routes:\n- {route}\n")).unwrap_err();
            let ProjectError::Invalid(problem) = error else {
                panic!("{error}")
            };
            let line = problem.place().unwrap().1.line;
            format!(
                "line {line}: {} ({})",
                problem.message,
                problem.help.unwrap_or_default()
            )
        };
        insta::assert_snapshot!(complaint("{runner: a}"), @r#"line 2: a route has no `select` (write `{select: "tag:gpu", runner: NAME}`; the selection is as with `--select`)"#);
        insta::assert_snapshot!(complaint("{select: '', runner: a}"), @r#"line 2: a route has no `select` (write `{select: "tag:gpu", runner: NAME}`; the selection is as with `--select`)"#);
        insta::assert_snapshot!(complaint("{select: x, runner: ' '}"), @r#"line 2: the `runner` of a route is empty (give it one, `runner: ...`, or remove what it belongs to)"#);
        insta::assert_snapshot!(complaint("{select: x}"), @"line 2: a route has no `runner` (add `runner: ...`)");
        insta::assert_snapshot!(complaint("{select: {x: 1}, runner: a}"), @"line 2: `select` must be text or a list, not a mapping ()");
        insta::assert_snapshot!(complaint("{selct: x, runner: a}"), @"line 2: a route has no key `selct` (did you mean `select`?)");
    }

    #[test]
    fn a_later_complaint_about_a_route_shows_it() {
        let folder = folder(&[(FILE, "routes:\n- {select: x, runner: a}\n")]);
        let route = &FalProject::read(folder.path()).unwrap().routes[0];
        let problem = route.error(
            folder.path(),
            "runner::unknown",
            "no".to_owned(),
            Some("help".to_owned()),
        );
        assert_eq!(
            (problem.path.as_str(), problem.place().unwrap().1.line),
            (FILE, 2)
        );
    }
}
