//! Shell patterns, as Python's `fnmatch` understands them (case counts; `*` also matches dots and slashes).

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Vec<Token>);

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Run,
    Any,
    One(char),
    Set {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Pattern {
    pub(super) fn new(pattern: &str) -> Self {
        let chars: Vec<char> = pattern.chars().collect();
        let mut tokens = Vec::with_capacity(chars.len());
        let mut at = 0;
        while let Some(&c) = chars.get(at) {
            at += 1;
            match c {
                '*' if tokens.last() == Some(&Token::Run) => {}
                '*' => tokens.push(Token::Run),
                '?' => tokens.push(Token::Any),
                '[' => match set_end(&chars, at) {
                    Some(end) => {
                        tokens.push(set(&chars[at..end]));
                        at = end + 1;
                    }
                    None => tokens.push(Token::One('[')),
                },
                c => tokens.push(Token::One(c)),
            }
        }
        Self(tokens)
    }

    /// Returns whether the whole text matches.
    pub(super) fn matches(&self, text: &str) -> bool {
        let tokens = &self.0;
        let (mut rest, mut at) = (text.chars(), 0);
        // Where to go on when the last `*` takes one more character.
        let mut retry: Option<(std::str::Chars<'_>, usize)> = None;
        loop {
            if tokens.get(at) == Some(&Token::Run) {
                at += 1;
                retry = Some((rest.clone(), at));
                continue;
            }
            match (rest.next(), tokens.get(at)) {
                (None, None) => return true,
                (Some(c), Some(token)) if token.accepts(c) => at += 1,
                (None, _) => return false,
                _ => {
                    let Some((start, after)) = &mut retry else {
                        return false;
                    };
                    if start.next().is_none() {
                        return false;
                    }
                    rest = start.clone();
                    at = *after;
                }
            }
        }
    }
}

impl Token {
    fn accepts(&self, c: char) -> bool {
        match self {
            Self::Run => false,
            Self::Any => true,
            Self::One(own) => *own == c,
            Self::Set { negated, ranges } => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *negated
            }
        }
    }
}

/// Returns the position of the `]` that ends the set whose `[` is before `start`.
fn set_end(chars: &[char], start: usize) -> Option<usize> {
    let mut at = start;
    if chars.get(at) == Some(&'!') {
        at += 1;
    }
    if chars.get(at) == Some(&']') {
        at += 1;
    }
    (at..chars.len()).find(|&at| chars[at] == ']')
}

fn set(body: &[char]) -> Token {
    let (negated, body) = match body {
        ['!', rest @ ..] => (true, rest),
        body => (false, body),
    };
    let mut ranges = Vec::new();
    let mut rest = body;
    while let [first, tail @ ..] = rest {
        match tail {
            // An empty range such as z-a matches nothing.
            ['-', last, tail @ ..] => {
                ranges.extend((first <= last).then_some((*first, *last)));
                rest = tail;
            }
            _ => {
                ranges.push((*first, *first));
                rest = tail;
            }
        }
    }
    Token::Set { negated, ranges }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_python() {
        // Each line was checked against Python's fnmatch.fnmatchcase.
        let cases = [
            ("*", "", true),
            ("*", "a.b/c", true),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*ab", "aab", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[ab]c", "bc", true),
            ("[!ab]c", "bc", false),
            ("[!ab]c", "xc", true),
            ("[a-c]", "b", true),
            ("[z-a]", "z", false),
            ("[!z-a]", "z", true),
            ("[]a]", "]", true),
            ("[!]a]", "]", false),
            ("[a", "[a", true),
            ("[a-]", "-", true),
            ("[-a]", "-", true),
            ("A", "a", false),
            ("é*", "été", true),
            ("", "", true),
            ("", "a", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(
                Pattern::new(pattern).matches(text),
                expected,
                "{pattern:?} on {text:?}"
            );
        }
    }
}
