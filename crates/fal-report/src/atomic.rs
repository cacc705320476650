//! Writes files atomically: readers see the old content or the new one.

use std::path::Path;

use fal_files::Root;

use crate::error::ReportError;

/// Writes a file below the target folder.
pub(crate) fn write(target: &Path, file: &str, bytes: &[u8]) -> Result<(), ReportError> {
    let written = Root::create(target).and_then(|root| root.write(file, bytes));
    written.map(drop).map_err(|source| ReportError::Write {
        path: target.join(file),
        source,
    })
}
