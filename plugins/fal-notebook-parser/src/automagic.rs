//! Lines that Jupyter reads as magics although they have no percent sign: `pip install x`.

/// Magics that are often written this way.
const MAGICS: [&str; 14] = [
    "pip",
    "conda",
    "mamba",
    "micromamba",
    "uv",
    "load_ext",
    "reload_ext",
    "autoreload",
    "matplotlib",
    "run",
    "cd",
    "ls",
    "time",
    "timeit",
];

/// Words that make valid Python of a name and the word behind it.
const OPERATORS: [&str; 7] = ["and", "or", "not", "in", "is", "if", "for"];

/// Returns the magic of a line such as `pip install x`: a name, a space, and something that cannot
/// follow a name in Python.
pub(crate) fn magic(statement: &str) -> Option<&'static str> {
    let (name, rest) = statement.split_once(' ')?;
    let magic = MAGICS.into_iter().find(|magic| *magic == name)?;
    let rest = rest.trim_start();
    let word = rest
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .next()?;
    let follows =
        word.starts_with(|c: char| c.is_alphabetic() || c == '_') && !OPERATORS.contains(&word);
    follows.then_some(magic)
}

/// Returns what to do about it.
pub(crate) fn help(magic: &str) -> &'static str {
    match magic {
        "pip" | "conda" | "mamba" | "micromamba" | "uv" => {
            "in Jupyter write `%pip install ...`; a model installs nothing while it runs: name the package in an environment \
             of fal_project.yml, and take the line out or tag its cell `fal-skip`"
        }
        _ => "write it with a percent sign",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magics_without_a_sign_are_known() {
        for (statement, found) in [
            ("pip install pandas", Some("pip")),
            ("pip  install -r x.txt", Some("pip")),
            ("conda install -c x y", Some("conda")),
            ("matplotlib inline", Some("matplotlib")),
            ("time df.head()", Some("time")),
            ("pip = 1", None),
            ("pip in x", None),
            ("time if x else y", None),
            ("run - 1", None),
            ("time", None),
            ("pip.main(['install'])", None),
            ("pipx install x", None),
        ] {
            assert_eq!(magic(statement), found, "{statement}");
        }
    }
}
