//! `fal-host generate` on many Python files.

use std::{fs, time::Duration};

use super::{
    Bench,
    table::Table,
    timing::{median, time},
    twins::{write, write_project},
};
use crate::{error::Result, program::program};

/// Measures a cold run (neither stubs nor a cache) and an unchanged one.
pub(super) fn measure(bench: &Bench<'_>, table: &mut Table) -> Result<()> {
    let folder = bench.scratch.path().join("generate");
    write_project(&folder)?;
    for number in 0..bench.args.files {
        write(
            &folder.join(format!("models/area_{}/m_{number}.py", number / 100)),
            &code(number),
        )?;
    }
    let generate = || time(program(&bench.host, &folder).arg("generate"));
    let mut cold = Vec::new();
    for _ in 0..bench.args.runs {
        for rest in ["models/fal", "target"] {
            // The cache does not exist in the first round.
            let _ = fs::remove_dir_all(folder.join(rest));
        }
        let _ = fs::remove_file(folder.join(".dbtignore"));
        cold.push(generate()?);
    }
    // Files that were written a moment ago are read again, because they could still change.
    generate()?;
    let unchanged = (0..bench.args.runs)
        .map(|_| generate())
        .collect::<Result<Vec<Duration>>>()?;
    let what = format!("generate, {} Python files", bench.args.files);
    table.time(
        &format!("{what}: cold"),
        median(cold),
        "≤ 1 s with the graph",
    );
    table.time(&format!("{what}: unchanged"), median(unchanged), "≤ 0.15 s");
    Ok(())
}

/// Writes a model of some forty lines.
fn code(number: u32) -> String {
    let before = number.saturating_sub(1);
    let features: String = (0..25)
        .map(|column| format!("    frame['x{column}'] = frame['x'] ** {column} % 7\n"))
        .collect();
    format!(
        "\"\"\"Model {number}.\"\"\"\n\nimport pandas as pd\n\nLIMIT = {number}\n\n\ndef features(frame):\n{features}    return frame\n\n\n\
         orders = ref('m_{before}')\npeople = source('shop', 'people_{}')\njoined = orders.merge(people, on='id', how='left')\n\
         if len(joined) > LIMIT:\n    write_to_model(features(joined))\nelse:\n    write_to_model(joined)\n",
        number % 10
    )
}
