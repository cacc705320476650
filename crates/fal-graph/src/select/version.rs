//! The method `version`, which matches versions of models.

use std::cmp::Ordering;

use crate::GraphNode;

/// Values of the method.
pub(super) const EXPECTED: &str = "latest, prerelease, old or none";

/// Returns whether the model is such a version; `None` if there is no such value.
pub(super) fn matches(spec: &GraphNode, wanted: &str) -> Option<bool> {
    let is_model = spec.resource_type == "model";
    let against_latest = spec
        .version
        .as_deref()
        .zip(spec.latest_version.as_deref())
        .map(|(v, l)| compare(v, l));
    Some(match wanted {
        "latest" => is_model && spec.version.is_some() && spec.version == spec.latest_version,
        "prerelease" => is_model && against_latest == Some(Ordering::Greater),
        "old" => is_model && against_latest == Some(Ordering::Less),
        "none" => is_model && spec.version.is_none(),
        _ => return None,
    })
}

/// Compares versions as numbers if both are numbers, else as text.
fn compare(a: &str, b: &str) -> Ordering {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
        _ => a.cmp(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers_before_they_are_text() {
        assert_eq!(compare("10", "9"), Ordering::Greater);
        assert_eq!(compare("10", "9a"), Ordering::Less);
        assert_eq!(compare("1.0", "1"), Ordering::Equal);
    }
}
