//! What only messages show.

use fal_plugin::{payload::PythonAnalysis, wire::Transport};

use crate::{
    case::{Verdict, ensure},
    wire,
};

pub(super) fn unknown_fields(transport: &dyn Transport) -> Verdict {
    let request = br#"{"path": "models/a.py", "of_a_newer_host": {"a": [1]}}"#;
    let analysis: PythonAnalysis =
        wire::answered(transport, "parse", request, b"write_to_model(ref('a'))")?;
    ensure!(
        analysis.dependencies.len() == 1,
        "`dependencies` is {:?}",
        analysis.dependencies
    );
    Ok(())
}

pub(super) fn not_utf8(transport: &dyn Transport) -> Verdict {
    let request = br#"{"path": "models/a.py"}"#;
    wire::plain_error(
        "parse",
        wire::refused(transport, "parse", request, b"x = '\xff'")?,
    )
}
