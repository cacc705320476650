//! Detects truncated libraries, such as a copy on a full disk.
//! // The dynamic loader maps the parts of a file into memory without checking the file's length.
//! Touching a mapped page behind the end of the file kills the process by SIGBUS.

use std::{fs::File, io, path::Path};

use object::{
    Endianness, ReadCache, ReadRef,
    elf::{FileHeader32, FileHeader64},
    read::elf::{FileHeader, ProgramHeader},
};

/// The lengths of a truncated file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    /// Number of bytes in the file.
    pub(crate) has: u64,
    /// The least number of bytes that the file must have.
    pub(crate) needs: u64,
}

/// Returns the lengths if the file is truncated. Returns `None` if it is complete or not an ELF
/// file, which the dynamic loader refuses with an error.
#[expect(
    clippy::disallowed_methods,
    reason = "`LoadedPlugin::load` takes regular files only"
)]
pub(crate) fn missing(path: &Path) -> io::Result<Option<Missing>> {
    let file = File::open(path)?;
    let has = file.metadata()?.len();
    let file = ReadCache::new(file);
    let needs = needed::<FileHeader64<Endianness>, _>(&file)
        .or_else(|| needed::<FileHeader32<Endianness>, _>(&file));
    Ok(needs
        .filter(|needs| *needs > has)
        .map(|needs| Missing { has, needs }))
}

/// Returns the offset at which the last mapped part ends. The headers themselves may lie behind the
/// end of the file.
fn needed<'data, H: FileHeader, R: ReadRef<'data>>(file: R) -> Option<u64> {
    let header = H::parse(file).ok()?;
    let endian = header.endian().ok()?;
    let table = u64::from(header.e_phnum(endian)) * u64::from(header.e_phentsize(endian));
    let table_end = header.e_phoff(endian).into().saturating_add(table);
    let Ok(parts) = header.program_headers(endian, file) else {
        return Some(table_end);
    };
    let ends = parts.iter().map(|part| {
        part.p_offset(endian)
            .into()
            .saturating_add(part.p_filesz(endian).into())
    });
    ends.chain([table_end]).max()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Any ELF file will do.
    #[cfg(target_os = "linux")]
    #[test]
    fn every_cut_is_found_up_to_the_last_mapped_byte() {
        let program = std::env::current_exe().unwrap();
        assert_eq!(missing(&program).unwrap(), None);
        let folder = tempfile::tempdir().unwrap();
        let cut = folder.path().join("cut.so");
        let bytes = fs::read(program).unwrap();
        for has in [64, 100, 4096, bytes.len() / 4] {
            fs::write(&cut, &bytes[..has]).unwrap();
            let missing = missing(&cut).unwrap().unwrap();
            assert!(
                missing.has == has as u64 && missing.needs > missing.has,
                "{missing:?}"
            );
        }
    }

    #[test]
    fn what_is_no_elf_file_is_left_to_the_dynamic_loader() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text.so");
        for text in ["", "just text", "\x7fELF"] {
            fs::write(&path, text).unwrap();
            assert_eq!(missing(&path).unwrap(), None, "{text:?}");
        }
    }
}
