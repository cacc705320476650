//! Checks that the host's modules depend on each other in one direction. The imports are read from
//! the sources, and no module may import itself through others.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The crates whose modules have no cycles.
const CRATES: [&str; 5] = [
    "crates/fal-cli",
    "crates/fal-host",
    "crates/fal-environments",
    "plugins/fal-command-runner",
    "plugins/fal-dbt-backend",
];

/// A path below the root of a crate: `["run", "plan"]`.
type Segments = Vec<String>;

#[test]
fn modules_have_no_cycles() {
    for name in CRATES {
        let source = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join(name)
            .join("src");
        let modules = Modules::read(&source);
        assert!(modules.0.len() > 15, "{name}: {}", modules.0.len());
        let cycles = modules.cycles();
        assert!(cycles.is_empty(), "{name}:\n{}", cycles.join("\n"));
    }
}

/// A re-export is no edge of the module that contains it. A module that imports the name depends on
/// the module that defines it.
#[test]
fn imports_are_followed_to_their_origin() {
    let modules = |files: &[(&str, &str)]| {
        let module = |(path, text): &(&str, &str)| {
            let path = path.split_terminator('/').map(str::to_owned).collect();
            (path, code(text))
        };
        Modules(files.iter().map(module).collect()).cycles()
    };
    let facade = "pub(crate) use self::b::{B, C as D};\nuse a::A;";
    assert!(modules(&[("", facade), ("a", "use super::D;"), ("b", "")]).is_empty());
    let nested = "use crate::{x, b::{self, B}};";
    assert_eq!(
        modules(&[("", ""), ("a", nested), ("b", "fn b() { crate::a::go() }")]),
        ["a -> b -> a"]
    );
    assert!(
        modules(&[
            ("a", "use crate::b;"),
            ("b", "// use crate::a;\n\"crate::a\"")
        ])
        .is_empty()
    );
    let tests = "#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}";
    assert!(modules(&[("", ""), ("a", "use crate::b::B;"), ("b", tests)]).is_empty());
}

/// The code of each module, without comments, string literals and unit tests.
struct Modules(BTreeMap<Segments, String>);

impl Modules {
    fn read(source: &Path) -> Self {
        let mut modules = BTreeMap::new();
        for file in files(source) {
            let mut path: Segments = file
                .strip_prefix(source)
                .unwrap()
                .with_extension("")
                .iter()
                .map(|part| part.to_string_lossy().into_owned())
                .collect();
            if matches!(path.last().unwrap().as_str(), "mod" | "lib" | "main") {
                path.pop();
            }
            let is_test = |name: &String| name.ends_with("tests") || name == "fake";
            if !path.last().is_some_and(is_test) {
                modules.insert(path, code(&fs::read_to_string(file).unwrap()));
            }
        }
        Self(modules)
    }

    /// Returns each cycle once, starting at its first module.
    fn cycles(&self) -> Vec<String> {
        let edges = self.edges();
        let mut cycles: Vec<String> = Vec::new();
        let mut done = BTreeSet::new();
        for start in edges.keys() {
            let mut path = vec![start];
            self.walk(&edges, &mut path, &mut done, &mut cycles);
        }
        cycles
    }

