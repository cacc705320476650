//! Times of `generate` on 10,000 Python files: cold, unchanged, and after one change. Prints one
//! line each.
#![allow(
    missing_docs,
    clippy::print_stdout,
    reason = "a program that prints its measurements"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Instant;

use support::Project;

fn main() {
    let count: usize = std::env::args()
        .filter_map(|argument| argument.parse().ok())
        .next()
        .unwrap_or(10_000);
    let flat = std::env::args().any(|argument| argument == "flat");
    let project = Project::new(&[]);
    for index in 0..count {
        let folder = if flat { 0 } else { index / 100 };
        let code = format!(
            "import pandas as pd\ndf = ref('a{index}')\n{}write_to_model(df)\n",
            "# a line of code\n".repeat(30)
        );
        project.write(&format!("models/d{folder}/m{index}.py"), &code);
    }
    time("cold", &project);
    time("unchanged, just written", &project);
    project.age();
    time("all stamps changed", &project);
    let rounds = std::env::var("ROUNDS").map_or(5, |rounds| rounds.parse().unwrap_or(5));
    for _ in 0..rounds {
        time("unchanged", &project);
    }
    project.write("models/d0/m0.py", "ref('other'), write_to_model(1)");
    time("one changed", &project);
}

fn time(what: &str, project: &Project) {
    let start = Instant::now();
    let generated = project.generate();
    let took = start.elapsed();
    println!(
        "{what}: {:.3} s ({} written, {} unchanged)",
        took.as_secs_f64(),
        generated.written.len(),
        generated.unchanged
    );
}
