//! Decodes a Python file as Python would: as UTF-8, or in the encoding that its coding cookie
//! names.

use crate::codecs::{Codec, Unreadable, is_known_elsewhere};

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Decodes a file; the error is a message for the user.
pub(crate) fn decode(bytes: Vec<u8>) -> Result<String, String> {
    let Some(cookie) = cookie(&bytes).map(str::to_owned) else {
        return utf8(bytes, "this file is not UTF-8, and names no other encoding");
    };
    let encoding = Named::read(&cookie);
    if bytes.starts_with(BOM) && !matches!(encoding, Named::Utf8) {
        return Err(format!(
            "this file begins with the mark of UTF-8 (BOM), and names the encoding {cookie}"
        ));
    }
    match encoding {
        Named::Utf8 => utf8(bytes, "this file is not UTF-8 as it says"),
        Named::Ascii if bytes.is_ascii() => utf8(bytes, ""),
        Named::Ascii => Err(format!(
            "this file is not ASCII as it says (line {})",
            line_of(&bytes, |byte| !byte.is_ascii())
        )),
        Named::Latin1 => Ok(bytes.into_iter().map(char::from).collect()),
        Named::Codec(codec) => codec.decode(&bytes).map_err(|error| match error {
            Unreadable::Bytes => format!("this file is not in the encoding {cookie} as it says"),
            Unreadable::Disputed => {
                format!(
                    "this file has characters of the encoding {cookie} that fal-host does not read"
                )
            }
        }),
        // ASCII is the same in all of them.
        Named::Elsewhere if bytes.is_ascii() => utf8(bytes, ""),
        Named::Elsewhere => Err(format!(
            "this file is in the encoding {cookie}, which fal-host does not read"
        )),
        Named::Unknown => Err(format!(
            "this file names the encoding {cookie}, which Python does not know"
        )),
    }
}

/// The encoding that a cookie names.
enum Named {
    Utf8,
    Ascii,
    Latin1,
    Codec(&'static Codec),
    /// An encoding of Python that fal-host does not read.
    Elsewhere,
    Unknown,
}

impl Named {
    fn read(cookie: &str) -> Self {
        let name = cookie.to_ascii_lowercase().replace('_', "-");
        let is = |known: &str| {
            name == known
                || name
                    .strip_prefix(known)
                    .is_some_and(|rest| rest.starts_with('-'))
        };
        match name.as_str() {
            // Python's tokenizer compares only the beginnings of these names.
            _ if is("utf-8") => Self::Utf8,
            _ if is("latin-1") || is("iso-8859-1") || is("iso-latin-1") => Self::Latin1,
            "utf8" | "u8" | "utf" | "utf8-ucs2" | "utf8-ucs4" | "cp65001" => Self::Utf8,
            "ascii" | "us-ascii" | "us" | "646" | "ansi-x3.4-1968" | "csascii" | "iso646-us"
            | "iso-ir-6" => Self::Ascii,
            "latin1" | "latin" | "l1" | "iso8859-1" | "iso8859" | "8859" | "cp819" | "ibm819"
            | "csisolatin1" | "iso-ir-100" => Self::Latin1,
            _ => match Codec::find(cookie) {
                Some(codec) => Self::Codec(codec),
                None if is_known_elsewhere(cookie) => Self::Elsewhere,
                None => Self::Unknown,
            },
        }
    }
}

/// Returns the line, from 1, of the first such byte.
fn line_of(bytes: &[u8], is: impl Fn(&u8) -> bool) -> usize {
    bytes
        .iter()
        .take_while(|byte| !is(byte))
        .filter(|byte| **byte == b'\n')
        .count()
        + 1
}

fn utf8(bytes: Vec<u8>, message: &str) -> Result<String, String> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        format!(
            "{message} (line {})",
            valid.iter().filter(|byte| **byte == b'\n').count() + 1
        )
    })?;
    Ok(text
        .strip_prefix('\u{feff}')
        .map(str::to_owned)
        .unwrap_or(text))
}

