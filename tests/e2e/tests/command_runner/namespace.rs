//! A command in another network namespace: what it reaches of the host is one address, as on another machine.
//!
//! The host itself gets a namespace too, so that nothing of the machine's network is touched and all is gone with the
//! processes. It needs `unshare`, `nsenter` and `ip`, and a system that allows namespaces; `cargo xtask test` says where it does not.

use std::process::Command;

use fal_e2e::Project;
use serde_json::{Value, json};

/// Joins the namespace of the host, which it is started in, with another one by a pair of interfaces; runs "$@" in the first.
const WIRED: &str = r#"
set -e
ip link set lo up
unshare --net sleep 600 &
other=$!
while [ "$(readlink /proc/$other/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
ip link add here type veth peer name there netns $other
ip addr add 10.77.0.1/30 dev here
ip link set here up
nsenter --target $other --net sh -c 'ip link set lo up; ip addr add 10.77.0.2/30 dev there; ip link set there up'
echo $other > other.pid
set +e
"$@"
code=$?
kill $other
exit $code
"#;

/// `unshare` with a network namespace, as this user may have one.
fn unshare() -> Option<Command> {
    let works = |program: &str, args: &[&str]| {
        Command::new(program)
            .args(args)
            .output()
            .is_ok_and(|output| output.status.success())
    };
    if !works("ip", &["-V"]) || !works("nsenter", &["--version"]) {
        return None;
    }
    let kinds: [&[&str]; 2] = [&["--net"], &["--net", "--user", "--map-root-user"]];
    let test = "ip link add here type veth peer name there && unshare --net true";
    let kind = kinds
        .into_iter()
        .find(|kind| works("unshare", &[kind, &["sh", "-c", test][..]].concat()))?;
    let mut command = Command::new("unshare");
    command.args(kind);
    Some(command)
}

fn project(gateway: &Value) -> Project {
    let project = Project::bare();
    let fal_project = json!({
        "routes": [{"select": "doubled", "runner": "fal-command-runner"}],
        "plugins": {"config": {
            "fal-dbt-backend": {"gateway": gateway},
            "fal-command-runner": {
                "shell": true, "command": "exec nsenter --target $(cat other.pid) --net {python} -", "pass_env": ["FAL_E2E_MARK"],
            },
        }},
    });
    let code = "import os, socket\nprint('interfaces:', *sorted(name for _, name in socket.if_nameindex()))\n\
        orders = ref('orders')\norders['twice'] = orders['id'] * 2\nwrite_to_model(orders)\n";
    project.write("fal_project.yml", fal_project.to_string());
    project
        .write("models/orders.sql", "select 1 as id union all select 2")
        .write("models/doubled.py", code);
    project
}

fn wired(project: &Project, mut unshare: Command) -> fal_e2e::Ended {
    let host = project.host_with_dbt("run");
    unshare
        .args(["sh", "-c", WIRED, "sh"])
        .arg(host.get_program())
        .args(host.get_args());
    unshare.current_dir(project.root()).env_clear();
    unshare.envs(std::env::vars_os().filter(|(name, _)| name == "PATH"));
    unshare.envs(
        host.get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    project.finish(unshare)
}

#[expect(
    clippy::print_stderr,
    reason = "a skipped test must not look like a passed one"
)]
#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_command_in_another_network_reaches_the_gateway_alone() {
    let Some(there) = unshare() else {
        eprintln!(
            "SKIPPED: this system allows no network namespaces, or lacks unshare, nsenter or ip"
        );
        return;
    };
    let reachable = project(&json!({"listen": "10.77.0.1:0", "tls": true}));
    let ended = wired(&reachable, there);
    ended.expect(0).says("doubled | interfaces: lo there");
    assert_eq!(
        reachable.query("select * from doubled order by id"),
        json!([[1, 2], [2, 4]])
    );
    reachable.nothing_is_left();
    // The default address is of the host's own loopback: another machine has another one.
    let Some(there) = unshare() else { return };
    let unreachable = project(&json!({}));
    let ended = wired(&unreachable, there);
    ended
        .expect(1)
        .says("the command ended with exit code 3: the model's script could not work there");
    assert_eq!(unreachable.statuses(), "error: doubled; success: orders");
    unreachable.nothing_is_left();
}
