//! `cargo xtask demo`: from a fresh clone to the rows of a SQL model that reads a Python model and
//! a notebook.

use std::path::{Path, PathBuf};

use crate::{
    args::DemoArgs,
    dbt2,
    error::{Result, XtaskError},
    layout, program,
    venv::{self, Venv},
};

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
pub(crate) fn run(args: &DemoArgs) -> Result<()> {
    program::run(&mut program::cargo("build --release"))?;
    if args.dbt == 2 {
        if let Some(why) = dbt2::missing() {
            return Err(XtaskError::NoDbt2 { why });
        }
        return show(&dbt2::environment()?, &copy()?);
    }
    show(&venv::with(REQUIREMENTS)?, &layout::example())?;
    program::say(NEXT);
    Ok(())
}

/// Runs the example in `folder` and shows its result.
fn show(venv: &Venv, folder: &Path) -> Result<()> {
    program::run(program::program(venv.program("dbt"), folder).args(["--quiet", "seed"]))?;
    let mut command = program::program(layout::release("fal-host"), folder);
    program::run(command.arg("run").arg("--python").arg(venv.python()))?;
    program::say(
        "\nRows of models/marts/segment_outlook.sql, which reads the notebook's forecast and the Python model's segments:",
    );
    let rows = program::output(
        program::program(venv.python(), folder).args(["-c", include_str!("demo.py")]),
    )?;
    program::say(&rows);
    Ok(())
}

/// Copies the files of the example, without the database, which another DuckDB may have made.
fn copy() -> Result<PathBuf> {
    let folder = layout::target().join("demo-dbt2");
    let mut command = program::program("bash", layout::root());
    let script = "rm -rf \"$1\" && mkdir -p \"$1\" && git ls-files -z --cached --others --exclude-standard . \
                  | xargs -0 cp --parents -t \"$1\"";
    command.current_dir(layout::example());
    program::run(command.args(["-c", script, "copy"]).arg(&folder))?;
    Ok(folder)
}
