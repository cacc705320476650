//! Reads regular files up to a size limit.

use std::{
    fs::{self, File, FileType},
    io::{self, Read},
    path::Path,
};

/// The largest file that a person writes: code, SQL, YAML, lists of packages.
pub const TEXT: u64 = 32 << 20;
/// The largest file that a program writes: notebooks with their outputs, artifacts, caches.
pub const DATA: u64 = 512 << 20;

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
/// Also if the file is a folder, a named pipe, a socket or a device, or is larger.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let size = file.metadata()?.len();
    check_size(size, limit)?;
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    // Limit the reading too: a file may grow meanwhile, and files in /proc claim to be empty.
    file.take(limit + 1).read_to_end(&mut bytes)?;
    check_size(bytes.len() as u64, limit)?;
    Ok(bytes)
}

/// Reads a regular file of at most `limit` bytes as UTF-8.
///
/// # Errors
/// As [`read`], and of kind `InvalidData` if the file is not UTF-8.
pub fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    String::from_utf8(read(path, limit)?)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Opens a regular file for reading.
///
/// # Errors
/// Also if the file is a folder, a named pipe, a socket or a device.
pub fn open(path: &Path) -> io::Result<File> {
    // Check before opening, since opening a device can have effects, and again afterwards, since
    // another file may have taken the name meanwhile.
    regular(fs::metadata(path)?.file_type())?;
    let file = open_without_waiting(path)?;
    regular(file.metadata()?.file_type())?;
    Ok(file)
}

/// Names the type of a file that is neither a regular file nor a folder nor a link.
pub fn odd_kind(kind: FileType) -> Option<&'static str> {
    use std::os::unix::fs::FileTypeExt;
    if kind.is_fifo() {
        Some("a named pipe")
    } else if kind.is_socket() {
        Some("a socket")
    } else if kind.is_char_device() || kind.is_block_device() {
        Some("a device")
    } else {
        None
    }
}

fn regular(kind: FileType) -> io::Result<()> {
    if kind.is_file() {
        return Ok(());
    }
    let (sort, what) = match odd_kind(kind) {
        _ if kind.is_dir() => (io::ErrorKind::IsADirectory, "a folder"),
        found => (
            io::ErrorKind::InvalidInput,
            found.unwrap_or("something else"),
        ),
    };
    Err(io::Error::new(
        sort,
        format!("it is {what}, not a regular file"),
    ))
}

/// Without `NONBLOCK`, opening a named pipe waits for its writer.
fn open_without_waiting(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?.into())
}

/// Checks that a file of this many bytes does not exceed `limit`.
///
/// # Errors
/// If it is larger.
pub fn check_size(size: u64, limit: u64) -> io::Result<()> {
    if size <= limit {
        return Ok(());
    }
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    let message = format!(
        "it has {} MiB; such files are read up to {} MiB",
        mib(size),
        mib(limit)
    );
    Err(io::Error::new(io::ErrorKind::FileTooLarge, message))
}

#[cfg(test)]
mod tests {
    use std::os::unix::{fs::symlink, net::UnixListener};

    use super::*;

    #[test]
    fn only_regular_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "text").unwrap();
        symlink("file", at("link")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            at("pipe"),
            rustix::fs::FileType::Fifo,
            0o644.into(),
            0,
        )
        .unwrap();
        symlink("pipe", at("pipe link")).unwrap();
        symlink("/dev/zero", at("zero")).unwrap();
        fs::create_dir(at("folder")).unwrap();
        let _listener = UnixListener::bind(at("socket")).unwrap();
        for (name, expected) in [
            ("file", "text"),
            ("link", "text"),
            ("pipe", "it is a named pipe, not a regular file"),
            ("pipe link", "it is a named pipe, not a regular file"),
            ("zero", "it is a device, not a regular file"),
            ("folder", "it is a folder, not a regular file"),
            ("socket", "it is a socket, not a regular file"),
        ] {
            assert_eq!(
                read_text(&at(name), TEXT).unwrap_or_else(|error| error.to_string()),
                expected,
                "{name}"
            );
        }
        assert_eq!(
            read(&at("none"), TEXT).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }

    #[test]
    fn a_file_above_the_limit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        File::create(&file).unwrap().set_len(3 << 20).unwrap();
        assert_eq!(read(&file, 3 << 20).unwrap().len(), 3 << 20);
        let error = read(&file, 1 << 20).unwrap_err();
        assert_eq!(
            error.to_string(),
            "it has 3 MiB; such files are read up to 1 MiB"
        );
        // Has content, but no size in its metadata.
        assert_eq!(
            read(Path::new("/proc/self/maps"), 10).unwrap_err().kind(),
            io::ErrorKind::FileTooLarge
        );
    }
}
