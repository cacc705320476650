//! Tests of plugins in separate processes: one that works, and several that break the protocol.
#![cfg(unix)]

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use fal_loader::{Fault, LoadError, LoadOptions, LoadedPlugin, OpenStage, Timeouts};
use fal_plugin::{
    EventSink, ExecutionBackend, ExecutionSession, ParseError, PluginError, PythonParser,
    manifest::Stage,
    payload::{Event, NodeRequest, NodeStatus, NodeWork, OpenRequest},
    wire::{BackendClient, PythonParserClient},
};
use serde_json::json;
use tempfile::TempDir;

/// A plugin in a temporary folder.
struct Plugin {
    folder: TempDir,
    path: PathBuf,
}

impl Plugin {
    fn new(code: &str) -> Self {
        let python =
            env::var("FAL_TEST_PYTHON").unwrap_or_else(|_| "/usr/bin/env python3".to_owned());
        Self::of_text(&format!("#!{python}\n{code}"))
    }

    fn of_text(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.fal-plugin");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder, path }
    }

    /// Creates a plugin that writes its frames by hand.
    fn misbehaving(misdeed: &str) -> Self {
        Self::new(&include_str!("process/acme.py").replacen(
            "\nMISDEED\n",
            &format!("\n{misdeed}\n"),
            1,
        ))
    }

    /// Creates a plugin that uses `fal_plugin.py`, as authors do.
    fn of_author(code: &str) -> Self {
        let plugin = Self::new(code);
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fal-plugin/python/fal_plugin.py");
        fs::copy(own, plugin.folder.path().join("fal_plugin.py")).unwrap();
        plugin
    }

    fn load(&self, options: &LoadOptions) -> Result<LoadedPlugin, LoadError> {
        LoadedPlugin::load(&self.path, options)
    }

    fn loaded(&self) -> LoadedPlugin {
        self.load(&LoadOptions::default()).unwrap()
    }

    fn refusal(&self, options: &LoadOptions) -> String {
        let folder = self.folder.path().display().to_string();
        self.load(options)
            .unwrap_err()
            .to_string()
            .replace(&folder, "FOLDER")
    }
}

fn within(milliseconds: u64) -> LoadOptions {
    LoadOptions {
        timeouts: Timeouts::all(Duration::from_millis(milliseconds)),
        ..LoadOptions::default()
    }
}

fn opened(plugin: &LoadedPlugin, stage: Stage) -> OpenStage {
    plugin.open(stage, &json!({})).unwrap()
}

/// Returns the error of a call in which the plugin does a misdeed.
fn failure(misdeed: &str, options: &LoadOptions) -> PluginError {
    let plugin = Plugin::misbehaving(misdeed).load(options).unwrap();
    let parser = PythonParserClient::new(opened(&plugin, Stage::PythonParser).transport);
    let Err(ParseError::Plugin(first)) = parser.parse("a.py", "x = 1\n") else {
        panic!("no error")
    };
    // The process is never restarted, and later calls fail with the same error.
    let Err(ParseError::Plugin(again)) = parser.parse("b.py", "") else {
        panic!("no error")
    };
    assert_eq!(first.code, again.code);
    assert!(plugin.fault().is_some());
    is_gone(plugin.process_id().unwrap());
    first
}

