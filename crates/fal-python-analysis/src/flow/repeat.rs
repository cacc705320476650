//! Loops.

use super::{
    outcome::{End, Flow},
    paths::{Paths, either},
    walker::Walker,
};
use crate::{
    evaluate::{Evaluator, Turn},
    tree::{Kind, NodeId},
    value::Value,
};

/// How often a loop's body starts, if known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turns {
    Never,
    Once,
    /// Twice or more.
    Several,
    Unknown,
    /// Until something inside ends it.
    Forever,
}

impl Walker<'_, '_, '_> {
    /// Counts a loop. `head` is evaluated before every turn, `orelse` when the loop ends without
    /// `break`. A body that writes and then always leaves the loop writes at most once; only paths
    /// that return to the head are repeated.
    pub(super) fn repeat(
        &self,
        id: NodeId,
        turns: Turns,
        head: Flow,
        body: Flow,
        orelse: Flow,
    ) -> Flow {
        if turns == Turns::Never {
            return head.then(orelse);
        }
        let turn = head.then(body);
        let back = either(turn.get(End::Normal), turn.get(End::Continue));
        let before = match (turns, back) {
            (Turns::Once, _) | (_, None) => Paths::ZERO,
            (_, Some(back)) => back.repeated(id),
        };
        let mut leaves = turn
            .with(End::Normal, turn.get(End::Break))
            .without([End::Break, End::Continue])
            .after(before);
        if turns == Turns::Forever && before.max > 0 {
            // Nothing in the text ends the loop, so something else does.
            leaves = leaves.with(End::Raise, either(leaves.get(End::Raise), Some(before)));
        }
        let done = match turns {
            Turns::Forever => None,
            Turns::Once => back,
            Turns::Several => back.map(|back| back.then(before)),
            _ => Some(before),
        };
        done.map_or(leaves, |done| leaves.or(head.then(orelse).after(done)))
    }

    /// Returns how often a `for` over this runs. Called only if the body is relevant.
    pub(super) fn turns(&self, iter: NodeId, body: Option<Paths>) -> Turns {
        if body.is_none_or(|body| body.max == 0) {
            return Turns::Unknown;
        }
        match self.length(iter) {
            Some(0) => Turns::Never,
            Some(1) => Turns::Once,
            Some(_) => Turns::Several,
            None => Turns::Unknown,
        }
    }

    fn length(&self, iter: NodeId) -> Option<usize> {
        if let (Some("range"), Some((_, [count], []))) =
            (self.file.called_name(iter), self.file.call(iter))
        {
            let Kind::Int(count) = self.kind(*count) else {
                return None;
            };
            return usize::try_from(*count).ok();
        }
        let nothing = Turn::new();
        Evaluator::new(self.file, &nothing)
            .value(iter)
            .and_then(Value::items)
            .map(|items| items.len())
    }
}
