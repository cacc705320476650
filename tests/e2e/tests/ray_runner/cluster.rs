//! A Ray cluster of two machines on this one: two addresses of the loopback, two process groups.

use std::{
    env, fs,
    net::TcpListener,
    path::PathBuf,
    process::{Command, id},
    time::Duration,
};

use fal_e2e::{Project, Running, survivors};
use rustix::process::Signal;

const HEAD: &str = "127.0.0.2";
/// Where the second machine is.
pub(crate) const WORKER: &str = "127.0.0.3";
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// The cluster; gone when this is.
pub(crate) struct Cluster {
    port: u16,
    head: Running,
    worker: Option<Running>,
    folder: Project,
}

impl Cluster {
    /// Starts both machines, and waits until they know each other.
    pub(crate) fn start() -> Self {
        let folder = Project::bare();
        fs::write(folder.home().join("token"), TOKEN).unwrap();
        let port = TcpListener::bind((HEAD, 0))
            .and_then(|free| free.local_addr())
            .unwrap()
            .port();
        let mut command = start(&folder, HEAD);
        command.arg("--head").args([
            "--port",
            &port.to_string(),
            "--include-dashboard=false",
            "--no-monitor",
        ]);
        command.arg("--temp-dir").arg(folder.path("ray"));
        // A machine that died is known to be dead at once.
        command.args([
            "--system-config",
            r#"{"health_check_period_ms":500,"health_check_failure_threshold":3}"#,
        ]);
        let head = folder.spawn(command);
        head.wait_for("Ray runtime started");
        let mut cluster = Self {
            port,
            head,
            worker: None,
            folder,
        };
        cluster.start_worker();
        cluster
    }

    /// Starts the second machine, or another in its place.
    pub(crate) fn start_worker(&mut self) {
        let mut command = start(&self.folder, WORKER);
        command.args(["--address", &self.address()]);
        let worker = self.folder.spawn(command);
        worker.wait_for("Ray runtime started");
        self.worker = Some(worker);
    }

    /// As when the second machine loses its power.
    pub(crate) fn kill_worker(&mut self) {
        let mut worker = self.worker.take().unwrap();
        worker.signal_group(Signal::KILL);
    }

    /// Address of the cluster.
    pub(crate) fn address(&self) -> String {
        format!("{HEAD}:{}", self.port)
    }

    /// A file with its token.
    pub(crate) fn token_file(&self) -> PathBuf {
        self.folder.home().join("token")
    }

    /// Whether no process of the cluster runs a task of this name: as `ray::NAME` they show in the list of processes.
    pub(crate) fn has_ended(&self, task: &str) -> bool {
        let list = survivors(&mark(), &self.folder.root(), Duration::ZERO);
        !list
            .iter()
            .any(|line| line.contains(&format!("ray::{task}")))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.head.signal_group(Signal::KILL);
        if let Some(worker) = &mut self.worker {
            worker.signal_group(Signal::KILL);
        }
        // The processes of tasks see that their machine is gone.
        survivors(&mark(), &self.folder.root(), Duration::from_secs(20));
    }
}

/// The Python that has Ray, for the cluster and for the driver.
pub(crate) fn python() -> PathBuf {
    let named = env::var_os("FAL_TEST_RAY_PYTHON").filter(|value| !value.is_empty());
    named.map(PathBuf::from).expect(
        "this test needs FAL_TEST_RAY_PYTHON: a Python with ray, pandas and pyarrow; `cargo xtask test` makes one",
    )
}

fn start(folder: &Project, address: &str) -> Command {
    let ray = python().with_file_name("ray");
    let mut command = Command::new(ray);
    command.args([
        "start",
        "--block",
        "--node-ip-address",
        address,
        "--num-cpus",
        "2",
        "--resources",
        r#"{"spare":1}"#,
    ]);
    command.args([
        "--object-store-memory",
        "80000000",
        "--include-log-monitor=false",
        "--disable-usage-stats",
    ]);
    command.args(["--min-worker-port", "0", "--max-worker-port", "0"]);
    command
        .env("RAY_AUTH_MODE", "token")
        .env("RAY_AUTH_TOKEN", TOKEN)
        .env("HOME", folder.home());
    command
        .env("PYTHONUNBUFFERED", "1")
        .env("FAL_E2E_MARK", mark())
        .current_dir(folder.root());
    command
}

fn mark() -> String {
    format!("ray-{}", id())
}