    fn walk<'a>(
        &self,
        edges: &'a BTreeMap<Segments, BTreeSet<Segments>>,
        path: &mut Vec<&'a Segments>,
        done: &mut BTreeSet<&'a Segments>,
        cycles: &mut Vec<String>,
    ) {
        let last = *path.last().unwrap();
        if done.contains(last) {
            return;
        }
        for next in &edges[last] {
            if let Some(at) = path.iter().position(|known| *known == next) {
                let cycle = path[at..].iter().copied().chain([next]);
                cycles.push(cycle.map(|m| m.join("::")).collect::<Vec<_>>().join(" -> "));
            } else {
                path.push(next);
                self.walk(edges, path, done, cycles);
                path.pop();
            }
        }
        done.insert(last);
    }

    fn edges(&self) -> BTreeMap<Segments, BTreeSet<Segments>> {
        let mut exports = BTreeMap::new();
        let mut imports: Vec<(&Segments, Segments)> = Vec::new();
        for (module, code) in &self.0 {
            let mut rest = String::new();
            for statement in code.split_inclusive(';') {
                let Some(at) = find_use(statement) else {
                    rest.push_str(statement);
                    continue;
                };
                rest.push_str(&statement[..at]);
                let tree = statement[at + "use ".len()..].trim_end_matches(';');
                let is_export = statement[..at].trim_end().ends_with([')', 'b']);
                for (path, name) in leaves(tree) {
                    match self.absolute(module, &path) {
                        Some(path) if is_export => _ = exports.insert((module, name), path),
                        Some(path) => imports.push((module, path)),
                        None => {}
                    }
                }
            }
            let paths = rest.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
            for path in paths.filter(|path| path.contains("::")) {
                imports.extend(self.absolute(module, path).map(|path| (module, path)));
            }
        }
        let mut edges: BTreeMap<Segments, BTreeSet<Segments>> = self
            .0
            .keys()
            .map(|m| (m.clone(), BTreeSet::new()))
            .collect();
        for (module, path) in imports {
            let origin = self.origin(path, &exports);
            if origin != *module {
                edges.get_mut(module).unwrap().insert(origin);
            }
        }
        edges
    }

    /// Returns the path from the root of the crate; `None` for a path of another crate.
    fn absolute(&self, module: &Segments, path: &str) -> Option<Segments> {
        let mut base = module.clone();
        let mut segments = path.split("::").map(str::trim).peekable();
        match *segments.peek()? {
            "crate" => base.clear(),
            "self" | "super" => {}
            first => {
                let child = [module.as_slice(), &[first.to_owned()]].concat();
                self.0.get(&child)?;
            }
        }
        for segment in segments {
            match segment {
                "crate" | "self" => {}
                "super" => _ = base.pop(),
                name => base.push(name.to_owned()),
            }
        }
        Some(base)
    }

    /// Returns the module that defines the item at a path.
    fn origin(
        &self,
        path: Segments,
        exports: &BTreeMap<(&Segments, String), Segments>,
    ) -> Segments {
        let known = (0..=path.len())
            .rev()
            .map(|length| path[..length].to_vec())
            .find(|module| self.0.contains_key(module))
            .unwrap_or_default();
        let export = path
            .get(known.len())
            .and_then(|name| exports.get(&(&known, name.clone())));
        match export {
            Some(export) if *export != path => {
                let rest = &path[known.len() + 1..];
                self.origin([export.as_slice(), rest].concat(), exports)
            }
            _ => known,
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// Removes comments, string literals and the unit tests at the end of the text.
fn code(text: &str) -> String {
    let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let mut code = String::new();
    for line in product.lines() {
        let line = line.split("//").next().unwrap();
        let outside = line.split('"').step_by(2);
        code.extend(outside);
        code.push('\n');
    }
    code
}

/// Finds where `use ` begins a statement, after attributes, blocks and a visibility.
fn find_use(statement: &str) -> Option<usize> {
    let at = statement.rfind("use ")?;
    let before = statement[..at].trim_end();
    let is_word = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    (!is_word || before.ends_with("pub")).then_some(at)
}

/// Returns the paths of a use tree with the names that they get: `a::{b, c as d}` becomes `a::b`, `b`
/// and `a::c`, `d`.
fn leaves(tree: &str) -> Vec<(String, String)> {
    let tree = tree.trim();
    let Some((prefix, group)) = tree.split_once('{') else {
        let (path, alias) = tree.split_once(" as ").unwrap_or((tree, ""));
        let path = path.trim().trim_end_matches("::self");
        let name = if alias.is_empty() {
            path.rsplit("::").next().unwrap()
        } else {
            alias.trim()
        };
        return vec![(path.to_owned(), name.to_owned())];
    };
    let group = &group[..group.rfind('}').unwrap_or(group.len())];
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, char) in group.char_indices() {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&group[start..]);
    let parts = parts.into_iter().filter(|part| !part.trim().is_empty());
    parts
        .flat_map(|part| leaves(&format!("{}{}", prefix.trim(), part.trim())))
        .collect()
}
