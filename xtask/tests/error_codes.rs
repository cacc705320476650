//! docs/reference/errors.md has every code of an error that the sources have, and no other.

use std::{collections::BTreeSet, fs, path::Path};

/// Rust and Python that ships. Rust's test modules are at the end of a file.
const SOURCES: [&str; 3] = ["crates", "plugins", "python"];
const TESTS: &str = "#[cfg(test)]\nmod tests {";
/// Folders and files of tests, samples and templates, whose codes no user sees.
const LEFT_OUT: [&str; 8] = [
    "tests",
    "tests.rs",
    "templates",
    "vectors",
    "examples",
    "sample.rs",
    "fake.rs",
    "__pycache__",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Returns the codes in the texts of a file: `"dbt::parse"`.
fn codes(source: &str) -> impl Iterator<Item = &str> {
    let product = source
        .split_once(TESTS)
        .map_or(source, |(product, _)| product);
    product.split('"').filter(|text| is_code(text))
}

fn is_code(text: &str) -> bool {
    let word = |word: &str, also: fn(char) -> bool| {
        word.starts_with(|first: char| first.is_ascii_lowercase())
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || c == '_' || also(c))
    };
    text.split_once("::")
        .is_some_and(|(kind, name)| word(kind, |_| false) && word(name, |c| c.is_ascii_digit()))
}

fn of_sources(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name());
        if LEFT_OUT.iter().any(|left_out| name == *left_out) || path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            of_sources(&path, found);
        } else if path
            .extension()
            .is_some_and(|end| end == "rs" || end == "py")
        {
            found.extend(codes(&fs::read_to_string(&path).unwrap()).map(str::to_owned));
        }
    }
}

#[test]
fn the_page_lists_every_code_and_no_other() {
    let mut wanted = BTreeSet::new();
    for folder in SOURCES {
        of_sources(&root().join(folder), &mut wanted);
    }
    let page = fs::read_to_string(root().join("docs/reference/errors.md")).unwrap();
    let listed: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'))
        .map(str::to_owned)
        .collect();
    let missing: Vec<_> = wanted.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&wanted).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "docs/reference/errors.md lacks {missing:?}, and the sources lack {gone:?}"
    );
}

#[test]
fn codes_are_found_in_texts() {
    let source =
        "error(\"dbt::parse\", \"a text\"); x::y(\"a::b2\")\n#[cfg(test)]\nmod tests { \"c::d\" }";
    assert_eq!(codes(source).collect::<Vec<_>>(), ["dbt::parse", "a::b2"]);
}
