//! What auditwheel says of a wheel.

use std::path::Path;

use serde_json::Value;

use crate::{
    error::{Result, XtaskError},
    layout, program,
    venv::Venv,
};

/// An answer of `auditwheel show`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Audit {
    /// The oldest platform that the wheel's programs run on: `manylinux_2_34_x86_64`.
    pub(super) platform: String,
    /// Libraries that such a platform need not have, and other reasons against the wheel.
    pub(super) objections: Vec<String>,
}

/// Asks auditwheel, which runs on Linux only.
pub(super) fn of(venv: &Venv, wheel: &Path) -> Result<Audit> {
    let mut command = program::program(venv.program("auditwheel"), layout::root());
    let answer = program::output(command.args(["show", "--json"]).arg(wheel))?;
    read(&answer).ok_or_else(|| XtaskError::Wheel {
        wheel: wheel.to_owned(),
        why: format!("auditwheel says of it:\n{answer}"),
    })
}

fn read(answer: &str) -> Option<Audit> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let libraries = answer["external_libs"].as_object()?.keys();
    let mut objections: Vec<_> = libraries
        .map(|name| format!("it needs the library {name}"))
        .collect();
    if answer["unsupported_isa"] != false {
        objections.push("it needs a newer processor".to_owned());
    }
    Some(Audit {
        platform: answer["overall_tag"].as_str()?.to_owned(),
        objections,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_and_instructions_of_newer_processors_are_objections() {
        let clean = r#"{"overall_tag": "manylinux_2_28_x86_64", "unsupported_isa": false, "external_libs": {}}"#;
        let expected = Audit {
            platform: "manylinux_2_28_x86_64".to_owned(),
            objections: Vec::new(),
        };
        assert_eq!(read(clean), Some(expected));
        let other = clean
            .replace("false", "true")
            .replace("{}", r#"{"libssl.so.3": null}"#);
        let objections = read(&other).unwrap().objections;
        assert_eq!(
            objections,
            [
                "it needs the library libssl.so.3",
                "it needs a newer processor"
            ]
        );
        assert_eq!(read("a warning"), None);
    }
}
