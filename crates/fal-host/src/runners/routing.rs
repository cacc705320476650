//! Which Python model goes where: `--runner`, then the model's `meta`, then the first route that matches, then `local`.

use std::{collections::HashMap, path::Path};

use fal_graph::{Criteria, Dag, NodeId, NodeSet, SelectError, Selection};
use fal_project::{FileDiagnostic, LOCAL, Placement, Route, ScriptOwner, placement_problem};

use crate::{
    error::HostError,
    project::Project,
    python_models::is_python,
    session::{Loaded, OpenSession},
};

/// What decided where a model goes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Origin {
    /// `--runner`.
    Flag,
    /// The model's `meta`.
    Meta(ScriptOwner),
    /// A route of fal_project.yml.
    Route(Route),
}

/// Where a model goes, if not where dbt runs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Destination {
    /// Name or path of the runner.
    pub(crate) wanted: String,
    pub(crate) origin: Origin,
}

/// The Python models that go elsewhere.
#[derive(Debug, Default)]
pub(crate) struct Routing {
    by_node: HashMap<NodeId, Destination>,
    /// Warnings about routes that match nothing.
    pub(crate) warnings: Vec<String>,
}

/// Everything that decides, apart from `--runner`.
struct Rules<'a> {
    root: &'a Path,
    dag: &'a Dag,
    placements: &'a HashMap<NodeId, Placement>,
    /// The routes with the names or paths of their runners, a path being absolute.
    routes: Vec<(&'a Route, String)>,
    select: &'a dyn Fn(&Criteria) -> Result<Selection, SelectError>,
}

impl Routing {
    /// Decides for all Python models of the graph; `flag` is `--runner`.
    pub(crate) fn decide(
        project: &Project,
        session: &OpenSession,
        loaded: &Loaded,
        flag: Option<&str>,
    ) -> Result<Self, HostError> {
        let rules = Rules {
            root: &project.dbt.root,
            dag: &loaded.dag,
            placements: &loaded.placements,
            routes: project
                .fal
                .routes
                .iter()
                .map(|route| (route, project.runner_of(route)))
                .collect(),
            select: &|criteria| session.select_quietly(loaded, criteria),
        };
        Self::by_rules(&rules, flag)
    }

    fn by_rules(rules: &Rules<'_>, flag: Option<&str>) -> Result<Self, HostError> {
        let mut routing = Self::default();
        let mut left: NodeSet = rules
            .dag
            .nodes()
            .filter(|(_, node)| is_python(node))
            .map(|(id, _)| id)
            .collect();
        if let Some(runner) = flag {
            routing.send(
                &left,
                &Destination {
                    wanted: runner.to_owned(),
                    origin: Origin::Flag,
                },
            );
            return Ok(routing);
        }
        let python = left.clone();
        left.subtract(&routing.by_meta(rules, &python));
        routing.by_routes(rules, &python, left)?;
        Ok(routing)
    }

    /// Returns where a node goes; `None`: where dbt runs.
    pub(crate) fn of_node(&self, node: NodeId) -> Option<&Destination> {
        self.by_node.get(&node)
    }

    /// Returns the runner of each model that goes to one.
    pub(crate) fn names(self) -> HashMap<NodeId, String> {
        self.by_node
            .into_iter()
            .map(|(node, destination)| (node, destination.wanted))
            .collect()
    }

    /// Routes the models whose `meta` names a runner, and returns them.
    fn by_meta(&mut self, rules: &Rules<'_>, python: &NodeSet) -> NodeSet {
        let named = |id: NodeId| Some((id, rules.placements.get(&id)?.runner.clone()?));
        let mut decided = NodeSet::default();
        for (id, wanted) in python.iter().filter_map(named) {
            let origin = Origin::Meta(ScriptOwner::from_node(rules.dag.node(id).spec()));
            self.send(&NodeSet::from_iter([id]), &Destination { wanted, origin });
            decided.insert(id);
        }
        decided
    }

    /// Routes each remaining model by its first route.
    fn by_routes(
        &mut self,
        rules: &Rules<'_>,
        python: &NodeSet,
        mut left: NodeSet,
    ) -> Result<(), HostError> {
        let mut problems = Vec::new();
        for (route, wanted) in &rules.routes {
            let (select, exclude) = (route.select.clone(), route.exclude.clone());
            let criteria = Criteria {
                select,
                exclude,
                include_empty: true,
                ..Criteria::default()
            };
            let mut matched = match (rules.select)(&criteria) {
                Ok(selection) => selection.nodes,
                Err(error) => {
                    let message = format!("{} cannot be understood: {error}", route.describe());
                    problems.push(route.error(rules.root, "route::selection", message, None));
                    continue;
                }
            };
            matched.intersect_with(python);
            if matched.is_empty() {
                let (line, route) = (route.line, route.describe());
                self.warnings.push(format!(
                    "fal_project.yml, line {line}: {route} matches no Python model"
                ));
            }
            matched.intersect_with(&left);
            left.subtract(&matched);
            self.send(
                &matched,
                &Destination {
                    wanted: wanted.clone(),
                    origin: Origin::Route((*route).clone()),
                },
            );
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(HostError::Scripts { files: problems })
        }
    }

    fn send(&mut self, nodes: &NodeSet, destination: &Destination) {
        if destination.wanted != LOCAL {
            self.by_node
                .extend(nodes.iter().map(|node| (node, destination.clone())));
        }
    }
}

