//! What dbt_project.yml and profiles.yml say of the target, with their Jinja rendered.

use std::{
    env,
    path::{Path, PathBuf},
};

use fal_plugin::{payload::OpenRequest, PluginError};
use minijinja::{Environment, ErrorKind, UndefinedBehavior};
use serde::Serialize;
use serde_json::{Map, Value};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 16 << 20;
/// The keys of a target that say where the warehouse is. None of them is a secret.
const PLACE: &[&str] = &[
    "host",
    "port",
    "server",
    "path",
    "account",
    "project",
    "region",
    "region_name",
    "method",
    "account_id",
    "software_host",
];

/// One target of one profile, for one project. The worker gets it as it is here.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Settings {
    /// dbt_project.yml, not rendered.
    pub(crate) project: Map<String, Value>,
    pub(crate) project_root: String,
    /// The folder of profiles.yml.
    #[serde(skip)]
    pub(crate) profiles_dir: PathBuf,
    pub(crate) profile_name: String,
    pub(crate) target_name: String,
    /// The chosen output of the profile. It may hold secrets.
    pub(crate) output: Map<String, Value>,
    /// Absolute.
    pub(crate) target_path: String,
    /// `--vars`.
    pub(crate) vars: Map<String, Value>,
    /// Those of selectors.yml, by name, as the file has them: in its manifest, dbt 2 leaves out which
    /// key a method means, and how far tests are selected with their models.
    #[serde(skip)]
    pub(crate) selectors: Map<String, Value>,
}

impl Settings {
    /// Reads the settings of a run.
    ///
    /// # Errors
    /// `dbt::project` or `dbt::profile`, with the file, if one of the two cannot be read, and if
    /// there is no such profile or target.
    pub(crate) fn read(request: &OpenRequest) -> Result<Self, PluginError> {
        let jinja = Jinja::new(request.vars.clone());
        let root = Path::new(&request.project_dir);
        let of_project = root.join("dbt_project.yml");
        let project = load(&of_project, "dbt::project")?;
        let of_file = |name: &str| jinja.text(project.get(name), &of_project);
        let named = |given: &Option<String>, variable: &str| {
            let of_environment = || env::var(variable).ok().filter(|value| !value.is_empty());
            given.clone().or_else(of_environment)
        };
        let profile_name = match named(&request.profile, "DBT_PROFILE") {
            Some(name) => name,
            None => of_file("profile")?.unwrap_or_default(),
        };
        let target_path = match named(&request.target_path, "DBT_TARGET_PATH") {
            Some(path) => path,
            None => of_file("target-path")?.unwrap_or_else(|| "target".to_owned()),
        };
        let path = profiles(request)?;
        let wrong = |message: String| PluginError::new("dbt::profile", message);
        let mut profiles = load(&path, "dbt::profile")?;
        let Some(Value::Object(mut profile)) = profiles.remove(&profile_name) else {
            return Err(wrong(format!(
                "{} has no profile `{profile_name}`",
                path.display()
            )));
        };
        let target_name = match named(&request.target, "DBT_TARGET") {
            Some(name) => name,
            None => jinja
                .text(profile.get("target"), &path)?
                .unwrap_or_else(|| "default".to_owned()),
        };
        let outputs = profile.remove("outputs").unwrap_or_default();
        let Some(output) = outputs.get(&target_name).and_then(Value::as_object) else {
            let names: Vec<_> = outputs
                .as_object()
                .into_iter()
                .flat_map(Map::keys)
                .map(String::as_str)
                .collect();
            let names = names.join(", ");
            return Err(wrong(format!(
                "the profile `{profile_name}` in {} has no target `{target_name}`; it has {names}",
                path.display()
            )));
        };
        let mut output = output.clone();
        for value in output.values_mut() {
            jinja.render_all(value, &path)?;
        }
        if let Some(threads) = request.threads {
            output.insert("threads".to_owned(), threads.into());
        }
        Ok(Self {
            project,
            project_root: request.project_dir.clone(),
            profiles_dir: path.parent().map(Path::to_owned).unwrap_or_default(),
            profile_name,
            target_name,
            output,
            target_path: absolute(&root.join(target_path)),
            vars: request.vars.clone(),
            selectors: jinja.selectors(&root.join("selectors.yml"))?,
        })
    }

    /// Returns the path of dbt's manifest.json.
    pub(crate) fn manifest(&self) -> PathBuf {
        Path::new(&self.target_path).join("manifest.json")
    }

    /// Returns the path of the copy of dbt's manifest.json ([`write_kept`](super::parsed::write_kept)).
    pub(crate) fn kept_manifest(&self) -> PathBuf {
        Path::new(&self.target_path).join("fal/dbt/manifest.json")
    }

    /// Returns where the warehouse is, by the keys of the profile's target.
    pub(crate) fn place(&self) -> Map<String, Value> {
        let of_place = |(name, value): (&String, &Value)| {
            let names_it = PLACE.contains(&name.as_str()) && (value.is_string() || value.is_u64());
            names_it.then(|| (name.clone(), value.clone()))
        };
        self.output.iter().filter_map(of_place).collect()
    }

