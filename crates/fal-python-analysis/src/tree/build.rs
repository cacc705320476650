//! Builds a tree from the leaves up: a parser plugin lowers children first, then closes their
//! parent.

use super::{Kind, Node, NodeId, Tree};
use crate::newline::Newlines;

/// Builds a [`Tree`].
///
/// ```
/// use fal_python_analysis::{Newlines, tree::{Builder, Context, Kind}};
/// let newlines = Newlines::new("ref('a')");
/// let mut builder = Builder::new(&newlines);
/// let module = builder.open();
/// let statement = builder.open();
/// let call = builder.open();
/// builder.leaf(Kind::Name("ref", Context::Load), 0, 3);
/// builder.leaf(Kind::Str("a"), 4, 7);
/// builder.close(call, Kind::Call { args: 1 }, 0, 8);
/// builder.close(statement, Kind::Expr, 0, 8);
/// builder.close(module, Kind::Module, 0, 8);
/// let tree = builder.finish();
/// # let _ = tree;
/// ```
#[derive(Debug)]
pub struct Builder<'a> {
    newlines: &'a Newlines<'a>,
    tree: Tree<'a>,
    open: Vec<NodeId>,
}

impl<'a> Builder<'a> {
    /// Makes a builder for this text. Its offsets are those of [`Newlines::text`].
    #[must_use]
    pub fn new(newlines: &'a Newlines<'a>) -> Self {
        let room = newlines.text().len() / 4 + 8;
        Self {
            newlines,
            tree: Tree {
                nodes: Vec::with_capacity(room),
                links: Vec::with_capacity(room),
            },
            open: Vec::with_capacity(64),
        }
    }

    /// Marks where the children of a node begin.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// Returns the number of children since the mark.
    #[must_use]
    pub fn count(&self, mark: usize) -> u32 {
        (self.open.len() - mark) as u32
    }

    /// Makes a node with everything built since the mark as its children.
    pub fn close(&mut self, mark: usize, kind: Kind<'a>, start: u32, end: u32) {
        let first = self.tree.links.len() as u32;
        let count = self.count(mark);
        self.tree.links.extend(self.open.drain(mark..));
        let id = NodeId(self.tree.nodes.len() as u32);
        let (start, end) = (self.newlines.original(start), self.newlines.original(end));
        self.tree.nodes.push(Node {
            kind,
            start,
            end,
            first,
            count,
        });
        self.open.push(id);
    }

    /// Makes a node without children.
    pub fn leaf(&mut self, kind: Kind<'a>, start: u32, end: u32) {
        self.close(self.open.len(), kind, start, end);
    }

    /// Whether the node built last is a pattern that matches everything.
    #[must_use]
    pub fn last_is_wild(&self) -> bool {
        self.open
            .last()
            .is_some_and(|id| matches!(self.tree.kind(*id), Kind::Pattern { wild: true, .. }))
    }

    /// Returns the tree. The node closed last is the module.
    #[must_use]
    pub fn finish(mut self) -> Tree<'a> {
        if !matches!(
            self.tree.nodes.last(),
            Some(Node {
                kind: Kind::Module,
                ..
            })
        ) {
            self.close(0, Kind::Module, 0, 0);
        }
        self.tree
    }
}
