//! Lists the Python files of `fal_worker` for embedding: the sources only, no caches and no tests.

use std::{
    env, fs,
    io::Result,
    path::{Path, PathBuf},
};

fn main() -> Result<()> {
    let root =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("python");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("worker_files.rs");
    let mut files = Vec::new();
    collect(&root.join("fal_worker"), &mut files)?;
    files.sort();
    fs::write(out, table(&root, &files))
}

/// All sources below `folder`. Cargo looks at each folder and file again before the next build.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if !path.ends_with("__pycache__") && !path.ends_with("tests") {
                collect(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "py") {
            files.push(path);
        }
    }
    Ok(())
}

fn table(root: &Path, files: &[PathBuf]) -> String {
    let row = |path: &PathBuf| {
        let name = path
            .strip_prefix(root)
            .expect("found below it")
            .to_string_lossy()
            .replace('\\', "/");
        format!(
            "    ({name:?}, include_bytes!({:?})),\n",
            path.display().to_string()
        )
    };
    format!(
        "static FILES: &[(&str, &[u8])] = &[\n{}];\n",
        files.iter().map(row).collect::<String>()
    )
}
