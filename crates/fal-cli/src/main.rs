//! The `fal-host` command.
fn main() {}
