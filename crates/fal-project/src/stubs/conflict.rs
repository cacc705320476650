//! Messages about files in a stub's place.

use fal_plugin::payload::StubVerdict;

use crate::diagnostics::FileDiagnostic;

/// Reports a file at a stub's path that fal-host did not write, or that was edited since then.
pub(crate) fn in_the_way(stub: &str, model: &str, verdict: StubVerdict) -> FileDiagnostic {
    if verdict == StubVerdict::Edited {
        let message =
            format!("this generated stub of {model} was edited by hand, so it is left alone");
        return FileDiagnostic::error(stub, "stub::edited", message).with_help(format!(
            "move what you changed to {model} or to a model of another name, then delete {stub}: it will be generated anew"
        ));
    }
    let message = format!(
        "this file is in the place of the stub of {model}, and fal-host did not generate it"
    );
    FileDiagnostic::error(stub, "stub::foreign", message).with_help(format!(
        "move or rename {stub}, or rename {model}: a stub has the name of its model"
    ))
}

/// Reports a folder or link at a stub's path.
pub(crate) fn no_file(stub: &str, model: &str) -> FileDiagnostic {
    let message =
        format!("the stub of {model} belongs here, but this is a folder or a link, not a file");
    FileDiagnostic::error(stub, "stub::foreign", message)
        .with_help(format!("move or rename {stub}, or rename {model}"))
}

/// Reports two models whose stubs have the same path.
pub(crate) fn same_path(stub: &str, one: &str, other: &str) -> FileDiagnostic {
    let message = format!("this model and {one} would both have the stub {stub}");
    FileDiagnostic::error(other, "stub::same_path", message).with_help("rename one of them")
}

/// Reports a generated stub that was edited and whose model is gone.
pub(crate) fn edited_orphan(stub: &str) -> FileDiagnostic {
    let message =
        "the model of this generated stub is gone, but the stub was edited by hand, so it stays";
    FileDiagnostic::warning(stub, "stub::edited_orphan", message).with_help(format!(
        "delete {stub}, or move it out of the folder of stubs"
    ))
}
