//! The text of a Python file as Python itself would decode it: UTF-8, or what its coding cookie names.

/// Decodes a file; an error is a message.
pub(crate) fn decode(bytes: Vec<u8>) -> Result<String, String> {
    match cookie(&bytes).map(|name| name.to_ascii_lowercase().replace('_', "-")).as_deref() {
        None => utf8(bytes, "this file is not UTF-8, and names no other encoding"),
        Some("utf-8" | "utf8" | "utf-8-sig" | "ascii" | "us-ascii") => utf8(bytes, "this file is not UTF-8 as it says"),
        Some("latin-1" | "latin1" | "l1" | "iso-8859-1" | "iso8859-1" | "iso-latin-1" | "8859") => {
            Ok(bytes.into_iter().map(char::from).collect())
        }
        Some(_) if bytes.is_ascii() => utf8(bytes, "this file is not ASCII"),
        Some(other) => Err(format!("this file is in the encoding {other}, which is not supported")),
    }
}

fn utf8(bytes: Vec<u8>, message: &str) -> Result<String, String> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        format!("{message} (line {})", valid.iter().filter(|byte| **byte == b'\n').count() + 1)
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// The encoding that a comment on one of the first two lines names, as PEP 263 defines it.
fn cookie(bytes: &[u8]) -> Option<&str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
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
    let comment = line.trim_ascii_start().strip_prefix(b"#")?;
    let at = comment.windows(7).position(|window| window == b"coding:" || window == b"coding=")?;
    let name = comment[at + 7..].trim_ascii_start();
    let length = name.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte)).count();
    std::str::from_utf8(&name[..length]).ok().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_files_are_decoded_as_python_would() {
        let good: [(&[u8], &str); 5] = [
            (b"x = 1", "x = 1"),
            (b"\xef\xbb\xbfx = 1", "x = 1"),
            ("# é".as_bytes(), "# é"),
            (b"# -*- coding: latin-1 -*-\n# \xe9", "# -*- coding: latin-1 -*-\n# é"),
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
        insta::assert_snapshot!(decode(b"# coding: koi8-r\n# \xe9".to_vec()).unwrap_err(), @"this file is in the encoding koi8-r, which is not supported");
        assert!(decode(b"x = 1\n# coding: latin-1\n\xe9".to_vec()).is_err(), "a cookie behind code is none");
    }
}
