//! Suggestions for mistyped names.

/// Returns the candidate that `word` was most likely meant to be, if one is spelled nearly alike: a third of its characters
/// may be wrong, missing, too many or swapped with the next one.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(3) / 3)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_mistake_finds_its_name() {
        let known = ["plugins", "routes", "environments"];
        assert_eq!(nearest("plugin", known), Some("plugins"));
        assert_eq!(nearest("enviroments", known), Some("environments"));
        assert_eq!(nearest("hooks", known), None);
        assert_eq!(nearest("urn", ["list", "run"]), Some("run"));
        assert_eq!(nearest("x", []), None);
    }
}