/// Returns the encoding that a comment on one of the first two lines names, as PEP 263 defines it.
fn cookie(bytes: &[u8]) -> Option<&str> {
    let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let first = lines.next()?;
    if let Some(name) = line_cookie(first) {
        return Some(name);
    }
    let blank = first.trim_ascii().is_empty() || first.trim_ascii().starts_with(b"#");
    lines.next().filter(|_| blank).and_then(line_cookie)
}

fn line_cookie(line: &[u8]) -> Option<&str> {
    // Only the ASCII part matters: a comment before the cookie may hold anything.
    let mut comment = line.trim_ascii_start().strip_prefix(b"#")?;
    while let Some(at) = comment
        .windows(7)
        .position(|window| window == b"coding:" || window == b"coding=")
    {
        comment = &comment[at + 7..];
        let name = comment.trim_ascii_start();
        let length = name
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
            .count();
        if length > 0 {
            return std::str::from_utf8(&name[..length]).ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_files_are_decoded_as_python_would() {
        let good: [(&[u8], &str); 10] = [
            (b"x = 1", "x = 1"),
            (b"# coding: koi8-r\n# \xd0\xd2", "# coding: koi8-r\n# пр"),
            (b"# coding: big5\n# \xa4\xa4", "# coding: big5\n# 中"),
            (b"# coding: cp437\nx = 1", "# coding: cp437\nx = 1"),
            (
                b"\xef\xbb\xbf# coding: utf-8-sig\n# \xc3\xa9",
                "# coding: utf-8-sig\n# é",
            ),
            (
                b"# coding: ? coding: cp1251\n# \xef",
                "# coding: ? coding: cp1251\n# п",
            ),
            (b"\xef\xbb\xbfx = 1", "x = 1"),
            ("# é".as_bytes(), "# é"),
            (
                b"# -*- coding: latin-1 -*-\n# \xe9",
                "# -*- coding: latin-1 -*-\n# é",
            ),
            (
                b"#!/usr/bin/python\n# vim: set fileencoding=iso-8859-1 :\n\xe9",
                "#!/usr/bin/python\n# vim: set fileencoding=iso-8859-1 :\né",
            ),
        ];
        for (bytes, text) in good {
            assert_eq!(decode(bytes.to_vec()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_cannot_be_decoded_says_where_and_why() {
        insta::assert_snapshot!(decode(b"x = 1\n# \xe9".to_vec()).unwrap_err(), @"this file is not UTF-8, and names no other encoding (line 2)");
        insta::assert_snapshot!(decode(b"# coding: cp437\n# \xe9".to_vec()).unwrap_err(), @"this file is in the encoding cp437, which fal-host does not read");
        insta::assert_snapshot!(decode(b"# coding: uft-8\nx = 1".to_vec()).unwrap_err(), @"this file names the encoding uft-8, which Python does not know");
        insta::assert_snapshot!(decode(b"\xef\xbb\xbf# coding: latin-1\nx = 1".to_vec()).unwrap_err(), @"this file begins with the mark of UTF-8 (BOM), and names the encoding latin-1");
        insta::assert_snapshot!(decode(b"# coding: ascii\n# \xe9".to_vec()).unwrap_err(), @"this file is not ASCII as it says (line 2)");
        insta::assert_snapshot!(decode(b"# coding: cp1252\n# \x81".to_vec()).unwrap_err(), @"this file is not in the encoding cp1252 as it says");
        insta::assert_snapshot!(decode(b"# coding: big5\n# \xc6\xa1".to_vec()).unwrap_err(), @"this file has characters of the encoding big5 that fal-host does not read");
        assert!(
            decode(b"x = 1\n# coding: latin-1\n\xe9".to_vec()).is_err(),
            "a cookie behind code is none"
        );
    }
}
