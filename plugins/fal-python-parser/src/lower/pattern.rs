//! Patterns of `match`.

use fal_python_analysis::tree::Kind;
use rustpython_parser::ast::{MatchCase, Pattern};

use super::Lower;

impl<'a> Lower<'a> {
    pub(super) fn case(&mut self, case: &'a MatchCase) {
        let mark = self.builder.open();
        self.pattern(&case.pattern);
        let guard = self.optional(&case.guard);
        self.block(&case.body);
        self.close_bare(mark, Kind::Case { guard });
    }

    fn patterns(&mut self, patterns: &'a [Pattern]) -> bool {
        let mut wild = false;
        for pattern in patterns {
            self.pattern(pattern);
            wild |= self.builder.last_is_wild();
        }
        wild
    }

    fn pattern(&mut self, pattern: &'a Pattern) {
        let mark = self.builder.open();
        let (binds, wild) = match pattern {
            Pattern::MatchValue(it) => {
                self.expression(&it.value);
                (None, false)
            }
            Pattern::MatchSingleton(_) => (None, false),
            Pattern::MatchSequence(it) => {
                self.patterns(&it.patterns);
                (None, false)
            }
            Pattern::MatchMapping(it) => {
                self.expressions(&it.keys);
                self.patterns(&it.patterns);
                (it.rest.as_ref(), false)
            }
            Pattern::MatchClass(it) => {
                self.expression(&it.cls);
                self.patterns(&it.patterns);
                self.patterns(&it.kwd_patterns);
                (None, false)
            }
            Pattern::MatchStar(it) => (it.name.as_ref(), false),
            Pattern::MatchAs(it) => {
                let wild = it
                    .pattern
                    .as_ref()
                    .is_none_or(|inner| self.patterns(std::slice::from_ref(inner)));
                (it.name.as_ref(), wild)
            }
            Pattern::MatchOr(it) => (None, self.patterns(&it.patterns)),
        };
        self.close(
            mark,
            Kind::Pattern {
                binds: binds.map(|name| name.as_str()),
                wild,
            },
            pattern,
        );
    }
}
