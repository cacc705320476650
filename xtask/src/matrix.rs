//! `cargo xtask matrix`: tests over several versions of dbt, which the script `matrix.py` runs.

use clap::ValueEnum;

use crate::{args::MatrixArgs, error::Result, layout, program, python};

/// Makes the environments, runs the tests, writes the table.
pub(crate) fn run(args: &MatrixArgs) -> Result<()> {
    let mut command = program::program(python::find()?, layout::root());
    command
        .arg("-B")
        .arg(layout::root().join("xtask/matrix.py"));
    command.arg("--target").arg(layout::target());
    for version in &args.dbt {
        command.args(["--dbt", version]);
    }
    for part in args.only.iter().filter_map(ValueEnum::to_possible_value) {
        command.args(["--only", part.get_name()]);
    }
    let switches = [("--table", args.table), ("--all", args.all)];
    command.args(switches.iter().filter(|(_, on)| *on).map(|(flag, _)| flag));
    program::run(&mut command)
}
