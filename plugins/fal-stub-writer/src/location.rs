//! The path of a model's stub.

use fal_plugin::PluginError;

use crate::config::is_plain_path;

/// Returns the path of a stub: `a/b.py` (or `.ipynb`) with the folder `fal` gives `fal/a/b.sql`.
///
/// # Errors
/// If the path is not below the model path.
pub(crate) fn stub_path(folder: &str, model_path: &str) -> Result<String, PluginError> {
    if !is_plain_path(model_path) {
        let message = format!(
            "`{}` is no path below a model path",
            model_path.escape_debug()
        );
        return Err(PluginError::new("stub::path", message));
    }
    Ok(format!("{folder}/{}.sql", without_extension(model_path)))
}

fn without_extension(path: &str) -> &str {
    let name = path.rfind('/').map_or(0, |slash| slash + 1);
    match path[name..].rfind('.') {
        None | Some(0) => path,
        Some(dot) => &path[..name + dot],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_extension_is_replaced() {
        for (model, stub) in [
            ("b.py", "fal/b.sql"),
            ("a/b.py", "fal/a/b.sql"),
            ("a.d/b.ipynb", "fal/a.d/b.sql"),
            ("b.c.py", "fal/b.c.sql"),
            ("a.d/b", "fal/a.d/b.sql"),
            (".py", "fal/.py.sql"),
        ] {
            assert_eq!(stub_path("fal", model).as_deref(), Ok(stub));
        }
    }

    #[test]
    fn a_path_that_leaves_the_folder_is_refused() {
        for path in ["", "../x.py", "/x.py", "a/../../x.py", "C:\\x.py"] {
            assert!(stub_path("fal", path).is_err(), "{path}");
        }
    }
}