fn is_gone(process: u32) {
    let alive = || {
        fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    };
    let until = Instant::now() + Duration::from_secs(10);
    while alive() {
        assert!(Instant::now() < until, "{process} is still there");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_plugin_that_says_no_hello() {
    let error = Plugin::misbehaving("forever()").refusal(&within(300));
    insta::assert_snapshot!(error, @"the plugin `acme.fal-plugin` timed out after 0.3 s in `hello`, and was ended (`FOLDER/acme.fal-plugin`)");
}

#[test]
fn a_plugin_that_ends_at_once() {
    let error = Plugin::misbehaving("sys.exit('no licence')").refusal(&LoadOptions::default());
    insta::assert_snapshot!(error, @r"
    the plugin `acme.fal-plugin` ended in `hello`: exit code 1
    Its last lines on standard error:
      no licence (`FOLDER/acme.fal-plugin`)
    ");
}

#[test]
fn a_plugin_that_talks_on_its_standard_output() {
    let error = failure(
        "call()\nprint('Loading the model', flush=True)\nforever()",
        &LoadOptions::default(),
    );
    insta::assert_snapshot!(error, @"the plugin `acme` wrote to its standard output text that is not a frame: `Loading the model`");
    insta::assert_snapshot!(error.help.unwrap(), @"standard output carries the protocol: print to standard error (with fal_plugin.py: print only once `serve` runs)");
    let error = Plugin::misbehaving("print('hi', flush=True)").refusal(&LoadOptions::default());
    insta::assert_snapshot!(error, @"the plugin `acme.fal-plugin` wrote to its standard output text that is not a frame: `hi` (`FOLDER/acme.fal-plugin`)");
}

#[test]
fn frames_that_are_too_large() {
    let error = failure(
        "call()\nraw(b'\\xff\\0\\0\\0')\nforever()",
        &LoadOptions::default(),
    );
    insta::assert_snapshot!(error, @"the plugin `acme` wrote to its standard output a frame with JSON of 4278190080 bytes, where 67108864 are allowed");
    let misdeed = "number = call()[0]['id']\nwrite({'id': number, 'ok': 1, 'attachment': 1 << 31})\nforever()";
    let error = failure(misdeed, &LoadOptions::default());
    insta::assert_snapshot!(error, @"the plugin `acme` wrote to its standard output a frame with an attachment of 2147483648 bytes, where 1073741824 are allowed");
}

#[test]
fn a_plugin_that_ends_in_the_middle() {
    let error = failure(
        "call()\nprint('out of memory', file=sys.stderr)\nsys.exit(3)",
        &LoadOptions::default(),
    );
    assert_eq!(error.code, "plugin::ended");
    insta::assert_snapshot!(error, @r"
    the plugin `acme` ended in `parse`: exit code 3
    Its last lines on standard error:
      out of memory
    ");
    let error = failure(
        "call()\nraw(b'\\0\\0\\1\\0{\"id\"')\nsys.exit(0)",
        &LoadOptions::default(),
    );
    insta::assert_snapshot!(error, @"the plugin `acme` wrote to its standard output the beginning of a frame, and no more");
    let error = failure(
        "call()\nos.kill(os.getpid(), signal.SIGSEGV)",
        &LoadOptions::default(),
    );
    insta::assert_snapshot!(error, @"the plugin `acme` ended in `parse`: killed by signal 11 (SIGSEGV)");
    let error = failure("call()\nos.close(1)\nforever()", &LoadOptions::default());
    insta::assert_snapshot!(error, @"the plugin `acme` closed its standard output in `parse`");
}

#[test]
fn messages_that_make_no_sense() {
    let said = |misdeed: &str| {
        failure(
            &format!("number = call()[0]['id']\n{misdeed}\nforever()"),
            &LoadOptions::default(),
        )
    };
    insta::assert_snapshot!(said("write({'id': 77, 'ok': 1})"), @"the plugin `acme` broke the protocol in `parse`: an answer to the call 77, which is not pending");
    insta::assert_snapshot!(said("write({'id': number})"), @"the plugin `acme` broke the protocol in `parse`: the answer 3 has not one of `ok` and `error`");
    insta::assert_snapshot!(said("write({'hello': 1})"), @"the plugin `acme` broke the protocol in `parse`: a message that is neither an answer nor an event");
    insta::assert_snapshot!(said("write(b'[1]')"), @"the plugin `acme` broke the protocol in `parse`: a frame without a message: it is no JSON object in `[1]`");
    let unreadable = Plugin::misbehaving(
        "number = call()[0]['id']\nwrite({'id': number, 'ok': 'fish'})\nread()",
    )
    .loaded();
    let parser = PythonParserClient::new(opened(&unreadable, Stage::PythonParser).transport);
    let error = parser.parse("a.py", "").unwrap_err().to_string();
    assert!(
        error.starts_with("the plugin `acme` answered `parse` with something unreadable: "),
        "{error}"
    );
    assert!(
        unreadable.fault().is_none(),
        "an answer that one call cannot read is no end of the others"
    );
}

#[test]
fn a_plugin_that_hangs_is_ended_with_what_it_started() {
    let misdeed = "call()\nchild = subprocess.Popen(['sleep', '1000'])\nprint(child.pid, file=sys.stderr, flush=True)\nforever()";
    let (sender, receiver) = mpsc::channel();
    let sender = Mutex::new(sender);
    let log: fal_loader::Log = Arc::new(move |_, line| {
        sender
            .lock()
            .unwrap()
            .send(line.parse::<u32>().unwrap())
            .unwrap()
    });
    let error = failure(
        misdeed,
        &LoadOptions {
            log: Some(log),
            ..within(3_000)
        },
    );
    assert_eq!(error.code, "plugin::timeout");
    assert!(
        error
            .to_string()
            .starts_with("the plugin `acme` timed out after 3 s in `parse`, and was ended"),
        "{error}"
    );
    is_gone(receiver.recv().unwrap());
}

#[test]
fn a_plugin_that_reads_nothing_does_not_hold_the_host() {
    let plugin =
        Plugin::misbehaving("hello()\nwrite({'id': read()[0]['id'], 'ok': None})\nforever()")
            .load(&within(3_000))
            .unwrap();
    let parser = PythonParserClient::new(opened(&plugin, Stage::PythonParser).transport);
    let error = parser
        .parse("a.py", &"x = 1\n".repeat(1 << 20))
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the plugin `acme` timed out after 3 s in `parse`"),
        "{error}"
    );
}

#[test]
fn a_plugin_that_closes_its_standard_input_is_not_waited_for() {
    let misdeed =
        "first = call()\nos.close(0)\nwrite({'id': first[0]['id'], 'ok': None})\nforever()";
    let unlimited = LoadOptions {
        timeouts: Timeouts {
            call: None,
            session: None,
        },
        ..LoadOptions::default()
    };
    let plugin = Plugin::misbehaving(misdeed).load(&unlimited).unwrap();
    let parser = PythonParserClient::new(opened(&plugin, Stage::PythonParser).transport);
    // The answer does not matter, since it arrives when the host no longer reads.
    let _ = parser.parse("a.py", "");
    let Err(ParseError::Plugin(error)) = parser.parse("b.py", "") else {
        panic!("no error")
    };
    insta::assert_snapshot!(error, @"the plugin `acme` closed its standard input in `parse`");
    assert_eq!(error.code, "plugin::ended");
    is_gone(plugin.process_id().unwrap());
}

#[test]
fn what_is_refused_before_anything_is_asked() {
    let refusal = |misdeed: &str| Plugin::misbehaving(misdeed).refusal(&LoadOptions::default());
    insta::assert_snapshot!(refusal("hello(interface='2.0.0')\nforever()").replace(fal_plugin::manifest::INTERFACE_VERSION, "HOST"), @"the plugin `acme` 1.0.0 (`FOLDER/acme.fal-plugin`) was built for version 2.0.0 of the plugin interface; this fal-host has HOST");
    insta::assert_snapshot!(refusal("hello(stages=[])\nforever()"), @"the plugin `acme` (`FOLDER/acme.fal-plugin`) has a bad manifest: it names no stage");
    insta::assert_snapshot!(refusal("hello(name='')\nforever()"), @"the plugin `` (`FOLDER/acme.fal-plugin`) has a bad manifest: it has no name");
    insta::assert_snapshot!(refusal("hello(stages=['cook'])\nforever()"), @"the plugin `acme` (`FOLDER/acme.fal-plugin`) has a bad manifest: unknown variant `cook`, expected one of `python-parser`, `notebook-parser`, `stub-writer`, `execution-backend` at line 1 column 90");
    insta::assert_snapshot!(refusal("write({'id': read()[0]['id'], 'ok': {}})\nforever()"), @"the plugin `FOLDER/acme.fal-plugin` does not say what it is: missing field `name` at line 1 column 2");
    insta::assert_snapshot!(refusal("error = {'code': 'a', 'message': 'no licence', 'help': None}\nwrite({'id': read()[0]['id'], 'error': {'kind': 'plugin', 'error': error}})"), @"the plugin `FOLDER/acme.fal-plugin` refuses to start: no licence");
}

#[test]
fn a_file_that_cannot_be_started() {
    let refusal = |plugin: &Plugin| plugin.refusal(&LoadOptions::default());
    insta::assert_snapshot!(refusal(&Plugin::of_text("no first line")), @"the plugin `FOLDER/acme.fal-plugin` cannot be started: it is no program of this system, and does not begin with `#!`");
    insta::assert_snapshot!(refusal(&Plugin::of_text("#!/nonexistent/python\n")), @"the plugin `FOLDER/acme.fal-plugin` cannot be started: the program that its first line names (`#!...`) is not there");
    let plain = Plugin::misbehaving("");
    fs::set_permissions(&plain.path, fs::Permissions::from_mode(0o644)).unwrap();
    insta::assert_snapshot!(refusal(&plain), @"the plugin `FOLDER/acme.fal-plugin` cannot be started: it is not executable (`chmod +x` makes it so)");
}

const RUNNER: &str = r#"
import threading, fal_plugin

class Session(fal_plugin.ExecutionSession):
    def __init__(self, events):
        self.events, self.cancelled = events, threading.Event()
    def run_node(self, request):
        self.events.output(request["unique_id"], "started")
        print("to standard output")
        self.cancelled.wait()
        return {"unique_id": request["unique_id"], "status": "error", "message": "cancelled"}
    def cancel(self):
        self.cancelled.set()

class Runner(fal_plugin.ExecutionBackend):
    def capabilities(self):
        return {"sql": False, "python": True}
    def open(self, request, events):
        return Session(events)

class Parser(fal_plugin.PythonParser):
    def parse(self, path, text):
        if path == "refused.py":
            raise fal_plugin.PluginError("acme::no", "not today", help="tomorrow")
        if path == "wrong.py":
            place = fal_plugin.span(text, (2, 3), (2, 4))
            raise fal_plugin.SyntaxProblem(fal_plugin.diagnostic("python::syntax", "no Python", place=place))
        if path == "broken.py":
            return 1 / 0
        if path == "ends.py":
            raise SystemExit("enough")
        return {"kind": "helper", "docstring": text}

fal_plugin.serve("acme-runner", "2.0.0", {"execution-backend": Runner, "python-parser": Parser}, description="Runs")
"#;

#[test]
fn many_calls_at_once_each_get_their_answer() {
    let plugin = Plugin::of_author(RUNNER).loaded();
    let parser = &PythonParserClient::new(opened(&plugin, Stage::PythonParser).transport);
    thread::scope(|scope| {
        for number in 0..8 {
            scope.spawn(move || {
                for round in 0..20 {
                    let text = format!("{number} {round} {}", "é".repeat(round * 3_000));
                    assert_eq!(parser.parse("a.py", &text).unwrap().docstring, Some(text));
                }
            });
        }
    });
}

#[test]
fn errors_of_python_are_told_as_what_they_are() {
    let plugin = Plugin::of_author(RUNNER).loaded();
    let parser = PythonParserClient::new(opened(&plugin, Stage::PythonParser).transport);
    let ParseError::Plugin(error) = parser.parse("refused.py", "").unwrap_err() else {
        panic!()
    };
    assert_eq!(
        error,
        PluginError::new("acme::no", "not today").with_help("tomorrow")
    );
    let ParseError::Syntax(problem) = parser.parse("wrong.py", "é\nx = = 1").unwrap_err() else {
        panic!()
    };
    let span = problem.labels[0].span;
    assert_eq!(
        (span.start, span.end, span.from.line, span.to.column),
        (5, 6, 2, 4)
    );
    let error = parser.parse("broken.py", "").unwrap_err().to_string();
    assert!(
        error.starts_with(
            "the plugin `acme-runner` panicked in `parse`: ZeroDivisionError: division by zero (acme.fal-plugin"
        ),
        "{error}"
    );
    let error = parser.parse("ends.py", "").unwrap_err().to_string();
    assert!(
        error.contains("panicked in `parse`: SystemExit: enough (acme.fal-plugin"),
        "{error}"
    );
    assert!(parser.parse("a.py", "").is_ok(), "an error is not the end");
}

struct Sends(Mutex<mpsc::Sender<Event>>);

impl EventSink for Sends {
    fn emit(&self, event: Event) {
        self.0.lock().unwrap().send(event).unwrap();
    }
}

/// A session, and its events.
fn session(plugin: &LoadedPlugin) -> (Box<dyn ExecutionSession>, mpsc::Receiver<Event>) {
    let open = opened(plugin, Stage::ExecutionBackend);
    let backend = BackendClient::new(open.transport, open.router).unwrap();
    let request = json!({"project_dir": "/", "state_dir": "/", "command": "run", "execute": true});
    let request: OpenRequest = serde_json::from_value(request).unwrap();
    let (sender, events) = mpsc::channel();
    (
        backend
            .open(request, Arc::new(Sends(Mutex::new(sender))))
            .unwrap(),
        events,
    )
}

#[test]
fn a_session_is_cancelled_while_its_node_runs() {
    let (lines, logged) = mpsc::channel();
    let lines = Mutex::new(lines);
    let log: fal_loader::Log =
        Arc::new(move |_, line| lines.lock().unwrap().send(line.to_owned()).unwrap());
    let plugin = Plugin::of_author(RUNNER)
        .load(&LoadOptions {
            log: Some(log),
            ..LoadOptions::default()
        })
        .unwrap();
    let (session, events) = session(&plugin);
    thread::scope(|scope| {
        let node = scope.spawn(|| {
            session
                .run_node(&NodeRequest::new("model.a.b", NodeWork::Dbt))
                .unwrap()
        });
        let Event::Output {
            unique_id, line, ..
        } = events.recv().unwrap()
        else {
            panic!()
        };
        assert_eq!(
            (unique_id.as_str(), line.as_str()),
            ("model.a.b", "started")
        );
        assert_eq!(logged.recv().unwrap(), "to standard output");
        session.cancel();
        assert_eq!(node.join().unwrap().status, NodeStatus::Error);
    });
    drop(session);
    let process = plugin.process_id().unwrap();
    assert!(plugin.end(), "it ends by itself");
    is_gone(process);
}

#[test]
fn a_plugin_ends_with_the_host_also_in_the_middle_of_a_call() {
    let plugin = Plugin::of_author(RUNNER).loaded();
    let (session, events) = session(&plugin);
    thread::scope(|scope| {
        let node = scope.spawn(|| session.run_node(&NodeRequest::new("model.a.b", NodeWork::Dbt)));
        events.recv().unwrap();
        assert!(plugin.end());
        let error = node.join().unwrap().unwrap_err();
        assert_eq!(error.code, "plugin::ended", "{error}");
    });
}

#[test]
fn a_fault_is_told_with_its_kind() {
    let LoadError::Process { error, .. } = Plugin::misbehaving("forever()")
        .load(&within(100))
        .unwrap_err()
    else {
        panic!()
    };
    assert!(matches!(error.fault, Fault::TimedOut { .. }));
    assert_eq!(
        error.help(),
        "if it is only slow, raise `plugins: timeout:` in fal_project.yml"
    );
}
