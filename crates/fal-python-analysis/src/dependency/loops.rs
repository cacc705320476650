//! The turns of the loops and comprehensions around a call, if they run over known values.

use crate::{
    context::File,
    evaluate::{Evaluator, Turn},
    scope::ScopeKind,
    tree::{Context, Kind, NodeId},
    value::Value,
};

/// The largest number of turns that are evaluated.
const LIMIT: usize = 2_000;

/// The largest number of nested loops that are evaluated.
const DEEPEST: usize = 100;

struct Loop {
    target: NodeId,
    iter: NodeId,
}

/// Returns the values of loop variables used in `expressions`, one entry for each turn of the loops
/// around `at`; one empty entry if there are no such loops.
pub(super) fn turns<'t>(file: &File<'t, '_>, at: NodeId, expressions: &[NodeId]) -> Vec<Turn<'t>> {
    let mut needed = Vec::new();
    expressions
        .iter()
        .for_each(|id| names(file, *id, &mut needed, 0));
    if needed.is_empty() {
        return vec![Turn::new()];
    }
    let mut loops = Vec::new();
    for candidate in around(file, at) {
        let bound = targets(file, candidate.target);
        if bound.iter().any(|(name, _)| needed.contains(name))
            && !rebound(file, at, &candidate, &bound)
        {
            names(file, candidate.iter, &mut needed, 0);
            loops.push(candidate);
        }
    }
    loops
        .iter()
        .rev()
        .fold(vec![Turn::new()], |turns, each| unroll(file, each, turns))
}

/// Returns the loops around a node, innermost first.
fn around(file: &File<'_, '_>, at: NodeId) -> Vec<Loop> {
    let mut out = Vec::new();
    for (parent, child) in file.enclosing().around(file.scopes(), at).take(DEEPEST) {
        let kids = file.tree.kids(parent);
        match file.tree.kind(parent) {
            Kind::For { body } if (2..2 + *body as usize).contains(&file.scopes().place(child)) => {
                out.push(Loop {
                    target: kids[0],
                    iter: kids[1],
                });
            }
            Kind::Comprehension { elements } => {
                let place = file.scopes().place(child);
                let generators = &kids[*elements as usize..];
                let seen = if place < *elements as usize {
                    generators.len()
                } else {
                    place - *elements as usize + 1
                };
                let parts = generators[..seen]
                    .iter()
                    .rev()
                    .map(|generator| file.tree.kids(*generator));
                let outside = |kids: &&[NodeId]| !file.tree.encloses(kids[1], at);
                out.extend(parts.filter(outside).map(|kids| Loop {
                    target: kids[0],
                    iter: kids[1],
                }));
            }
            _ => {}
        }
    }
    out
}

/// Returns the names read in an expression, also through names bound once. Calls that cannot be
/// evaluated are left out, because nothing around them can be evaluated either.
fn names<'t>(file: &File<'t, '_>, id: NodeId, out: &mut Vec<&'t str>, hops: u32) {
    let mut stack = vec![id];
    while let Some(id) = stack.pop() {
        // A list may be large and used in many places.
        if file.spend(1).is_none() {
            return;
        }
        if matches!(file.tree.kind(id), Kind::Call { .. }) && !file.rearranges(id) {
            continue;
        }
        stack.extend_from_slice(file.tree.kids(id));
        let Kind::Name(name, Context::Load) = file.tree.kind(id) else {
            continue;
        };
        if out.contains(name) || out.len() > 100 {
            continue;
        }
        out.push(name);
        if let Some(value) = file.bound_value(name, id).filter(|_| hops < 8) {
            names(file, value, out, hops + 1);
        }
    }
}

fn targets<'t>(file: &File<'t, '_>, target: NodeId) -> Vec<(&'t str, NodeId)> {
    match file.tree.kind(target) {
        Kind::Name(name, _) => vec![(name, target)],
        Kind::Tuple | Kind::List => file
            .tree
            .kids(target)
            .iter()
            .flat_map(|kid| targets(file, *kid))
            .collect(),
        _ => Vec::new(),
    }
}

/// Whether the body of the loop gives one of its variables another value.
fn rebound(file: &File<'_, '_>, at: NodeId, each: &Loop, bound: &[(&str, NodeId)]) -> bool {
    let whole = file.scopes().parent(each.target);
    let scope = file.scopes().scope(each.target);
    if file.scopes().kind(scope) == ScopeKind::Comprehension {
        return false;
    }
    bound.iter().any(|(name, own)| {
        let binders = file
            .scopes()
            .resolve(name, file.scopes().scope(at))
            .map_or(&[][..], |(_, binders)| binders);
        // The bindings are sorted, and many loops may share a name.
        let first =
            binders.partition_point(|binder| file.tree.range(*binder).0 < file.tree.range(whole).0);
        let inside = binders[first..]
            .iter()
            .take_while(|binder| file.tree.encloses(whole, **binder));
        inside.into_iter().any(|binder| binder != own)
    })
}

fn unroll<'t>(file: &File<'t, '_>, each: &Loop, turns: Vec<Turn<'t>>) -> Vec<Turn<'t>> {
    let mut out = Vec::new();
    for turn in turns {
        match Evaluator::new(file, &turn)
            .value(each.iter)
            .and_then(Value::items)
        {
            Some(items) => out.extend(
                items
                    .into_iter()
                    .map(|item| extended(file, &turn, each.target, item)),
            ),
            None => out.push(turn),
        }
        if out.len() > LIMIT {
            return vec![Turn::new()];
        }
    }
    out
}

fn extended<'t>(file: &File<'t, '_>, turn: &Turn<'t>, target: NodeId, item: Value) -> Turn<'t> {
    let mut turn = turn.clone();
    assign(file, target, item, &mut turn);
    turn
}

/// Binds a target; targets that do not fit the value stay unknown.
fn assign<'t>(file: &File<'t, '_>, target: NodeId, value: Value, turn: &mut Turn<'t>) {
    match file.tree.kind(target) {
        Kind::Name(name, _) => turn.push((name, value)),
        Kind::Tuple | Kind::List => {
            let targets = file.tree.kids(target);
            if let Some(items) = value.items().filter(|items| items.len() == targets.len()) {
                targets
                    .iter()
                    .zip(items)
                    .for_each(|(target, item)| assign(file, *target, item, turn));
            }
        }
        _ => {}
    }
}
