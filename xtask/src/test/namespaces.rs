//! Whether a test that needs network namespaces will do anything here.

use std::process::Command;

use crate::program::{tell, works};

/// As the test of a command in another network looks for them.
const PROBE: &str =
    "ip link add here type veth peer name there && nsenter --version && unshare --net true";

/// Says so if it will not: a test that passes for want of its ground is to be known.
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
