//! Templates: words with placeholders.

use crate::{
    quote::{self, Open},
    values::{Name, Values, NAMES},
};

/// A placeholder: `{NAME}`, `{NAME:DEFAULT}`, `{NAME!q}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) name: Name,
    /// Whether the value is quoted for a shell on another machine.
    quoted: bool,
    default: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Slot(Slot),
}

/// A word with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

/// A mistake in a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error("there is no placeholder `{{{name}}}`{hint}; there are {}", known())]
    Unknown { name: String, hint: String },
    #[error("a `{{` is not closed; a brace itself is written `{{{{`")]
    Open,
    #[error("a `}}` closes nothing; a brace itself is written `}}}}`")]
    Close,
    #[error("`{{{name}}}` is within quotes: values are quoted already, so write it without")]
    WithinQuotes { name: String },
}

impl TemplateError {
    fn unknown(name: &str) -> Self {
        let near = fal_plugin::nearest(name, NAMES);
        Self::Unknown {
            name: name.to_owned(),
            hint: near.map_or_else(String::new, |near| format!("; did you mean `{{{near}}}`")),
        }
    }
}

fn known() -> String {
    let names: Vec<_> = NAMES.iter().map(|name| format!("{{{name}}}")).collect();
    format!("{} and {{custom.KEY}}", names.join(", "))
}

/// A placeholder that has neither a value nor a default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missing(pub(crate) Name);

impl Slot {
    fn parse(text: &str) -> Result<Self, TemplateError> {
        let (name, default) = match text.split_once(':') {
            Some((name, default)) => (name, Some(default.to_owned())),
            None => (text, None),
        };
        let (name, quoted) = name
            .strip_suffix("!q")
            .map_or((name, false), |name| (name, true));
        Ok(Self {
            name: Name::parse(name.trim()).ok_or_else(|| TemplateError::unknown(name.trim()))?,
            quoted,
            default,
        })
    }

    fn value(&self, values: &Values<'_>) -> Result<String, Missing> {
        let value = values.get(&self.name).or_else(|| self.default.clone());
        let value = value.ok_or_else(|| Missing(self.name.clone()))?;
        Ok(if self.quoted {
            quote::word(&value).into_owned()
        } else {
            value
        })
    }
}

impl Template {
    /// Parses a word.
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            let (before, brace) = rest.split_at(at);
            plain.push_str(before);
            let (doubled, one) = if brace.starts_with('{') {
                ("{{", "{")
            } else {
                ("}}", "}")
            };
            rest = if let Some(behind) = brace.strip_prefix(doubled) {
                plain.push_str(one);
                behind
            } else if one == "}" {
                return Err(TemplateError::Close);
            } else {
                let (slot, behind) = brace[1..].split_once('}').ok_or(TemplateError::Open)?;
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                parts.push(Part::Slot(Slot::parse(slot)?));
                behind
            };
        }
        plain.push_str(rest);
        if !plain.is_empty() || parts.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self(parts))
    }

    /// Returns the placeholders of the word.
    pub(crate) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.0.iter().filter_map(|part| match part {
            Part::Slot(slot) => Some(slot),
            Part::Text(_) => None,
        })
    }

    /// Checks a template that a shell will read: placeholders must not be within quotes, because
    /// their values are quoted already.
    pub(crate) fn check_shell(&self) -> Result<(), TemplateError> {
        let mut open = Open::default();
        for part in &self.0 {
            match part {
                Part::Text(text) => open = open.behind(text),
                Part::Slot(slot) if open != Open::Nothing => {
                    return Err(TemplateError::WithinQuotes {
                        name: slot.name.to_string(),
                    })
                }
                Part::Slot(_) => {}
            }
        }
        Ok(())
    }

    /// Fills in the values. Returns `None` if the word is a single placeholder with an empty
    /// default and no value.
    pub(crate) fn render(&self, values: &Values<'_>) -> Result<Option<String>, Missing> {
        self.fill(values, |value| value)
    }

    /// Fills in the values like [`Self::render`], and quotes them for a shell.
    pub(crate) fn render_quoted(&self, values: &Values<'_>) -> Result<Option<String>, Missing> {
        self.fill(values, |value| {
            if value.is_empty() {
                value
            } else {
                quote::word(&value).into_owned()
            }
        })
    }

    fn fill(
        &self,
        values: &Values<'_>,
        make: impl Fn(String) -> String,
    ) -> Result<Option<String>, Missing> {
        let mut word = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => word.push_str(text),
                Part::Slot(slot) => word.push_str(&make(slot.value(values)?)),
            }
        }
        let optional =
            matches!(&self.0[..], [Part::Slot(slot)] if slot.default.as_deref() == Some(""));
        Ok(Some(word).filter(|word| !(optional && word.is_empty())))
    }
}

#[cfg(test)]
mod tests {
    use fal_plugin::payload::Resources;
    use proptest::prelude::*;

    use super::*;

    fn values(resources: &Resources) -> Values<'_> {
        Values {
            node: "model.a.b",
            name: "b",
            job: "j",
            resources,
            environment: None,
            python: "p",
            files: None,
        }
    }

    proptest! {
        #[test]
        fn any_text_is_itself_once_its_braces_are_doubled(text in ".{0,40}") {
            let doubled = text.replace('{', "{{").replace('}', "}}");
            let word = Template::parse(&doubled).unwrap().render(&values(&Resources::default())).unwrap();
            prop_assert_eq!(word.as_deref(), Some(text.as_str()));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[a-z{}:!q.'\" ]{0,40}") {
            if let Ok(template) = Template::parse(&text) {
                let _ = template.check_shell();
                let _ = template.render_quoted(&values(&Resources::default()));
            }
        }

        #[test]
        fn a_default_is_any_text_without_a_brace(default in "[^{}]{1,20}") {
            let template = Template::parse(&format!("<{{gpus:{default}}}>")).unwrap();
            let none = Resources::default();
            prop_assert_eq!(template.render(&values(&none)).unwrap(), Some(format!("<{default}>")));
            let some = Resources { gpus: Some(2.0), ..Resources::default() };
            prop_assert_eq!(template.render(&values(&some)).unwrap(), Some("<2>".to_owned()));
        }
    }
}
