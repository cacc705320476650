//! Checks the Markdown pages: links lead somewhere, paths of the repository exist, and the index
//! lists every page.

use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path, PathBuf},
};

/// Folders at the root. A path in backticks that begins with one of them must exist.
const FOLDERS: [&str; 7] = [
    ".ci/",
    "crates/",
    "docs/",
    "examples/",
    "plugins/",
    "tests/",
    "xtask/",
];
/// Pages for authors of plugins show paths of the author's own crate.
const OF_AUTHORS: &str = "docs/plugins/";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Returns the pages at the root and below `docs`, by their path from the root.
fn pages() -> Vec<String> {
    let mut pages: Vec<_> = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"]
        .map(str::to_owned)
        .to_vec();
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                let path = path.strip_prefix(root()).unwrap();
                pages.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    pages.sort();
    pages
}

/// Returns the lines outside of code blocks, with their numbers.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut fenced = false;
    let mut lines = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            lines.push((at + 1, line));
        }
    }
    lines
}

/// Returns the text between each pair of `open` and `close` in a line.
fn between<'a>(line: &'a str, open: &str, close: char) -> Vec<&'a str> {
    let mut rest = line;
    let mut found = Vec::new();
    while let Some((_, behind)) = rest.split_once(open) {
        let Some((inside, after)) = behind.split_once(close) else {
            break;
        };
        found.push(inside);
        rest = after;
    }
    found
}

/// Returns a page's headings as GitHub names them in links, and the names of its `<a id>`.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for (_, line) in prose(text) {
        anchors.extend(
            between(line, "<a id=\"", '"')
                .into_iter()
                .map(str::to_owned),
        );
        let Some(heading) = line
            .starts_with('#')
            .then(|| line.trim_start_matches('#').trim())
        else {
            continue;
        };
        let kept = heading
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        anchors.insert(kept.collect::<String>().to_lowercase().replace(' ', "-"));
    }
    anchors
}

/// Resolves `..` without the file system, so that the result can be compared with [`pages`].
fn normal(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                parts.pop();
            }
            Component::CurDir => {}
            other => parts.push(other),
        }
    }
    parts
}

/// Returns the links of a page that lead to the repository: the line, the file and the anchor.
fn links(page: &str, text: &str) -> Vec<(usize, PathBuf, Option<String>)> {
    let folder = Path::new(page).parent().unwrap();
    let mut links = Vec::new();
    for (at, line) in prose(text) {
        for target in between(line, "](", ')') {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = match target.split_once('#') {
                Some((file, anchor)) => (file, Some(anchor.to_owned())),
                None => (target, None),
            };
            let file = if file.is_empty() {
                PathBuf::from(page)
            } else {
                normal(&folder.join(file))
            };
            links.push((at, file, anchor));
        }
    }
    links
}

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(root().join(&page)).unwrap();
        for (at, file, anchor) in links(&page, &text) {
            let target = root().join(&file);
            if !target.exists() {
                broken.push(format!("{page}:{at}: no file {}", file.display()));
            } else if let Some(anchor) = anchor
                && !anchors(&fs::read_to_string(target).unwrap()).contains(&anchor)
            {
                broken.push(format!(
                    "{page}:{at}: no heading #{anchor} in {}",
                    file.display()
                ));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn paths_in_backticks_exist() {
    let mut wrong = Vec::new();
    let mut checked = 0;
    for page in pages().iter().filter(|page| !page.starts_with(OF_AUTHORS)) {
        let text = fs::read_to_string(root().join(page)).unwrap();
        for (at, line) in prose(&text) {
            for code in between(line, "`", '`') {
                let path = FOLDERS.iter().any(|folder| code.starts_with(folder))
                    && !code.contains([' ', '*', '<', '{', '…']);
                if !path {
                    continue;
                }
                checked += 1;
                let file = code.split_once("::").map_or(code, |(file, _)| file);
                if !root().join(file).exists() {
                    wrong.push(format!("{page}:{at}: {code}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 50, "{checked}");
}

/// The name is not published: an installer that is given it could find somebody else's package.
#[test]
fn no_page_installs_fal_host_by_its_bare_name() {
    let mut wrong = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(root().join(&page)).unwrap();
        for (at, line) in text.lines().enumerate() {
            let words: Vec<_> = line
                .split([' ', '`', '"', '\''])
                .filter(|word| !word.is_empty())
                .collect();
            let installs = ["install", "uvx", "--from", "--with"];
            let bare = words.windows(2).any(|pair| {
                installs.contains(&pair[0])
                    && pair[1].starts_with("fal-host")
                    && !line.contains("file://")
            });
            if bare {
                wrong.push(format!("{page}:{}: {line}", at + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Readers find a page by the index only.
#[test]
fn the_indexes_list_every_page() {
    let listed: BTreeSet<_> = ["docs/README.md", "docs/decisions/README.md"]
        .into_iter()
        .flat_map(|index| {
            let text = fs::read_to_string(root().join(index)).unwrap();
            links(index, &text).into_iter().map(|(_, file, _)| file)
        })
        .collect();
    let missing: Vec<_> = pages()
        .into_iter()
        .filter(|page| page.starts_with("docs/") && page != "docs/README.md")
        .filter(|page| !listed.contains(Path::new(page)))
        .collect();
    assert!(missing.is_empty(), "not in an index: {missing:?}");
}
