//! Turns a selection into nodes: matches criteria, combines them, adds tests, keeps the wanted resource types.

use std::cell::OnceCell;
use std::error::Error;
use std::fmt;

use serde_json::{Map, Value};

use super::cli;
use super::criterion::Criterion;
use super::definition::Definitions;
use super::glob::Tree;
use super::indirect::{Picked, expand, incorporate};
use super::matcher::{Matcher, Surroundings};
use super::method::Method;
use super::resource::ResourceTypes;
use super::script;
use super::spec::{Combine, Group, IndirectSelection, Spec};
use super::walk::neighbors;
use fal_plugin::nearest;

use crate::error::SelectError;
use crate::graph::Dag;
use crate::set::NodeSet;

/// Answers a method that needs more than the graph, given its name with arguments (`state`) and its
/// value (`modified`).
/// Unique ids that the graph does not have are ignored.
pub type External<'a> =
    dyn Fn(&str, &str) -> Result<Vec<String>, Box<dyn Error + Send + Sync>> + 'a;

/// The user's selection.
#[derive(Clone, Debug, Default)]
pub struct Criteria {
    /// `--select`; empty means all.
    pub select: Vec<String>,
    /// `--exclude`.
    pub exclude: Vec<String>,
    /// `--selector`: then `select` and `exclude` do not count.
    pub selector: Option<String>,
    /// `--indirect-selection`.
    pub indirect: IndirectSelection,
    /// What the command is about.
    pub resource_types: ResourceTypes,
    /// Keep nodes whose file is empty, as `ls` does.
    pub include_empty: bool,
}

/// Something the user should know about a selection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SelectionWarning {
    /// The expression matches nothing.
    NothingMatched {
        /// As the user wrote it.
        expression: String,
        /// A node with a similar name.
        nearest: Option<String>,
    },
}

impl fmt::Display for SelectionWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::NothingMatched {
            expression,
            nearest,
        } = self;
        write!(
            f,
            "The selection criterion '{expression}' does not match any enabled nodes"
        )?;
        match nearest {
            Some(name) => write!(f, "; did you mean '{name}'?"),
            None => Ok(()),
        }
    }
}

/// The result of a selection.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The nodes.
    pub nodes: NodeSet,
    /// What the user should know.
    pub warnings: Vec<SelectionWarning>,
}

impl Selection {
    /// Unique ids, sorted.
    pub fn ids<'a>(&self, dag: &'a Dag) -> Vec<&'a str> {
        let mut ids: Vec<&str> = self
            .nodes
            .iter()
            .map(|node| dag.node(node).unique_id())
            .collect();
        ids.sort_unstable();
        ids
    }
}

/// Selects nodes of a graph.
pub struct Selector<'a> {
    dag: &'a Dag,
    /// Nodes that are part of dbt's graph.
    members: NodeSet,
    definitions: Option<&'a Map<String, Value>>,
    external: Option<&'a External<'a>>,
    tree: OnceCell<Tree<'a>>,
}

impl<'a> Selector<'a> {
    /// Selects in the graph.
    pub fn new(dag: &'a Dag) -> Self {
        let mut members = dag.empty_set();
        dag.nodes()
            .filter(|(_, node)| node.is_enabled())
            .for_each(|(id, _)| {
                members.insert(id);
            });
        Self {
            dag,
            members,
            definitions: None,
            external: None,
            tree: OnceCell::new(),
        }
    }

    /// With the selectors of `selectors.yml`: name to definition, bare or as in dbt's manifest.
    #[must_use]
    pub fn with_definitions(mut self, definitions: &'a Map<String, Value>) -> Self {
        self.definitions = Some(definitions);
        self
    }

    /// Sets the function that answers `state`, `result` and `source_status`.
    #[must_use]
    pub fn with_external(mut self, external: &'a External<'a>) -> Self {
        self.external = Some(external);
        self
    }

    /// Selects.
    ///
    /// # Errors
    /// When an expression cannot be understood or an external method fails.
    pub fn select(&self, criteria: &Criteria) -> Result<Selection, SelectError> {
        let spec = self.spec(criteria)?;
        let mut warnings = Vec::new();
        let picked = self.pick(&spec, criteria.indirect, &mut warnings)?;
        let wanted = |node| {
            let node = self.dag.node(node);
            criteria.resource_types.has(node) && (criteria.include_empty || !node.is_empty())
        };
        Ok(Selection {
            nodes: picked.direct.iter().filter(|node| wanted(*node)).collect(),
            warnings,
        })
    }

    fn spec(&self, criteria: &Criteria) -> Result<Spec, SelectError> {
        let none = Map::new();
        let definitions = self.definitions(&none, criteria.indirect);
        if let Some(name) = &criteria.selector {
            return definitions.parse(name);
        }
        match definitions.default_name() {
            Some(name) if criteria.select.is_empty() && criteria.exclude.is_empty() => {
                definitions.parse(name)
            }
            _ => cli::parse(&criteria.select, &criteria.exclude, criteria.indirect),
        }
    }

