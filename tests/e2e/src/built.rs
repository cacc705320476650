//! Builds the programs under test, once, in the first test that needs them.

use std::{
    env,
    env::consts::{DLL_PREFIX, DLL_SUFFIX, EXE_SUFFIX},
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use rustix::fs::{FlockOperation, flock};

/// The root of the repository.
pub fn workspace() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize()
        .unwrap_or_else(|error| panic!("{}: {error}", root.display()))
}

/// The `fal-host` binary, with the plugins that ship with it beside it.
pub fn host() -> PathBuf {
    static HOST: LazyLock<PathBuf> = LazyLock::new(|| {
        if let Some(named) = env::var_os("FAL_TEST_HOST") {
            return PathBuf::from(named);
        }
        once("host", || {
            cargo(
                &mut Command::new(env!("CARGO")),
                &workspace().join("Cargo.toml"),
            )
        });
        target().join("debug").join(format!("fal-host{EXE_SUFFIX}"))
    });
    HOST.clone()
}

/// The library of a plugin of `tests/plugins`.
pub fn foreign_plugin(name: &str) -> PathBuf {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let root = workspace().join("tests/plugins");
        // All share a target folder, so dependencies are built once.
        once("foreign-plugins", || {
            unpack_older_interfaces(&root);
            for manifest in [
                "Cargo.toml",
                "older/first/Cargo.toml",
                "older/second/Cargo.toml",
            ] {
                let mut build = Command::new(env!("CARGO"));
                cargo(
                    build.env("CARGO_TARGET_DIR", root.join("target")),
                    &root.join(manifest),
                );
            }
        });
        foreign_plugins()
    });
    FOLDER.join(format!(
        "{DLL_PREFIX}{}{DLL_SUFFIX}",
        name.replace('-', "_")
    ))
}

/// Unpacks the interface's earlier versions to where the plugins in `older` expect them.
fn unpack_older_interfaces(plugins: &Path) {
    let folder = plugins.join("target/older");
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for version in ["1.0.0", "1.1.0"] {
        let packed = plugins.join(format!("older/fal-plugin-{version}.crate"));
        let mut unpack = Command::new("tar");
        unpack.arg("-xzf").arg(&packed).arg("-C").arg(&folder);
        let status = unpack.status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "{unpack:?} failed"
        );
    }
}

/// Where the foreign plugins are.
pub(crate) fn foreign_plugins() -> PathBuf {
    workspace().join("tests/plugins/target/debug")
}

/// A folder for caches and marks that all tests share.
pub(crate) fn shared_folder() -> PathBuf {
    let folder = target().join("e2e");
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    folder
}

fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

fn cargo(command: &mut Command, manifest: &Path) {
    // Coverage and sanitizer flags of the test run must not reach the programs under test.
    command
        .args(["build", "--quiet", "--locked", "--manifest-path"])
        .arg(manifest)
        .env_remove("RUSTFLAGS");
    let status = command
        .status()
        .unwrap_or_else(|error| panic!("cargo cannot be started: {error}"));
    assert!(status.success(), "{command:?} failed");
}

/// Builds once for each nextest run, where each test is a process, and otherwise once for each
/// process.
fn once(what: &str, build: impl FnOnce()) {
    let Some(run) = env::var_os("NEXTEST_RUN_ID") else {
        return build();
    };
    let path = shared_folder().join(format!("built-{what}"));
    let lock = File::create(path.with_extension("lock"))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    flock(&lock, FlockOperation::LockExclusive)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if fs::read(&path).is_ok_and(|built| built == run.as_encoded_bytes()) {
        return;
    }
    build();
    fs::write(&path, run.as_encoded_bytes())
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
