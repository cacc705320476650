//! Lowers the tree of ruff_python_parser into the tree of the analysis. Children are built in
//! CPython's order.

mod expression;
mod literal;
mod pattern;
mod statement;

use fal_python_analysis::{
    tree::{Builder, Kind, Tree},
    Newlines,
};
use ruff_python_ast::Stmt;
use ruff_text_size::{Ranged, TextRange};

/// Lowers a module.
pub(crate) fn lower<'a>(newlines: &'a Newlines<'a>, body: &'a [Stmt]) -> Tree<'a> {
    let mut lower = Lower {
        builder: Builder::new(newlines),
    };
    let module = lower.builder.open();
    lower.block(body);
    lower
        .builder
        .close(module, Kind::Module, 0, newlines.text().len() as u32);
    lower.builder.finish()
}

struct Lower<'a> {
    builder: Builder<'a>,
}

impl<'a> Lower<'a> {
    fn close(&mut self, mark: usize, kind: Kind<'a>, node: &impl Ranged) {
        let (start, end) = offsets(node.range());
        self.builder.close(mark, kind, start, end);
    }

    fn leaf(&mut self, kind: Kind<'a>, node: &impl Ranged) {
        let (start, end) = offsets(node.range());
        self.builder.leaf(kind, start, end);
    }

    /// Closes a node whose range is not used.
    fn close_bare(&mut self, mark: usize, kind: Kind<'a>) {
        self.builder.close(mark, kind, 0, 0);
    }

    /// Lowers statements and returns their number.
    fn block(&mut self, body: &'a [Stmt]) -> u32 {
        for statement in body {
            self.statement(statement);
        }
        body.len() as u32
    }
}

fn offsets(range: TextRange) -> (u32, u32) {
    (range.start().into(), range.end().into())
}