impl Destination {
    /// Reports an unusable runner at the place that names it; `None` if that is the command line.
    pub(crate) fn complaint(&self, project: &Project, error: &HostError) -> Option<FileDiagnostic> {
        let root = &project.dbt.root;
        let code = "runner::unusable";
        match &self.origin {
            Origin::Flag => None,
            Origin::Meta(owner) => {
                let help = error
                    .help()
                    .unwrap_or_else(|| "name another runner, or `local`".to_owned());
                Some(placement_problem(
                    root,
                    owner,
                    code,
                    error.to_string(),
                    help,
                    &self.wanted,
                ))
            }
            Origin::Route(route) => {
                let message = format!("{} leads nowhere: {error}", route.describe());
                Some(route.error(root, code, message, error.help()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use fal_graph::{DagBuilder, GraphNode, Selector};

    use super::*;

    /// `a` to `d` are Python models with their name as tag; `d` and the SQL model `s` have the tag `x` too.
    fn dag() -> Dag {
        let node = |name: &str, tags: &[&str], language: &str| GraphNode {
            unique_id: format!("model.shop.{name}"),
            name: name.to_owned(),
            resource_type: "model".to_owned(),
            package_name: "shop".to_owned(),
            fqn: vec!["shop".to_owned(), name.to_owned()],
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            language: Some(language.to_owned()),
            ..GraphNode::default()
        };
        let mut builder = DagBuilder::new("shop");
        builder.nodes(["a", "b", "c"].map(|name| node(name, &[name], "python")));
        builder.nodes([
            node("d", &["d", "x"], "python"),
            node("s", &["x", "s"], "sql"),
        ]);
        builder.build().unwrap()
    }

    fn route(select: &str, exclude: &str, runner: &str, line: usize) -> Route {
        let words = |text: &str| {
            if text.is_empty() {
                Vec::new()
            } else {
                vec![text.to_owned()]
            }
        };
        Route {
            select: words(select),
            exclude: words(exclude),
            runner: runner.to_owned(),
            line,
        }
    }

    /// What goes where, and the warnings; `b` says `meta: runner: own`, `c` says `local`.
    fn decide(routes: &[Route], flag: Option<&str>) -> Result<(String, Vec<String>), HostError> {
        let dag = dag();
        let says = |name: &str, runner: &str| {
            let placement = Placement {
                runner: Some(runner.to_owned()),
                ..Placement::default()
            };
            (dag.find(&format!("model.shop.{name}")).unwrap(), placement)
        };
        let placements = HashMap::from([says("b", "own"), says("c", "local")]);
        let selector = Selector::new(&dag);
        let rules = Rules {
            root: Path::new("/nowhere"),
            dag: &dag,
            placements: &placements,
            routes: routes
                .iter()
                .map(|route| (route, route.runner.clone()))
                .collect(),
            select: &|criteria| selector.select(criteria),
        };
        let routing = Routing::by_rules(&rules, flag)?;
        let line = |(id, node): (NodeId, &fal_graph::Node)| {
            Some(format!("{}={}", node.name(), routing.of_node(id)?.wanted))
        };
        Ok((
            dag.nodes().filter_map(line).collect::<Vec<_>>().join(" "),
            routing.warnings.clone(),
        ))
    }

    #[test]
    fn the_flag_then_meta_then_the_first_route_decide() {
        let routes = [route("tag:a", "", "first", 2), route("*", "", "rest", 3)];
        assert_eq!(
            decide(&routes, None).unwrap(),
            ("a=first b=own d=rest".to_owned(), Vec::new())
        );
        assert_eq!(
            decide(&routes, Some("all")).unwrap().0,
            "a=all b=all c=all d=all"
        );
        assert_eq!(decide(&routes, Some("local")).unwrap().0, "");
        assert_eq!(decide(&[], None).unwrap().0, "b=own");
    }

    #[test]
    fn a_route_to_local_is_an_exception_and_exclusions_count() {
        let routes = [
            route("tag:d", "", "local", 2),
            route("tag:a tag:x", "", "far", 3),
        ];
        assert_eq!(decide(&routes, None).unwrap().0, "a=far b=own");
        assert_eq!(
            decide(&[route("*", "tag:x", "far", 2)], None).unwrap().0,
            "a=far b=own"
        );
    }

    #[test]
    fn routes_that_match_no_python_model_are_told_and_those_that_come_late_are_not() {
        let routes = [
            route("tag:s", "", "far", 2),
            route("tag:b", "", "far", 3),
            route("nothing", "", "far", 4),
        ];
        let (_, warnings) = decide(&routes, None).unwrap();
        assert_eq!(
            warnings,
            [
                "fal_project.yml, line 2: the route `tag:s` to `far` matches no Python model",
                "fal_project.yml, line 4: the route `nothing` to `far` matches no Python model",
            ]
        );
    }

    #[test]
    fn all_routes_that_cannot_be_understood_are_named() {
        let error = decide(
            &[
                route("tga:x", "", "far", 2),
                route("selector:none", "", "far", 3),
            ],
            None,
        )
        .unwrap_err();
        let files = error.files().unwrap();
        assert_eq!(
            (files.len(), files[0].path.as_str()),
            (2, "fal_project.yml")
        );
        let message = &files[0].message;
        assert!(
            message.starts_with("the route `tga:x` to `far` cannot be understood: "),
            "{message}"
        );
    }
}
