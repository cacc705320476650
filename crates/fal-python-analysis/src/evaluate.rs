//! Evaluates expressions that are known without running the file.

use std::cell::Cell;

use crate::{
    builtin::{rearrange, view},
    context::File,
    tree::{Binary, Kind, NodeId, Unary},
    value::{Value, bytes, complex, float},
};

/// Marks an unknown part of a string whose other parts are known. No relation's name contains this
/// character.
pub(crate) const UNKNOWN: char = '\u{0}';

/// The values of loop variables in one turn.
pub(crate) type Turn<'t> = Vec<(&'t str, Value)>;

/// Evaluates within limits on chains of names and on the size of values.
pub(crate) struct Evaluator<'f, 't, 'a> {
    file: &'f File<'t, 'a>,
    turn: &'f Turn<'t>,
    /// Whether unknown parts of f-strings and sums become [`UNKNOWN`].
    lenient: bool,
    budget: Cell<u32>,
}

impl<'f, 't, 'a> Evaluator<'f, 't, 'a> {
    pub(crate) fn new(file: &'f File<'t, 'a>, turn: &'f Turn<'t>) -> Self {
        Self {
            file,
            turn,
            lenient: false,
            budget: Cell::new(20_000),
        }
    }

    pub(crate) fn lenient(mut self) -> Self {
        self.lenient = true;
        self
    }

    /// Returns the value, if it is known.
    pub(crate) fn value(&self, id: NodeId) -> Option<Value> {
        self.eval(id, 0)
    }

    fn spend(&self, amount: usize) -> Option<()> {
        let left = self.budget.get().checked_sub(u32::try_from(amount).ok()?)?;
        self.budget.set(left);
        self.file.spend(amount)
    }

    fn eval(&self, id: NodeId, hops: u32) -> Option<Value> {
        self.spend(1)?;
        let kids = self.file.tree.kids(id);
        if let Some(constant) = constant(self.file.tree.kind(id)) {
            return Some(constant);
        }
        match self.file.tree.kind(id) {
            Kind::Name(name, _) => self.name(name, id, hops),
            Kind::List => Some(Value::List(self.elements(kids, hops)?)),
            Kind::Tuple => Some(Value::Tuple(self.elements(kids, hops)?)),
            Kind::Set => Some(Value::Set(self.elements(kids, hops)?)),
            Kind::Dict {
                keys,
                unpack: false,
            } => self.dict(kids, *keys as usize, hops),
            Kind::Unary(op) => self.unary(*op, *kids.first()?, hops),
            Kind::Binary(Binary::Add) => self.sum(kids, hops),
            Kind::FString => self.fstring(kids, hops),
            Kind::Subscript => self.item(kids, hops),
            Kind::NamedExpr => self.eval(*kids.get(1)?, hops),
            Kind::Call { .. } => self.call(id, hops),
            _ => None,
        }
    }

    /// Returns the elements of a display, or arguments, with `*` of known sequences expanded.
    pub(crate) fn elements(&self, ids: &[NodeId], hops: u32) -> Option<Vec<Value>> {
        let mut out = Vec::with_capacity(ids.len());
        for id in ids {
            if matches!(self.file.tree.kind(*id), Kind::Starred) {
                out.extend(
                    self.eval(*self.file.tree.kids(*id).first()?, hops)?
                        .items()?,
                );
            } else {
                out.push(self.eval(*id, hops)?);
            }
        }
        Some(out)
    }

    fn dict(&self, kids: &[NodeId], keys: usize, hops: u32) -> Option<Value> {
        let (keys, values) = kids.split_at(keys);
        let keys = self.elements(keys, hops)?;
        Some(Value::Dict(
            keys.into_iter().zip(self.elements(values, hops)?).collect(),
        ))
    }

    fn unary(&self, op: Unary, operand: NodeId, hops: u32) -> Option<Value> {
        let Value::Atom(text) = self.eval(operand, hops)? else {
            return None;
        };
        let sign = match op {
            Unary::Minus => "-",
            Unary::Plus => "+",
            Unary::Invert => "~",
            Unary::Not => "not ",
        };
        Some(Value::Atom(format!("{sign}{text}")))
    }

    fn sum(&self, kids: &[NodeId], hops: u32) -> Option<Value> {
        let [left, right] = kids else { return None };
        match (self.eval(*left, hops), self.eval(*right, hops)) {
            (Some(Value::Str(left)), Some(Value::Str(right))) => self.join([left, right]),
            (Some(Value::List(left)), Some(Value::List(right))) => {
                self.chain(left, right).map(Value::List)
            }
            (Some(Value::Tuple(left)), Some(Value::Tuple(right))) => {
                self.chain(left, right).map(Value::Tuple)
            }
            (Some(Value::Str(known)), None) if self.lenient => {
                self.join([known, UNKNOWN.to_string()])
            }
            (None, Some(Value::Str(known))) if self.lenient => {
                self.join([UNKNOWN.to_string(), known])
            }
            _ => None,
        }
    }

