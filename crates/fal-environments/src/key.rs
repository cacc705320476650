//! Keys, which name environments by their content.

use std::fmt;

use fal_plugin::payload::EnvironmentKind;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{base::Base, definition::Definition};

/// The version of the keys' form. It rises when environments of older versions of this program can
/// no longer be used.
pub(crate) const FORMAT: u32 = 1;

/// The name of an environment, which is a hash of its content.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(pub(crate) String);

impl Key {
    /// Returns the key of a definition. `base` is the default interpreter.
    pub fn new(definition: &Definition, base: &Base) -> Self {
        let kind = match definition.kind {
            EnvironmentKind::Venv => "venv",
            EnvironmentKind::Conda => "conda",
        };
        let mut hash = Sha256::new();
        let mut add = |part: &str| hash.update(format!("{}:{part},", part.len()));
        add(&format!("{FORMAT} {kind} {}", base.platform));
        match &definition.python {
            Some(asked) => add(&format!("asked {asked}")),
            None => add(&format!("found {} {}", base.tag, base.version)),
        }
        definition.requirements.parts().for_each(add);
        Self(format!("{kind}-{}", hex::encode(&hash.finalize()[..8])))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use fal_plugin::payload::EnvironmentSpec;
    use proptest::prelude::*;

    use super::*;
    use crate::base::stand_in;

    fn key(name: &str, requirements: &[String], python: Option<&str>, base: &Base) -> Key {
        let spec = EnvironmentSpec {
            name: name.into(),
            kind: EnvironmentKind::Venv,
            requirements: requirements.to_vec(),
            python: python.map(str::to_owned),
        };
        Key::new(
            &Definition::read(&spec, Path::new("/nowhere")).unwrap(),
            base,
        )
    }

    #[test]
    fn version_and_kind_count_and_the_name_does_not() {
        let (old, new) = (stand_in("3.11.7"), stand_in("3.12.1"));
        let six = ["six==1.16".to_owned()];
        assert_eq!(key("a", &six, None, &old), key("b", &six, None, &old));
        assert_ne!(key("a", &six, None, &old), key("a", &six, None, &new));
        assert_eq!(
            key("a", &six, Some("3.11"), &old),
            key("a", &six, Some("3.11"), &new)
        );
        assert_ne!(
            key("a", &six, Some("3.11"), &old),
            key("a", &six, None, &old)
        );
        assert_ne!(
            key("a", &six, None, &old),
            key("a", &["six==1.17".to_owned()], None, &old)
        );
        assert!(key("a", &six, None, &old).to_string().starts_with("venv-"));
    }

    proptest! {
        #[test]
        fn order_repetition_and_blanks_do_not_matter(
            (given, shuffled) in proptest::sample::subsequence(
                vec!["six==1.16", "Idna >= 3, <4", "a_b[x,y]>1", "pandas", "requests ; python_version > '3.9'"], 0..5,
            ).prop_flat_map(|lines| (Just(lines.clone()), Just(lines).prop_shuffle())),
            blanks in 0_usize..4,
        ) {
            let base = stand_in("3.11.7");
            let plain: Vec<_> = given.iter().map(|line| (*line).to_owned()).collect();
            let wide = |line: &&str| format!("{}{}\t# why", " ".repeat(blanks), line.replace(' ', &" ".repeat(blanks + 1)));
            let mut other: Vec<_> = shuffled.iter().map(wide).collect();
            other.extend(plain.first().cloned());
            prop_assert_eq!(key("a", &plain, None, &base), key("b", &other, None, &base));
        }
    }
}
