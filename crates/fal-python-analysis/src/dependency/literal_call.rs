//! Reads a call with literal arguments from plain text: in docstrings and in Jinja.

use crate::value::Value;

/// The arguments of such a call.
#[derive(Debug, PartialEq)]
pub(super) struct LiteralCall {
    pub(super) args: Vec<Value>,
    pub(super) keywords: Vec<(String, Value)>,
    /// The number of bytes read, with the closing parenthesis.
    pub(super) len: usize,
}

/// Reads arguments from the text behind the opening parenthesis.
pub(super) fn parse(text: &str) -> Option<LiteralCall> {
    let mut reader = Reader { text, at: 0 };
    let mut call = LiteralCall {
        args: Vec::new(),
        keywords: Vec::new(),
        len: 0,
    };
    loop {
        if reader.eat(')') {
            call.len = reader.at;
            return Some(call);
        }
        match reader.keyword() {
            Some(name) => call.keywords.push((name.to_owned(), reader.value()?)),
            None => call.args.push(reader.value()?),
        }
        if !reader.eat(',') && !reader.peek_is(')') {
            return None;
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn peek_is(&mut self, c: char) -> bool {
        self.skip_space();
        self.rest().starts_with(c)
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.peek_is(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    /// Reads `name=`, if it comes next.
    fn keyword(&mut self) -> Option<&'t str> {
        self.skip_space();
        let start = self.at;
        let name = self.word();
        if !name.is_empty() && self.eat('=') {
            return Some(name);
        }
        self.at = start;
        None
    }

    fn word(&mut self) -> &'t str {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_' && c != '.')
            .unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn value(&mut self) -> Option<Value> {
        self.skip_space();
        let first = self.rest().chars().next()?;
        if first == '\'' || first == '"' {
            self.at += 1;
            return self.string(first).map(Value::Str);
        }
        let sign = if self.eat('-') { "-" } else { "" };
        let word = self.word();
        let known = match word {
            "True" | "true" => "True",
            "False" | "false" => "False",
            "None" | "none" => "None",
            number if number.starts_with(|c: char| c.is_ascii_digit()) => number,
            _ => return None,
        };
        Some(Value::Atom(format!("{sign}{known}")))
    }

    fn string(&mut self, quote: char) -> Option<String> {
        let mut out = String::new();
        let mut chars = self.rest().char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                c if c == quote => {
                    self.at += at + 1;
                    return Some(out);
                }
                '\\' => out.push(unescape(chars.next()?.1)?),
                c => out.push(c),
            }
        }
        None
    }
}

fn unescape(c: char) -> Option<char> {
    match c {
        'n' => Some('\n'),
        't' => Some('\t'),
        '\\' | '\'' | '"' => Some(c),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<String> {
        let call = parse(text)?;
        let args = call.args.iter().map(ToString::to_string);
        let keywords = call
            .keywords
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        Some(args.chain(keywords).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn literal_arguments_are_read() {
        assert_eq!(shown("'a')").as_deref(), Some("'a'"));
        assert_eq!(
            shown(" \"a\" , 'b', v = 2 ,) + 1").as_deref(),
            Some("'a' 'b' v=2")
        );
        assert_eq!(
            shown("'it\\'s', version='1')").as_deref(),
            Some("\"it's\" version='1'")
        );
        assert_eq!(shown(")").as_deref(), Some(""));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["name)", "'a' 'b')", "'a'", "'a", "", "..."] {
            assert_eq!(shown(text), None, "{text}");
        }
    }
}
