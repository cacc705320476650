//! Writes zip archives of sources, which every Python can import from.

use std::io::{self, Cursor, Write};

use zip::{write::SimpleFileOptions, CompressionMethod, DateTime, ZipWriter};

/// Returns an archive with these files. The same files give the same bytes: all have the date
/// 1980-01-01.
pub(crate) fn zip<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> io::Result<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        archive.start_file(name, options)?;
        archive.write_all(bytes)?;
    }
    Ok(archive.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_has_its_files_and_a_directory() {
        let bytes = zip([("a.py", &b"x = 1\n"[..]), ("p/ü.py", b"")]).unwrap();
        assert!(
            bytes.starts_with(b"PK\x03\x04")
                && bytes[bytes.len() - 22..].starts_with(b"PK\x05\x06")
        );
        assert_eq!(
            zip([("a.py", &b"x = 1\n"[..]), ("p/ü.py", b"")]).unwrap(),
            bytes
        );
    }
}
