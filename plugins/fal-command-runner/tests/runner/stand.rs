//! A session of the runner in a temporary folder, and leases with scripts from the test.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use fal_command_runner::CommandRunner;
use fal_plugin::{
    payload::{
        EnvironmentKind, EnvironmentSpec, Event, GatewayAccess, Lease, LogLevel, NodeRequest,
        NodeResult, NodeStatus, NodeWork, PythonWork,
    },
    EventSink, ExecutionBackend, ExecutionSession, PluginError,
};
use serde_json::{json, Value};
use tempfile::TempDir;

/// The secret that must not leak.
pub(crate) const TOKEN: &str = "t0ken-of-the-lease";
/// A time limit that no test reaches, even on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Heard(Mutex<Vec<(LogLevel, String)>>);

impl EventSink for Heard {
    fn emit(&self, event: Event) {
        if let Event::Log {
            level,
            unique_id,
            message,
            ..
        } = event
        {
            assert_eq!(unique_id.as_deref(), Some("model.shop.orders"));
            let message = message.strip_prefix("orders: ").expect("it names its node");
            self.0.lock().unwrap().push((level, message.to_owned()));
        }
    }
}

/// A session with its working folder.
pub(crate) struct Stand {
    pub(crate) folder: TempDir,
    session: Box<dyn ExecutionSession>,
    heard: Arc<Heard>,
}

pub(crate) fn python() -> String {
    env::var("FAL_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

impl Stand {
    pub(crate) fn new(config: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let heard = Arc::new(Heard::default());
        let backend = CommandRunner::new(&config).unwrap();
        let request = json!({"project_dir": folder.path(), "state_dir": folder.path(), "command": "run", "execute": true, "python": python()});
        let session = backend.open(
            serde_json::from_value(request).unwrap(),
            Arc::clone(&heard) as Arc<dyn EventSink>,
        );
        Self {
            session: session.unwrap(),
            folder,
            heard,
        }
    }

    /// Creates a stand with a single shell command.
    pub(crate) fn shell(line: &str) -> Self {
        Self::new(json!({"shell": true, "command": line}))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> &Self {
        fs::write(self.path(name), text).unwrap();
        self
    }

    pub(crate) fn program(&self, name: &str, text: &str) -> &Self {
        self.write(name, text);
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Returns the request for a node whose lease has this script.
    pub(crate) fn node(&self, script: &str, resources: Value) -> NodeRequest {
        let path = self.path("lease.py");
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let work = NodeWork::Python(PythonWork {
            path: "models/orders.py".into(),
            code: String::new(),
            lines: None,
            environment: None,
        });
        let gateway = GatewayAccess {
            location: "grpc+tls://127.0.0.1:1".into(),
            token: TOKEN.into(),
            ..GatewayAccess::default()
        };
        let lease = Lease {
            lease: "1".into(),
            script: path.display().to_string(),
            gateway,
            ..Lease::default()
        };
        NodeRequest {
            lease: Some(Box::new(lease)),
            resources: serde_json::from_value(resources).unwrap(),
            ..NodeRequest::new("model.shop.orders", work)
        }
    }

    pub(crate) fn run(&self, request: &NodeRequest) -> Result<NodeResult, PluginError> {
        self.session.run_node(request)
    }

    /// Runs a script until it ends.
    #[track_caller]
    pub(crate) fn result(&self, script: &str) -> NodeResult {
        self.run(&self.node(script, json!({}))).unwrap()
    }

    /// Runs a script that succeeds.
    #[track_caller]
    pub(crate) fn succeeds(&self, script: &str) -> &Self {
        let result = self.result(script);
        assert_eq!((result.status, result.message), (NodeStatus::Success, None));
        self
    }

    /// Runs a script that fails. Returns the message without the folder's name.
    #[track_caller]
    pub(crate) fn fails(&self, script: &str) -> String {
        self.failure(&self.node(script, json!({})))
    }

    #[track_caller]
    pub(crate) fn failure(&self, request: &NodeRequest) -> String {
        let result = self.run(request).unwrap();
        assert_eq!(result.status, NodeStatus::Error);
        result
            .message
            .unwrap()
            .replace(&self.folder.path().display().to_string(), "DIR")
            .replace(&python(), "PYTHON")
    }

    pub(crate) fn heard(&self, level: LogLevel) -> Vec<String> {
        let heard = self.heard.0.lock().unwrap();
        heard
            .iter()
            .filter(|(at, _)| *at == level)
            .map(|(_, message)| message.clone())
            .collect()
    }

    /// Runs a node on a thread and calls `meanwhile` once the node has written `ready`. Returns the
    /// results of both.
    pub(crate) fn meanwhile<T>(
        &self,
        request: &NodeRequest,
        meanwhile: impl FnOnce() -> T,
    ) -> (NodeResult, T) {
        thread::scope(|scope| {
            let running = scope.spawn(|| self.run(request).unwrap());
            wait_until("the node is ready", || self.path("ready").exists());
            let given = meanwhile();
            (running.join().unwrap(), given)
        })
    }

    pub(crate) fn cancel(&self) {
        self.session.cancel();
    }

    pub(crate) fn close(&self) {
        self.session
            .close(&fal_plugin::payload::CloseRequest { interrupted: false })
            .unwrap();
    }
}

#[track_caller]
pub(crate) fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Returns whether the process whose id is in a file exists. A zombie counts; a later process that
/// got the same id does not.
pub(crate) fn lives(file: &Path) -> bool {
    let text = |path: &Path| fs::read_to_string(path);
    let pid = text(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let Ok(stat) = text(&Path::new("/proc").join(pid.trim()).join("stat")) else {
        return false;
    };
    // The 22nd field, in hundredths of a second since the start of the machine; the second one, in
    // parentheses, may hold anything.
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    let started: f64 = fields.split(' ').nth(19).unwrap().parse().unwrap();
    let uptime = text(Path::new("/proc/uptime")).unwrap();
    let uptime: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
    let written = fs::metadata(file).unwrap().modified().unwrap();
    let age = written.elapsed().unwrap_or_default().as_secs_f64();
    uptime - started / 100.0 > age - 0.5
}

pub(crate) fn environment(name: &str) -> EnvironmentSpec {
    EnvironmentSpec {
        name: name.into(),
        kind: EnvironmentKind::Venv,
        requirements: Vec::new(),
        python: None,
    }
}
