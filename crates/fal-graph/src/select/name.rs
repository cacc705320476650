//! The method `fqn`: names with dots and wildcards against fully qualified names.

use super::fnmatch::Pattern;
use crate::node::Node;

/// A name, parsed once for matching many nodes.
#[derive(Debug)]
pub(super) struct NameMatcher<'a> {
    selector: &'a str,
    parts: Vec<&'a str>,
    /// Position of the first part with a wildcard, and the pattern from there on.
    wild: Option<(usize, Pattern)>,
}

impl<'a> NameMatcher<'a> {
    pub(super) fn new(selector: &'a str) -> Self {
        let parts: Vec<&str> = selector.split('.').collect();
        let first_wild = parts
            .iter()
            .position(|part| part.contains(['*', '?', '[', ']']));
        let wild = first_wild.map(|at| (at, Pattern::new(&parts[at..].join("."))));
        Self {
            selector,
            parts,
            wild,
        }
    }

    /// Returns whether the name is the node's, in its package or across all packages.
    pub(super) fn matches(&self, node: &Node) -> bool {
        let is_versioned = node.resource_type() == "model" && node.spec().version.is_some();
        node.fqns().any(|fqn| {
            self.matches_fqn(fqn, is_versioned)
                || self.matches_fqn(fqn.get(1..).unwrap_or(&[]), is_versioned)
        })
    }

    fn matches_fqn(&self, fqn: &[String], is_versioned: bool) -> bool {
        let leaf = match fqn {
            [.., name, version] if is_versioned => {
                if name == self.selector || self.is_with_version(name, version) {
                    return true;
                }
                name
            }
            [.., leaf] => {
                if !is_versioned && leaf == self.selector {
                    return true;
                }
                leaf
            }
            [] => return false,
        };
        self.matches_path(fqn, leaf)
    }

    /// `orders.v2` and `orders_v2`.
    fn is_with_version(&self, name: &str, version: &str) -> bool {
        let last = &self.parts[self.parts.len().saturating_sub(2)..];
        match last {
            [one] => {
                one.strip_prefix(name)
                    .and_then(|rest| rest.strip_prefix('_'))
                    == Some(version)
            }
            _ => last.join("_") == format!("{name}_{version}"),
        }
    }

    /// The parts from the left; all that follows a wildcard is one pattern.
    fn matches_path(&self, fqn: &[String], leaf: &str) -> bool {
        let mut segments = fqn.iter().flat_map(|segment| segment.split('.'));
        let literal = self.wild.as_ref().map_or(self.parts.len(), |(at, _)| *at);
        for part in &self.parts[..literal] {
            if segments.next() != Some(part) {
                return false;
            }
        }
        let Some((at, pattern)) = &self.wild else {
            return true;
        };
        // A single word with a wildcard also matches the name alone, at any depth.
        if self.parts.len() == 1 && pattern.matches(leaf) {
            return true;
        }
        let (mut rest, mut count) = (String::new(), 0);
        for segment in segments {
            if count > 0 {
                rest.push('.');
            }
            rest.push_str(segment);
            count += 1;
        }
        count >= self.parts.len() - at && pattern.matches(&rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GraphNode;

    fn matches(selector: &str, fqn: &str, version: Option<&str>) -> bool {
        let fqn = fqn.split('/').map(str::to_owned).collect();
        let version = version.map(str::to_owned);
        let node = Node::new(GraphNode {
            resource_type: "model".into(),
            fqn,
            version,
            ..GraphNode::default()
        });
        NameMatcher::new(selector).matches(&node)
    }

    #[test]
    fn names_match_as_in_dbt() {
        for selector in [
            "c", "a.b.c", "b.c", "a", "b", "a.b", "*", "?", "a.*", "b.*", "a.b.*", "a.?.c", "*.c",
        ] {
            assert!(matches(selector, "a/b/c", None), "{selector}");
        }
        for selector in [
            "", "x", "c.d", "a.c", "b.c.d", "a.b.c.*", "a.b.c.d", "x*", "a.x*",
        ] {
            assert!(!matches(selector, "a/b/c", None), "{selector}");
        }
    }

    #[test]
    fn dots_in_names_separate() {
        assert!(matches("dot.ted", "a/dot.ted", None));
        assert!(matches("a.dot.ted", "a/dot.ted", None));
        assert!(matches("dot", "a/dot.ted", None));
    }

    #[test]
    fn versions_match_with_dot_or_underscore() {
        for selector in ["m", "m.v2", "m_v2", "a.m", "a.m.v2", "m*"] {
            assert!(matches(selector, "a/m/v2", Some("2")), "{selector}");
        }
        for selector in ["v2", "m.v1", "m_v1", "v*"] {
            assert!(!matches(selector, "a/m/v2", Some("2")), "{selector}");
        }
    }
}