    fn join(&self, [left, right]: [String; 2]) -> Option<Value> {
        self.spend((left.len() + right.len()) / 64)?;
        Some(Value::Str(left + &right))
    }

    fn chain(&self, mut left: Vec<Value>, right: Vec<Value>) -> Option<Vec<Value>> {
        self.spend(left.len() + right.len())?;
        left.extend(right);
        Some(left)
    }

    fn fstring(&self, parts: &[NodeId], hops: u32) -> Option<Value> {
        let mut out = String::new();
        for part in parts {
            match (self.part(*part, hops), self.lenient) {
                (Some(text), _) => out += &text,
                (None, true) => out.push(UNKNOWN),
                (None, false) => return None,
            }
        }
        self.spend(out.len() / 64)?;
        Some(Value::Str(out))
    }

    fn part(&self, part: NodeId, hops: u32) -> Option<String> {
        match self.file.tree.kind(part) {
            Kind::Str(text) => Some((*text).to_owned()),
            Kind::Formatted { plain: true } => Some(
                self.eval(*self.file.tree.kids(part).first()?, hops)?
                    .display(),
            ),
            _ => None,
        }
    }

    /// Evaluates `DICT['key']` and `LIST[0]`.
    fn item(&self, kids: &[NodeId], hops: u32) -> Option<Value> {
        let [of, key] = kids else { return None };
        let key = self.eval(*key, hops)?;
        match self.eval(*of, hops)? {
            Value::Dict(pairs) => pairs
                .into_iter()
                .rev()
                .find(|(candidate, _)| *candidate == key)
                .map(|pair| pair.1),
            Value::List(items) | Value::Tuple(items) => {
                let Value::Atom(index) = key else { return None };
                let index: isize = index.parse().ok()?;
                let from_end = if index < 0 { items.len() } else { 0 };
                items
                    .into_iter()
                    .nth(usize::try_from(index + isize::try_from(from_end).ok()?).ok()?)
            }
            _ => None,
        }
    }

    /// Evaluates calls of builtins and methods that only rearrange a sequence.
    fn call(&self, id: NodeId, hops: u32) -> Option<Value> {
        let (function, args, keywords) = self.file.call(id)?;
        if !keywords.is_empty() {
            return None;
        }
        match self.file.tree.kind(function) {
            Kind::Attribute(method) if args.is_empty() => {
                let Value::Dict(pairs) =
                    self.eval(*self.file.tree.kids(function).first()?, hops)?
                else {
                    return None;
                };
                view(pairs, method)
            }
            Kind::Name(..) if self.file.rearranges(id) => {
                rearrange(self.file.called_name(id)?, self.elements(args, hops)?)
            }
            _ => None,
        }
    }

    fn name(&self, name: &str, id: NodeId, hops: u32) -> Option<Value> {
        if let Some((_, value)) = self.turn.iter().rev().find(|(bound, _)| *bound == name) {
            self.spend(size(value))?;
            return Some(value.clone());
        }
        if hops > 16 {
            return None;
        }
        let value = self.eval(self.file.bound_value(name, id)?, hops + 1)?;
        let mutable = !matches!(value, Value::Str(_) | Value::Atom(_) | Value::Tuple(_));
        if mutable && self.file.is_mutated(name, id) {
            None
        } else {
            Some(value)
        }
    }
}

/// Returns a literal's value.
pub(crate) fn constant(kind: &Kind<'_>) -> Option<Value> {
    Some(match kind {
        Kind::Str(text) => Value::Str((*text).to_owned()),
        Kind::Bytes(all) => Value::Atom(bytes(all)),
        Kind::Int(int) => Value::Atom(int.to_string()),
        Kind::BigInt(digits) => Value::Atom(digits.clone()),
        Kind::Float(value) => Value::Atom(float(*value)),
        Kind::Complex(real, imag) => Value::Atom(complex(*real, *imag)),
        Kind::True => Value::Atom("True".to_owned()),
        Kind::False => Value::Atom("False".to_owned()),
        Kind::None => Value::Atom("None".to_owned()),
        Kind::Ellipsis => Value::Atom("...".to_owned()),
        _ => return None,
    })
}

fn size(value: &Value) -> usize {
    match value {
        Value::Str(text) | Value::Atom(text) => text.len() / 64,
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => {
            items.iter().map(size).sum::<usize>() + 1
        }
        Value::Dict(pairs) => {
            pairs
                .iter()
                .map(|(key, value)| size(key) + size(value))
                .sum::<usize>()
                + 1
        }
    }
}
