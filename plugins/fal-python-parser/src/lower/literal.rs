//! Constants.

use fal_python_analysis::tree::Kind;
use rustpython_parser::ast::{Constant, ExprConstant};

use super::Lower;

impl<'a> Lower<'a> {
    pub(super) fn constant(&mut self, constant: &'a ExprConstant) {
        self.leaf(kind(&constant.value), constant);
    }
}

fn kind(value: &Constant) -> Kind<'_> {
    match value {
        Constant::None => Kind::None,
        Constant::Bool(true) => Kind::True,
        Constant::Bool(false) => Kind::False,
        Constant::Str(text) => Kind::Str(text),
        Constant::Bytes(bytes) => Kind::Bytes(bytes.clone()),
        Constant::Int(int) => {
            u64::try_from(int).map_or_else(|_| Kind::BigInt(int.to_string()), Kind::Int)
        }
        Constant::Float(float) => Kind::Float(*float),
        Constant::Complex { real, imag } => Kind::Complex(*real, *imag),
        // The parser makes no tuple constants; only the optimiser would.
        Constant::Ellipsis | Constant::Tuple(_) => Kind::Ellipsis,
    }
}
