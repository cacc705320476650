//! Builtins and methods that only rearrange a sequence.

use crate::{
    context::File,
    tree::{Kind, NodeId},
    value::Value,
};

/// Builtins whose result is known if their arguments are.
const REARRANGERS: [&str; 9] = [
    "zip",
    "list",
    "tuple",
    "set",
    "frozenset",
    "iter",
    "reversed",
    "sorted",
    "enumerate",
];

impl File<'_, '_> {
    /// Whether a call is of a builtin or method that [`rearrange`] or [`view`] evaluates.
    pub(crate) fn rearranges(&self, call: NodeId) -> bool {
        let Some((function, args, _)) = self.call(call) else {
            return false;
        };
        match self.tree.kind(function) {
            Kind::Attribute(_) => args.is_empty(),
            Kind::Name(name, _) => {
                REARRANGERS.contains(name)
                    && self
                        .scopes()
                        .resolve(name, self.scopes().scope(call))
                        .is_none()
            }
            _ => false,
        }
    }
}

/// Returns the result of a dict's method.
pub(crate) fn view(pairs: Vec<(Value, Value)>, method: &str) -> Option<Value> {
    let pick: fn((Value, Value)) -> Value = match method {
        "items" => |(key, value)| Value::Tuple(vec![key, value]),
        "keys" => |(key, _)| key,
        "values" => |(_, value)| value,
        _ => return None,
    };
    Some(Value::List(pairs.into_iter().map(pick).collect()))
}

/// Returns the result of a builtin for its arguments.
pub(crate) fn rearrange(function: &str, args: Vec<Value>) -> Option<Value> {
    if function == "zip" {
        return zip(args);
    }
    let mut args = args.into_iter();
    let (Some(only), None) = (args.next(), args.next()) else {
        return None;
    };
    let mut items = only.items()?;
    match function {
        "list" | "tuple" | "set" | "frozenset" | "iter" => {}
        "reversed" => items.reverse(),
        "sorted" => {
            items
                .iter()
                .all(|item| item.as_str().is_some())
                .then_some(())?;
            items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
        }
        "enumerate" => {
            let pair =
                |(at, item): (usize, Value)| Value::Tuple(vec![Value::Atom(at.to_string()), item]);
            items = items.into_iter().enumerate().map(pair).collect();
        }
        _ => return None,
    }
    Some(Value::List(items))
}

fn zip(args: Vec<Value>) -> Option<Value> {
    let columns: Vec<Vec<Value>> = args.into_iter().map(Value::items).collect::<Option<_>>()?;
    let rows = columns.iter().map(Vec::len).min().unwrap_or(0);
    let row = |at: usize| Value::Tuple(columns.iter().map(|column| column[at].clone()).collect());
    Some(Value::List((0..rows).map(row).collect()))
}
