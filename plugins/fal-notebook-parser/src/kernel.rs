//! The language of a notebook's kernel.

use serde_json::Value;

use crate::document::Document;

/// Names (or beginnings, with `*`) of kernels that run another language, for notebooks that name
/// only the kernel.
const OTHER_KERNELS: [(&str, &str); 21] = [
    (".net-csharp", "C#"),
    (".net-fsharp", "F#"),
    (".net-powershell", "PowerShell"),
    ("almond", "Scala"),
    ("bash", "Bash"),
    ("deno", "TypeScript"),
    ("gophernotes", "Go"),
    ("gonb", "Go"),
    ("ir", "R"),
    ("java*", "Java or JavaScript"),
    ("jslab", "JavaScript"),
    ("julia*", "Julia"),
    ("kotlin", "Kotlin"),
    ("matlab", "MATLAB"),
    ("octave", "Octave"),
    ("ruby*", "Ruby"),
    ("rust", "Rust"),
    ("sas", "SAS"),
    ("scala*", "Scala"),
    ("sparkrkernel", "R"),
    ("xcpp*", "C++"),
];

/// Returns the language that the notebook names, if any.
pub(crate) fn language(document: &Document) -> Option<String> {
    let text = |pointer: &str| {
        let value = document
            .metadata
            .pointer(pointer)
            .and_then(Value::as_str)
            .map(str::trim);
        value.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let of_kernel = || text("/kernelspec/name").and_then(|name| language_of_kernel(&name));
    let of_cells = || document.cells.iter().find_map(|cell| cell.language.clone());
    let named = text("/kernelspec/language").or_else(|| text("/language_info/name"));
    named
        .or_else(|| text("/language"))
        .or_else(of_kernel)
        .or_else(of_cells)
}

/// Whether a language is Python.
pub(crate) fn is_python(language: &str) -> bool {
    let language = language.to_ascii_lowercase();
    let version = language
        .strip_prefix("python")
        .or_else(|| language.strip_prefix("ipython"));
    version.is_some_and(|version| {
        version
            .chars()
            .all(|c| c.is_ascii_digit() || c == '.' || c == ' ')
    })
}

/// Returns the language of a kernel. Kernels are mostly named after environments, so an unknown
/// name says nothing.
fn language_of_kernel(name: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    if name.starts_with("python") {
        return Some("python".to_owned());
    }
    let matches = |pattern: &str| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    };
    OTHER_KERNELS
        .iter()
        .find(|(pattern, _)| matches(pattern))
        .map(|(_, language)| (*language).to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn language_of(metadata: Value) -> Option<String> {
        language(&Document {
            metadata,
            cells: Vec::new(),
        })
    }

    #[test]
    fn the_first_place_that_names_a_language_counts() {
        for (metadata, expected) in [
            (
                json!({"kernelspec": {"language": "R", "name": "python3"}, "language_info": {"name": "python"}}),
                Some("R"),
            ),
            (
                json!({"kernelspec": {"name": "ir"}, "language_info": {"name": "python"}}),
                Some("python"),
            ),
            (json!({"language": "julia"}), Some("julia")),
            (json!({"kernelspec": {"name": "julia-1.9"}}), Some("Julia")),
            (json!({"kernelspec": {"name": "Python3"}}), Some("python")),
            (
                json!({"kernelspec": {"name": "forecasting-env", "language": ""}}),
                None,
            ),
            (json!({"kernelspec": 1}), None),
            (json!(null), None),
        ] {
            assert_eq!(
                language_of(metadata.clone()).as_deref(),
                expected,
                "{metadata}"
            );
        }
    }

    #[test]
    fn every_name_of_python_is_known() {
        assert!([
            "python",
            "Python",
            "python3",
            "Python 3.11",
            "ipython",
            "ipython3"
        ]
        .into_iter()
        .all(is_python));
        assert!(!["R", "micropython", "pythonic", "scala", ""]
            .into_iter()
            .any(is_python));
    }
}
