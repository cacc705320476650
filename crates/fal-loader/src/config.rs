//! Checks a plugin's configuration against the plugin's own JSON schema.

use fal_plugin::manifest::Manifest;
use serde_json::{Value, json};

use crate::error::OpenError;

/// Returns the configuration that the plugin gets: the one in `fal_project.yml`, or
/// an empty one.
///
/// # Errors
/// If it does not fit the plugin's schema.
pub fn check(manifest: &Manifest, given: Option<&Value>) -> Result<Value, OpenError> {
    let error = |cause: String| OpenError::Config {
        name: manifest.name.clone(),
        cause,
    };
    let config = match given {
        None | Some(Value::Null) => json!({}),
        Some(config) => config.clone(),
    };
    let Some(schema) = &manifest.config_schema else {
        let empty = config.as_object().is_some_and(serde_json::Map::is_empty);
        return if empty {
            Ok(config)
        } else {
            Err(error("it takes no configuration".to_owned()))
        };
    };
    let validator = validator(manifest, schema)?;
    let problems: Vec<String> = validator
        .iter_errors(&config)
        .map(|problem| describe(&problem))
        .collect();
    if problems.is_empty() {
        Ok(config)
    } else {
        Err(error(problems.join("; ")))
    }
}

/// Checks that a plugin's schema is a JSON schema.
///
/// # Errors
/// If it is not a JSON schema.
pub fn check_schema(manifest: &Manifest) -> Result<(), OpenError> {
    manifest
        .config_schema
        .as_ref()
        .map_or(Ok(()), |schema| validator(manifest, schema).map(drop))
}

fn validator(manifest: &Manifest, schema: &Value) -> Result<jsonschema::Validator, OpenError> {
    jsonschema::validator_for(schema).map_err(|cause| OpenError::Config {
        name: manifest.name.clone(),
        cause: format!("its own schema is not a JSON schema: {cause}"),
    })
}

fn describe(problem: &jsonschema::ValidationError<'_>) -> String {
    let place = problem.instance_path().to_string();
    let place = place.trim_start_matches('/').replace('/', ".");
    if place.is_empty() {
        problem.to_string()
    } else {
        format!("`{place}`: {problem}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(schema: Option<Value>) -> Manifest {
        Manifest {
            name: "acme".into(),
            version: "1.0.0".into(),
            interface: "1.0.0".into(),
            payload: 1,
            stages: Vec::new(),
            description: String::new(),
            config_schema: schema,
        }
    }

    fn queue_schema() -> Option<Value> {
        Some(json!({
            "type": "object",
            "properties": {"queue": {"enum": ["cpu", "gpu"]}},
            "additionalProperties": false,
        }))
    }

    #[test]
    fn what_fits_the_schema_is_passed_on() {
        let config = json!({"queue": "gpu"});
        assert_eq!(
            check(&manifest(queue_schema()), Some(&config)).unwrap(),
            config
        );
        assert_eq!(check(&manifest(queue_schema()), None).unwrap(), json!({}));
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_place() {
        let error = check(&manifest(queue_schema()), Some(&json!({"queue": "tpu"}))).unwrap_err();
        assert!(
            error.to_string().contains("`queue`: \"tpu\" is not one of"),
            "{error}"
        );
        let error = check(&manifest(queue_schema()), Some(&json!({"que": "gpu"}))).unwrap_err();
        assert!(
            error.to_string().contains("'que' was unexpected"),
            "{error}"
        );
    }

    #[test]
    fn a_schema_that_is_none_is_told() {
        assert!(check_schema(&manifest(queue_schema())).is_ok());
        assert!(check_schema(&manifest(None)).is_ok());
        assert!(check_schema(&manifest(Some(json!({"type": "anything"})))).is_err());
    }

    #[test]
    fn a_plugin_without_schema_takes_no_configuration() {
        assert!(check(&manifest(None), Some(&json!({"a": 1}))).is_err());
        assert_eq!(
            check(&manifest(None), Some(&Value::Null)).unwrap(),
            json!({})
        );
    }
}