    fn definitions<'m>(
        &self,
        none: &'m Map<String, Value>,
        indirect: IndirectSelection,
    ) -> Definitions<'m>
    where
        'a: 'm,
    {
        Definitions {
            all: self.definitions.unwrap_or(none),
            indirect,
        }
    }

    fn pick(
        &self,
        spec: &Spec,
        indirect: IndirectSelection,
        warnings: &mut Vec<SelectionWarning>,
    ) -> Result<Picked, SelectError> {
        match spec {
            Spec::One(criterion) => self.pick_one(criterion, indirect),
            Spec::Group(group) => self.pick_group(group, indirect, warnings),
        }
    }

    fn pick_one(
        &self,
        criterion: &Criterion,
        indirect: IndirectSelection,
    ) -> Result<Picked, SelectError> {
        let mut selected = self.matched(criterion, indirect)?;
        selected.union_with(&neighbors(self.dag, &self.members, criterion, &selected));
        Ok(expand(
            self.dag,
            &self.members,
            selected,
            criterion.indirect,
        ))
    }

    fn pick_group(
        &self,
        group: &Group,
        indirect: IndirectSelection,
        warnings: &mut Vec<SelectionWarning>,
    ) -> Result<Picked, SelectError> {
        let mut direct = Vec::with_capacity(group.parts.len());
        let mut all = Vec::with_capacity(group.parts.len());
        for part in &group.parts {
            let mut picked = self.pick(part, indirect, warnings)?;
            picked.indirect.union_with(&picked.direct);
            direct.push(picked.direct);
            all.push(picked.indirect);
        }
        let direct = self.combine(group.combine, direct);
        let all = self.combine(group.combine, all);
        let selected = incorporate(self.dag, &self.members, &direct, &all, group.indirect);
        if let Some(expression) = group.expected.as_ref().filter(|_| selected.is_empty()) {
            warnings.push(self.nothing_matched(expression));
        }
        Ok(Picked {
            direct: selected,
            indirect: all,
        })
    }

    fn combine(&self, how: Combine, sets: Vec<NodeSet>) -> NodeSet {
        let mut sets = sets.into_iter();
        let Some(mut result) = sets.next() else {
            return self.dag.empty_set();
        };
        for set in sets {
            match how {
                Combine::Union => result.union_with(&set),
                Combine::Intersection => result.intersect_with(&set),
                Combine::Difference => result.subtract(&set),
            }
        }
        result
    }

    /// Returns the nodes that the criterion matches without its operators.
    fn matched(
        &self,
        criterion: &Criterion,
        indirect: IndirectSelection,
    ) -> Result<NodeSet, SelectError> {
        let value = criterion.text();
        match &criterion.method {
            Method::External(method) => return self.external(criterion, method, &value),
            Method::Selector => {
                let none = Map::new();
                let spec = self.definitions(&none, indirect).parse(&value)?;
                return Ok(self.pick(&spec, indirect, &mut Vec::new())?.direct);
            }
            _ => {}
        }
        let tree = || self.tree.get_or_init(|| Tree::of(self.dag));
        let around = Surroundings {
            project: self.dag.project(),
            find_paths: |glob: &_| tree().find(glob),
        };
        let mut matched = self.dag.empty_set();
        if let Some(matcher) = Matcher::new(criterion, &value, &around)? {
            for (id, node) in self.dag.nodes() {
                if self.members.contains(id) && matcher.matches(node) {
                    matched.insert(id);
                }
            }
        }
        Ok(matched)
    }

    fn external(
        &self,
        criterion: &Criterion,
        method: &str,
        value: &str,
    ) -> Result<NodeSet, SelectError> {
        let failed = |source| SelectError::External {
            expression: criterion.raw.clone(),
            source,
        };
        let ask = self.external.ok_or_else(|| {
            failed(format!("the method '{method}' cannot be answered here").into())
        })?;
        let ids = ask(&criterion.method_text(method), value).map_err(failed)?;
        let mut found: NodeSet = ids.iter().filter_map(|id| self.dag.find(id)).collect();
        found.intersect_with(&self.members);
        Ok(found)
    }

    fn nothing_matched(&self, expression: &str) -> SelectionWarning {
        let name = expression.trim_matches(|c: char| c == '@' || c == '+' || c.is_ascii_digit());
        let named = self
            .dag
            .nodes()
            .map(|(_, node)| node)
            .filter(|node| !node.is_test());
        let names = named.map(|node| script::file_name(node).unwrap_or(node.name()));
        SelectionWarning::NothingMatched {
            expression: expression.to_owned(),
            nearest: nearest(name, names).map(str::to_owned),
        }
    }
}
