//! Writes a zip file: what every Python can unpack.

/// Bytes of an archive with these files.
pub(crate) fn zip<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut archive = Archive::default();
    for (name, bytes) in files {
        archive.add(name, bytes);
    }
    archive.finish()
}

/// Good enough for sources, and quick.
const LEVEL: u8 = 6;
/// 1980-01-01: the same files give the same bytes.
const DATE: u16 = 0x21;
/// Names are UTF-8.
const FLAGS: u16 = 0x0800;
const DEFLATED: u16 = 8;

#[derive(Default)]
struct Archive {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    count: u16,
}

impl Archive {
    fn add(&mut self, name: &str, content: &[u8]) {
        let packed = miniz_oxide::deflate::compress_to_vec(content, LEVEL);
        let offset = self.bytes.len() as u32;
        let mut common = Vec::new();
        [20, FLAGS, DEFLATED, 0, DATE]
            .iter()
            .for_each(|value| common.extend(value.to_le_bytes()));
        [crc32(content), packed.len() as u32, content.len() as u32]
            .iter()
            .for_each(|value| common.extend(value.to_le_bytes()));
        // Length of the name and of a further field that there is not.
        [name.len() as u16, 0]
            .iter()
            .for_each(|value| common.extend(value.to_le_bytes()));
        self.bytes.extend(*b"PK\x03\x04");
        self.bytes.extend(&common);
        self.bytes.extend(name.as_bytes());
        self.bytes.extend(packed);
        self.directory.extend(*b"PK\x01\x02");
        self.directory.extend(20u16.to_le_bytes());
        self.directory.extend(&common);
        // No comment, disk or attributes.
        self.directory.extend([0; 10]);
        self.directory.extend(offset.to_le_bytes());
        self.directory.extend(name.as_bytes());
        self.count += 1;
    }

    fn finish(mut self) -> Vec<u8> {
        let (offset, size) = (self.bytes.len() as u32, self.directory.len() as u32);
        self.bytes.append(&mut self.directory);
        self.bytes.extend(*b"PK\x05\x06");
        [0, 0, self.count, self.count]
            .iter()
            .for_each(|value: &u16| self.bytes.extend(value.to_le_bytes()));
        [size, offset]
            .iter()
            .for_each(|value| self.bytes.extend(value.to_le_bytes()));
        self.bytes.extend([0; 2]);
        self.bytes
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                (crc >> 1) ^ 0xEDB8_8320
            } else {
                crc >> 1
            }
        })
    };
    !bytes.iter().fold(!0, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_zip() {
        assert_eq!((crc32(b""), crc32(b"123456789")), (0, 0xCBF4_3926));
    }

    #[test]
    fn an_archive_has_its_files_and_a_directory() {
        let bytes = zip([("a.py", &b"x = 1\n"[..]), ("p/ü.py", b"")]);
        assert!(
            bytes.starts_with(b"PK\x03\x04")
                && bytes[bytes.len() - 22..].starts_with(b"PK\x05\x06")
        );
        assert_eq!(zip([("a.py", &b"x = 1\n"[..]), ("p/ü.py", b"")]), bytes);
    }
}
