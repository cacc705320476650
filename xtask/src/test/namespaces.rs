//! Reports whether the test that needs network namespaces can run here.

use std::process::Command;

use crate::program::{tell, works};

/// The same check that the test of a command in another network makes.
const PROBE: &str =
    "ip link add here type veth peer name there && nsenter --version && unshare --net true";

/// Prints a notice if it cannot: a test that passes without testing anything must be visible.
pub(super) fn announce() {
    let allowed =
        |kind: &[&str]| works(Command::new("unshare").args(kind).args(["sh", "-c", PROBE]));
    if !allowed(&["--net"]) && !allowed(&["--net", "--user", "--map-root-user"]) {
        tell(
            "SKIPPED: this system allows no network namespaces, or lacks unshare, nsenter or ip; \
              the command runner's test of a command in another network does nothing here",
        );
    }
}
