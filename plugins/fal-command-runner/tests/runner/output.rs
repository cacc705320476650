//! The output that the command itself prints.

use fal_plugin::payload::LogLevel;
use serde_json::json;

use crate::stand::Stand;

#[test]
fn lines_of_the_command_are_log_lines_of_the_node() {
    let stand = Stand::shell("echo pod created; echo warming up >&2; printf 'no end'");
    stand.succeeds("");
    let mut heard = stand.heard(LogLevel::Info);
    heard.sort();
    assert_eq!(heard, ["no end", "pod created", "warming up"]);
}

#[test]
fn output_of_any_size_and_kind_passes() {
    let stand = Stand::new(json!({}));
    stand.succeeds(
        "import sys\nout = sys.stdout.buffer\nout.write(b'\\x00\\xff\\xfe binary\\n')\nout.write(b'x' * (50 << 20) + b'\\n')\n\
         for number in range(20000): out.write(b'line %d\\n' % number)",
    );
    let heard = stand.heard(LogLevel::Info);
    assert_eq!(heard.len(), 20_002);
    assert_eq!(heard[0], "\0\u{fffd}\u{fffd} binary");
    assert!(heard[1].len() < 70_000 && heard[1].ends_with("more bytes]"));
    assert_eq!(heard[20_001], "line 19999");
}

#[test]
fn a_descendant_that_keeps_the_streams_open_delays_nobody() {
    let stand = Stand::shell("setsid sleep 1000 & echo $! > pid; echo started");
    stand.succeeds("");
    assert!(
        crate::stand::lives(&stand.path("pid")),
        "a shared connection outlives the command that opened it"
    );
    assert_eq!(stand.heard(LogLevel::Info), ["started"]);
    stand.close();
    crate::stand::wait_until("the session's end is its end", || {
        !crate::stand::lives(&stand.path("pid"))
    });
}
