//! The wheel for every Linux with glibc 2.28 or newer: zig compiles and links for that version
//! whatever this machine has.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Wheels, audit, empty, lay_out, megabytes, pack, pack_notebook, tools};
use crate::{
    error::{At, Result, XtaskError},
    layout, program,
    venv::{self, Venv},
};

/// The oldest glibc, as zig and as tags of wheels write it.
const GLIBC: [&str; 2] = ["2.28", "2_28"];
/// cargo-zigbuild and zig.
const COMPILER: &str = "xtask/wheel/portable.txt";
/// A wheel has less than this many bytes.
const LARGEST: u64 = 15_000_000;

/// Compiles, packs and checks the wheels in an empty `folder`.
pub(super) fn make(folder: &Path) -> Result<Wheels> {
    let venv = tools()?;
    venv::within(layout::target().join("wheel-venv"), COMPILER)?;
    let target = format!("{}-unknown-linux-gnu", env::consts::ARCH);
    program::run(&mut compile(&venv, &target))?;
    let built = layout::target().join(target).join("wheel");
    let platform = format!("manylinux_{}_{}", GLIBC[1], env::consts::ARCH);
    empty(folder)?;
    let again = tempfile::tempdir_in(layout::target()).at(layout::target())?;
    let [host, other] = [folder, again.path()]
        .map(|folder| pack(&venv, lay_out(&built)?.path(), &platform, folder));
    let host = host?;
    check(&venv, &host, &other?, &platform)?;
    let notebook = pack_notebook(&venv, folder)?;
    Ok(Wheels { host, notebook })
}

/// Returns the command that compiles. What it writes names no folder of this machine, so that the
/// place of the sources changes no byte.
fn compile(venv: &Venv, target: &str) -> Command {
    let root = layout::root();
    let mut command = program::program(venv.program("cargo-zigbuild"), root);
    let cargo_home = env::var_os("CARGO_HOME").map_or_else(
        || env::home_dir().unwrap_or_default().join(".cargo"),
        PathBuf::from,
    );
    let renamed = [(root, "/fal-host"), (&cargo_home, "/cargo")]
        .map(|(folder, name)| format!("--remap-path-prefix={}={name}", folder.display()));
    let folders = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(
        [venv.program("")]
            .into_iter()
            .chain(env::split_paths(&folders)),
    );
    command
        .args(["zigbuild", "--profile", "wheel", "--target"])
        .arg(format!("{target}.{}", GLIBC[0]))
        .env_remove("RUSTFLAGS")
        .env("CARGO_ENCODED_RUSTFLAGS", renamed.join("\u{1f}"))
        .env("CARGO_ZIGBUILD_CACHE_DIR", layout::target().join("zig"))
        .env("ZIG_GLOBAL_CACHE_DIR", layout::target().join("zig"))
        // zig is a package of this environment's Python.
        .env("PATH", path.unwrap_or(folders));
    command
}

/// Fails if the wheel is too large, needs more than its platform has, or differs from `other`, which
/// is made of the same compiled files.
fn check(venv: &Venv, wheel: &Path, other: &Path, platform: &str) -> Result<()> {
    let bytes = fs::read(wheel).at(wheel)?;
    let audit = audit::of(venv, wheel)?;
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let mut wrong = audit.objections;
    if audit.platform != platform {
        wrong.push(format!("it needs {}", audit.platform));
    }
    if size >= LARGEST {
        wrong.push(format!(
            "it has {}, and must have less than {}",
            megabytes(size),
            megabytes(LARGEST)
        ));
    }
    if fs::read(other).at(other)? != bytes {
        wrong.push("packed twice, it has other bytes".to_owned());
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(XtaskError::Wheel {
            wheel: wheel.to_owned(),
            why: wrong.join(", "),
        })
    }
}