    /// Returns the adapter's name.
    pub(crate) fn adapter(&self) -> &str {
        self.output
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Returns the schema of the target.
    pub(crate) fn schema(&self) -> &str {
        let default = if self.adapter() == "duckdb" {
            "main"
        } else {
            ""
        };
        self.output
            .get("schema")
            .and_then(Value::as_str)
            .unwrap_or(default)
    }

    /// Returns how many nodes dbt runs at a time.
    pub(crate) fn threads(&self) -> u32 {
        let threads = self.output.get("threads");
        let number = threads.and_then(|threads| match threads {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_u64().and_then(|number| u32::try_from(number).ok()),
        });
        number.filter(|&threads| threads > 0).unwrap_or(1)
    }

    /// Returns a text of the project's files with its Jinja rendered; `None` if it cannot be.
    pub(crate) fn rendered(&self, text: &str) -> Option<String> {
        let declared = self.project.get("vars").and_then(Value::as_object);
        let mut vars = declared.cloned().unwrap_or_default();
        vars.extend(self.vars.clone());
        Jinja::new(vars).render(text, Path::new("")).ok()
    }

    /// Returns the folder into which dbt installs packages, below the project, with `/`.
    pub(crate) fn packages(&self) -> String {
        let path = self
            .project
            .get("packages-install-path")
            .and_then(Value::as_str);
        let path = path.unwrap_or("dbt_packages").replace('\\', "/");
        path.trim_start_matches("./")
            .trim_end_matches('/')
            .to_owned()
    }
}

/// Jinja in settings: `env_var` and `var`, with dbt's filters for types.
struct Jinja(Environment<'static>);

impl Jinja {
    fn new(vars: Map<String, Value>) -> Self {
        let mut jinja = Environment::new();
        jinja.set_undefined_behavior(UndefinedBehavior::Strict);
        jinja.add_function(
            "env_var",
            |name: String, default: Option<minijinja::Value>| {
                let missing = || {
                    let message = format!("Env var required but not provided: '{name}'");
                    minijinja::Error::new(ErrorKind::InvalidOperation, message)
                };
                let value = env::var(&name).ok().map(minijinja::Value::from);
                value.or_else(|| default.clone()).ok_or_else(missing)
            },
        );
        jinja.add_function(
            "var",
            move |name: String, default: Option<minijinja::Value>| {
                let value = vars.get(&name).map(minijinja::Value::from_serialize);
                value.or(default).unwrap_or(minijinja::Value::from(()))
            },
        );
        for filter in ["as_native", "as_number", "as_bool", "as_text"] {
            jinja.add_filter(filter, |value: minijinja::Value| value);
        }
        Self(jinja)
    }

    fn text(&self, value: Option<&Value>, file: &Path) -> Result<Option<String>, PluginError> {
        let text = value
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty());
        text.map(|text| self.render(text, file)).transpose()
    }

    fn render(&self, text: &str, file: &Path) -> Result<String, PluginError> {
        if !text.contains("{{") && !text.contains("{%") {
            return Ok(text.to_owned());
        }
        self.0.render_str(text, ()).map_err(|error| {
            // The error's source names a template that the user does not know.
            let cause = error
                .detail()
                .map_or_else(|| error.to_string(), str::to_owned);
            PluginError::new(
                "dbt::profile",
                format!("{}: {cause} (in `{text}`)", file.display()),
            )
        })
    }

    /// Reads a project's selectors.yml, if it has one.
    fn selectors(&self, file: &Path) -> Result<Map<String, Value>, PluginError> {
        if !file.is_file() {
            return Ok(Map::new());
        }
        let mut content = load(file, "dbt::project")?;
        let mut all = content.remove("selectors").unwrap_or_default();
        self.render_all(&mut all, file)?;
        let entries = all.as_array().into_iter().flatten();
        let named = entries.filter_map(|entry| {
            let name = entry.get("name")?.as_str()?;
            Some((name.to_owned(), entry.clone()))
        });
        Ok(named.collect())
    }

    fn render_all(&self, value: &mut Value, file: &Path) -> Result<(), PluginError> {
        match value {
            Value::String(text) => *text = self.render(text, file)?,
            Value::Array(items) => {
                for item in items {
                    self.render_all(item, file)?;
                }
            }
            Value::Object(items) => {
                for item in items.values_mut() {
                    self.render_all(item, file)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Finds profiles.yml: in the folder that the user names, else where dbt looks for it.
fn profiles(request: &OpenRequest) -> Result<PathBuf, PluginError> {
    let of_environment = || {
        env::var("DBT_PROFILES_DIR")
            .ok()
            .filter(|value| !value.is_empty())
    };
    let folders = match request.profiles_dir.clone().or_else(of_environment) {
        Some(folder) => vec![expanded(&folder)],
        None => vec![
            env::current_dir().unwrap_or_default(),
            PathBuf::from(&request.project_dir),
            expanded("~/.dbt"),
        ],
    };
    let mut paths = folders.iter().map(|folder| folder.join("profiles.yml"));
    paths.find(|path| path.is_file()).ok_or_else(|| {
        let folders: Vec<_> = folders
            .iter()
            .map(|folder| folder.display().to_string())
            .collect();
        PluginError::new(
            "dbt::profile",
            format!("there is no profiles.yml in {}", folders.join(" or ")),
        )
    })
}

pub(super) fn expanded(folder: &str) -> PathBuf {
    match (folder.strip_prefix("~"), etcetera::home_dir()) {
        (Some(rest), Ok(home)) => home.join(rest.trim_start_matches('/')),
        _ => PathBuf::from(folder),
    }
}

pub(super) fn load(path: &Path, code: &'static str) -> Result<Map<String, Value>, PluginError> {
    let error = |cause: String| PluginError::new(code, format!("{}: {cause}", path.display()));
    let text = fal_files::read_text(path, LARGEST).map_err(|cause| error(cause.to_string()))?;
    match serde_saphyr::from_str(&text) {
        Ok(Value::Object(content)) => Ok(content),
        Ok(_) => Err(error("this is no mapping".to_owned())),
        Err(cause) => Err(error(cause.to_string())),
    }
}

fn absolute(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut plain = PathBuf::new();
    for part in path.components() {
        if part == std::path::Component::ParentDir {
            plain.pop();
        } else {
            plain.push(part);
        }
    }
    plain.display().to_string()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    const PROFILE: &str = "
shop:
  target: \"{{ env_var('FAL_TEST_NOT_SET', 'dev') }}\"
  outputs:
    dev: {type: duckdb, path: \"{{ var('file') }}.duckdb\", threads: \"{{ '3' | as_number }}\"}
    pg: {type: postgres, port: \"{{ env_var('FAL_TEST_NOT_SET') | as_number }}\", schema: s}
";
    const PROJECT: &str =
        "name: shop\nprofile: shop\ntarget-path: out/../t\npackages-install-path: ./pkgs/\n";

    fn read(fields: Value) -> Result<Settings, PluginError> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("profiles.yml"), PROFILE).unwrap();
        fs::write(folder.path().join("dbt_project.yml"), PROJECT).unwrap();
        let dir = folder.path().display().to_string();
        let mut request = json!({ "project_dir": dir, "profiles_dir": dir, "command": "run", "execute": true, "state_dir": "/s", "vars": { "file": "f" } });
        request
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        Settings::read(&serde_json::from_value(request).unwrap())
    }

    #[test]
    fn profiles_are_read_with_their_jinja() {
        let settings = read(json!({})).unwrap();
        assert_eq!(settings.target_name, "dev");
        assert_eq!(settings.output["path"], "f.duckdb");
        assert_eq!(
            (settings.threads(), settings.schema(), settings.adapter()),
            (3, "main", "duckdb")
        );
        assert_eq!(settings.packages(), "pkgs");
        assert_eq!(settings.target_path, format!("{}/t", settings.project_root));
        assert_eq!(read(json!({ "threads": 7 })).unwrap().threads(), 7);
    }

    #[test]
    fn selectors_keep_what_their_file_says() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("selectors.yml");
        let jinja = Jinja::new(Map::from_iter([("layer".to_owned(), "core".into())]));
        assert!(jinja.selectors(&file).unwrap().is_empty());
        let text = "
selectors:
- {name: tables, default: true, definition: {method: config.materialized, value: table}}
- {name: layer, definition: \"tag:{{ var('layer') }}\"}
";
        fs::write(&file, text).unwrap();
        let found = jinja.selectors(&file).unwrap();
        assert_eq!(found["tables"]["default"], true);
        assert_eq!(
            found["tables"]["definition"]["method"],
            "config.materialized"
        );
        assert_eq!(found["layer"]["definition"], "tag:core");
        fs::write(&file, "selectors: [").unwrap();
        let error = jinja.selectors(&file).unwrap_err();
        assert_eq!(error.code, "dbt::project");
        assert!(error.message.contains("selectors.yml: "));
    }

    #[test]
    fn errors_name_the_file_and_what_there_is() {
        let message = |fields| {
            let error = read(fields).unwrap_err();
            assert_eq!(error.code, "dbt::profile");
            error
                .message
                .split_once("profiles.yml")
                .map_or(error.message.clone(), |(_, rest)| rest.to_owned())
        };
        insta::assert_snapshot!(message(json!({ "target": "pg" })), @": Env var required but not provided: 'FAL_TEST_NOT_SET' (in `{{ env_var('FAL_TEST_NOT_SET') | as_number }}`)");
        insta::assert_snapshot!(message(json!({ "target": "prod" })), @" has no target `prod`; it has dev, pg");
        insta::assert_snapshot!(message(json!({ "profile": "no" })), @" has no profile `no`");
        insta::assert_snapshot!(message(json!({ "profiles_dir": "/nowhere" })), @" in /nowhere");
    }
}
