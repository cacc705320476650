//! `cargo xtask demo`: from a fresh clone to the rows of a SQL model that reads a Python model and
//! a notebook.

use crate::{error::Result, layout, program, venv};

/// The requirements of the example.
pub(crate) const REQUIREMENTS: &str = "examples/jaffle_shop/requirements.txt";

const NEXT: &str = "
Done: SQL, a Python model and a notebook in one DAG. To go on:

  source .venv/bin/activate                        # has dbt and what the models import
  export PATH=\"$PWD/target/release:$PATH\"          # has fal-host
  cd examples/jaffle_shop
  fal-host run --select +order_forecast            # a notebook and all that it needs
  fal-host graph                                   # the DAG
  dbt test                                         # dbt's own commands see the Python models, too
  $EDITOR models/ml/customer_segments.py           # change a model; then: fal-host run --select customer_segments+
";

/// Builds, installs and runs the example, and shows its result.
pub(crate) fn run() -> Result<()> {
    program::run(&mut program::cargo("build --release"))?;
    let venv = venv::with(REQUIREMENTS)?;
    let example = layout::example();
    program::run(program::program(venv.program("dbt"), &example).args(["--quiet", "seed"]))?;
    let mut command = program::program(layout::release("fal-host"), &example);
    program::run(command.arg("run").arg("--python").arg(venv.python()))?;
    program::say(
        "\nRows of models/marts/segment_outlook.sql, which reads the notebook's forecast and the Python model's segments:",
    );
    let rows = program::output(
        program::program(venv.python(), &example).args(["-c", include_str!("demo.py")]),
    )?;
    program::say(&rows);
    program::say(NEXT);
    Ok(())
}
