//! `cargo xtask dist DIR`: what an installation looks like.

use std::{fs, path::Path};

use crate::{
    error::{At, Result},
    interface, layout, program,
};

/// Builds and lays out `bin/fal-host`, `lib/fal-host/plugins` and the sources in `lib/fal-host/interface`.
pub(crate) fn run(dir: &Path) -> Result<()> {
    program::run(&mut program::cargo(["build", "--release"]))?;
    let plugins = dir.join("lib/fal-host/plugins");
    put(&layout::release("fal-host"), &dir.join("bin"))?;
    for name in layout::PLUGINS {
        let file = format!("{}{name}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
        put(&layout::release(&file), &plugins)?;
    }
    interface::lay_out(&dir.join("lib/fal-host/interface"))?;
    put(&layout::root().join("LICENSE"), &dir.join("share/doc/fal-host"))?;
    program::say(&format!("{}", dir.join("bin/fal-host").display()));
    Ok(())
}

fn put(file: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).at(folder)?;
    let copy = folder.join(file.file_name().unwrap_or_default());
    // A library that is mapped by a running process must not be written to.
    let _ = fs::remove_file(&copy);
    fs::copy(file, &copy).at(file)?;
    Ok(())
}
