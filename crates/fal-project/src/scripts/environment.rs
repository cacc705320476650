//! Reports environments that fal_project.yml does not define.

use std::path::Path;

use super::{entry::ScriptOwner, place::Place};
use fal_plugin::nearest;

use crate::diagnostics::FileDiagnostic;

/// The reserved name of the Python that runs dbt.
pub const LOCAL: &str = "local";

/// Returns the problem with an owner's environment, given the names that fal_project.yml defines.
/// `user` is the script that wants it; `None` for the model itself.
pub fn unknown_environment(
    root: &Path,
    known: &[&str],
    owner: &ScriptOwner,
    user: Option<&str>,
    name: &str,
) -> Option<FileDiagnostic> {
    if name == LOCAL || known.contains(&name) {
        return None;
    }
    let user = user
        .map(|path| format!(": the script `{path}`"))
        .unwrap_or_default();
    let message = format!(
        "{}{user} wants the environment `{name}`, which fal_project.yml does not define",
        owner.describe()
    );
    let help = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => {
            format!(
                "add it to fal_project.yml: environments: [{{name: {name}, type: venv, requirements: [...]}}]"
            )
        }
        None => format!(
            "known are: {}, and `local`, the Python that runs dbt",
            known.join(", ")
        ),
    };
    Some(Place::new(root, owner).error("environment::unknown", message, help, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(known: &[&str], user: Option<&str>, name: &str) -> Option<String> {
        let owner = ScriptOwner {
            name: Some("orders".into()),
            kind: "model".into(),
            file: "models/s.yml".into(),
        };
        let problem = unknown_environment(Path::new("/nowhere"), known, &owner, user, name)?;
        Some(format!(
            "{}: {} ({})",
            problem.path,
            problem.message,
            problem.help.unwrap_or_default()
        ))
    }

    #[test]
    fn the_nearest_name_is_offered() {
        assert_eq!(problem(&["forecasting"], None, "forecasting"), None);
        assert_eq!(problem(&[], None, "local"), None);
        insta::assert_snapshot!(problem(&["forecasting"], Some("a.py"), "forcasting").unwrap(), @"models/s.yml: the model `orders`: the script `a.py` wants the environment `forcasting`, which fal_project.yml does not define (did you mean `forecasting`?)");
        insta::assert_snapshot!(problem(&["forecasting", "gpu"], None, "ml").unwrap(), @"models/s.yml: the model `orders` wants the environment `ml`, which fal_project.yml does not define (known are: forecasting, gpu, and `local`, the Python that runs dbt)");
        insta::assert_snapshot!(problem(&[], None, "ml").unwrap(), @"models/s.yml: the model `orders` wants the environment `ml`, which fal_project.yml does not define (add it to fal_project.yml: environments: [{name: ml, type: venv, requirements: [...]}])");
    }
}
