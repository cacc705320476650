//! Describes a new plugin and writes it.

use std::path::{Path, PathBuf};

use fal_plugin::manifest::Stage;

use crate::{
    error::ScaffoldError,
    interface::Interface,
    name::PluginName,
    template::{File, Template},
    write,
};

/// The language that a plugin is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// A library, loaded into fal-host.
    #[default]
    Rust,
    /// A program that fal-host starts.
    Python,
}

impl Language {
    const fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Python => "Python",
        }
    }
}

/// A new plugin.
#[derive(Clone, Debug)]
pub struct Scaffold {
    /// The plugin's name.
    pub name: PluginName,
    /// The stage that the plugin fills.
    pub stage: Stage,
    /// The language of the plugin.
    pub language: Language,
    /// The location of the interface crates.
    pub interface: Interface,
}

impl Scaffold {
    /// Writes the plugin into `folder`, which must not exist yet, completely or not at all. Returns
    /// the paths of its files relative to `folder`.
    ///
    /// # Errors
    /// If there is no such template, the folder exists, or it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<Vec<PathBuf>, ScaffoldError> {
        let template =
            Template::new(self.stage, self.language).ok_or(ScaffoldError::NoTemplate {
                stage: self.stage,
                language: self.language.name(),
            })?;
        let files = template.files().into_iter();
        let files: Vec<_> = files.map(|file| self.fill(&template, file)).collect();
        write::folder(folder, &files)?;
        Ok(files.into_iter().map(|file| file.path).collect())
    }

    /// Returns the commands to run in the plugin's folder, up to the first run of its example.
    pub fn next(&self) -> Vec<String> {
        let (build, file) = match self.language {
            Language::Rust => (
                Some("cargo build"),
                format!("target/debug/{}", self.name.library()),
            ),
            Language::Python => (None, format!("./{}.fal-plugin", self.name.as_str())),
        };
        let check = format!("fal-host plugin check {file}");
        let run = [
            "cd example",
            "fal-host setup",
            "fal-host run --trust-project-plugins",
        ]
        .map(str::to_owned);
        build
            .map(str::to_owned)
            .into_iter()
            .chain([check])
            .chain(run)
            .collect()
    }

    /// Fills the name, the location of the interface and the stage's texts into a file.
    fn fill(&self, template: &Template, file: File) -> write::NewFile {
        let named = |text: &str| {
            text.replace("libmy_plugin.so", &self.name.library())
                .replace("my-plugin", self.name.as_str())
                .replace("my_plugin", &self.name.identifier())
        };
        let mut content = template.fill(file.content);
        if file.path == "Cargo.toml" {
            content = self.with_interface(&content);
        }
        write::NewFile {
            path: named(file.path).into(),
            content: named(&content),
            executable: file.executable,
        }
    }

    /// Replaces the repository's path of the interface in a manifest.
    fn with_interface(&self, manifest: &str) -> String {
        let line = |line: &str| match line.split_once(" = { path = \"../../../") {
            Some((name, rest)) => {
                let options = rest.split_once('"').map_or("", |(_, options)| options);
                format!(
                    "{name} = {{ {}{options}\n",
                    self.interface.requirement(name)
                )
            }
            None => format!("{line}\n"),
        };
        manifest.lines().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaffold(interface: Interface) -> Scaffold {
        let name = PluginName::new("acme-stubs").unwrap();
        Scaffold {
            name,
            stage: Stage::StubWriter,
            language: Language::Rust,
            interface,
        }
    }

    #[test]
    fn the_interface_is_where_it_was_found() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = |interface: Interface, name: &str| {
            let place = folder.path().join(name);
            scaffold(interface).write(&place).unwrap();
            std::fs::read_to_string(place.join("Cargo.toml")).unwrap()
        };
        let by_path = manifest(Interface::Folder("/opt/in terface".into()), "by-path");
        assert!(
            by_path.contains("\nfal-plugin = { path = \"/opt/in terface/fal-plugin\" }\n"),
            "{by_path}"
        );
        let kit = "fal-plugin-testkit = { path = \"/opt/in terface/fal-plugin-testkit\", default-features = false }";
        assert!(by_path.contains(kit), "{by_path}");
        let by_version = manifest(Interface::Registry, "by-version");
        assert!(
            by_version.contains("\nfal-plugin = { version = \"1."),
            "{by_version}"
        );
    }

    #[test]
    fn nothing_of_a_template_is_left() {
        for stage in Stage::ALL {
            for language in [Language::Rust, Language::Python] {
                let folder = tempfile::tempdir().unwrap();
                let place = folder.path().join("new");
                let asked = Scaffold {
                    stage,
                    language,
                    ..scaffold(Interface::Registry)
                };
                let Ok(files) = asked.write(&place) else {
                    continue;
                };
                for file in files {
                    let text = std::fs::read_to_string(place.join(&file)).unwrap();
                    assert!(
                        !text.contains("my-plugin") && !text.contains("my_plugin"),
                        "{}",
                        file.display()
                    );
                    assert!(!text.contains("../../.."), "{}", file.display());
                    let word = text.split('@').nth(1).unwrap_or(" ");
                    assert!(
                        word.contains([' ', '\n', '(']),
                        "{}: @{word}@",
                        file.display()
                    );
                }
            }
        }
    }
}
