//! The guard of a stub: a checksum inside the text from which it is computed.

use fal_plugin::payload::StubVerdict;
use md5::{Digest, Md5};

use crate::layout;

/// The word that marks a generated file; the checksum follows it after a space.
pub(crate) const MARKER: &str = "FAL_GENERATED";

/// Returns the checksum of a stub: the md5 of the stripped text without any checksums.
pub(crate) fn checksum(text: &str) -> String {
    let stripped = without_checksums(text.trim_matches(is_python_space));
    hex::encode(Md5::digest(stripped.as_bytes()))
}

/// Judges whether a file is an unedited stub. The stub's body does not matter, so stubs of older
/// forms are recognised too.
pub(crate) fn judge(content: &str) -> StubVerdict {
    // Git may have turned line ends into `\r\n` on checkout, which is not an edit.
    let text = content.replace("\r\n", "\n");
    match recorded(&text) {
        _ if layout::is_ours(&text) => StubVerdict::Ours,
        Recorded::Nothing => StubVerdict::Foreign,
        Recorded::Marker => StubVerdict::Edited,
        Recorded::Checksum(found) if found == checksum(&text) => StubVerdict::Ours,
        Recorded::Checksum(_) => StubVerdict::Edited,
    }
}

/// Judges a file by its own checksum.
enum Recorded<'a> {
    Nothing,
    Marker,
    Checksum(&'a str),
}

fn recorded(text: &str) -> Recorded<'_> {
    let mut result = Recorded::Nothing;
    for (start, _) in text.match_indices(MARKER) {
        let rest = &text[start + MARKER.len()..];
        if let Some(word) = checksum_word(rest) {
            return Recorded::Checksum(word);
        }
        if !rest.starts_with(is_word) {
            result = Recorded::Marker;
        }
    }
    result
}

/// Removes the word behind each marker, and the space between.
fn without_checksums(text: &str) -> String {
    let mut parts = text.split(MARKER);
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        result.push_str(MARKER);
        result.push_str(checksum_word(part).map_or(part, |word| &part[1 + word.len()..]));
    }
    result
}

/// Returns the word behind a marker.
fn checksum_word(rest: &str) -> Option<&str> {
    let word = rest.strip_prefix(' ')?;
    let end = word.find(|c: char| !is_word(c)).unwrap_or(word.len());
    (end > 0).then(|| &word[..end])
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Strips what Python's `str.strip` does: Unicode white space and the four separators of ASCII.
pub(crate) fn is_python_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stub as the first versions wrote it; its checksum was computed with Python's hashlib.
    const OLDER: &str = "\n{{ config(materialized='ephemeral') }}\n/*\nFAL_GENERATED b6a6d6e296f63595d713c7ecc6a73f4a\n\nScript dependencies:\n\n{{ ref('model_a') }}\n\n*/\n\nSELECT * FROM {{ target.schema }}.{{ model.name }}\n";

    #[test]
    fn every_end_of_line_and_surrounding_space_is_ours() {
        assert_eq!(judge(OLDER), StubVerdict::Ours);
        assert_eq!(judge(&OLDER.replace('\n', "\r\n")), StubVerdict::Ours);
        assert_eq!(judge(OLDER.trim()), StubVerdict::Ours);
        assert_eq!(
            judge(&format!("\u{1c}\u{1f}\u{a0}{OLDER}\u{2028}\u{3000}\n\n")),
            StubVerdict::Ours
        );
    }

    #[test]
    fn any_other_change_is_an_edit() {
        for (from, to) in [
            ("SELECT", "SELECTED"),
            ("model_a", "model_b"),
            ("model_a", "Model_a"),
            ("*/", "*/ x"),
            ("b6a", "000"),
        ] {
            let edited = OLDER.replacen(from, to, 1);
            assert_ne!(edited, OLDER);
            assert_eq!(judge(&edited), StubVerdict::Edited, "{from} -> {to}");
        }
        assert_eq!(judge(&format!("\u{feff}{OLDER}")), StubVerdict::Edited);
    }

    #[test]
    fn a_file_without_the_marker_is_foreign() {
        for text in [
            "",
            "select 1",
            "FAL_GENERATED_AT",
            "/* fal_generated x */",
            "select FAL_GENERATEDNESS",
        ] {
            assert_eq!(judge(text), StubVerdict::Foreign, "{text}");
        }
    }

    #[test]
    fn a_marker_without_a_checksum_is_an_edit() {
        for text in [
            "FAL_GENERATED",
            "/* FAL_GENERATED */",
            "FAL_GENERATED  two_spaces",
            "FAL_GENERATED\n",
        ] {
            assert_eq!(judge(text), StubVerdict::Edited, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        // Without carriage returns: a stub has none, and a lone one before a line end is lost when
        // git's are taken away.
        fn a_file_sealed_with_its_checksum_is_ours(before in "[^\r\n]{0,40}", after in "[^\r]{0,40}") {
            let sealed = |sum: &str| format!("{before}\nFAL_GENERATED {sum}\n{after}");
            let text = sealed(&checksum(&sealed("x")));
            proptest::prop_assert_eq!(judge(&text), StubVerdict::Ours);
        }
    }
}
