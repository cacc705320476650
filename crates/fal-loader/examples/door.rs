//! Measures a call through the plugin interface against a direct call of the same stage, for `cargo
//! xtask bench --only door`.
//!
//! Arguments: the program `fal-host`, the library of `fal-python-parser`, the library of the example `echo` of fal-plugin, and
//! `echo.py` as a plugin. Prints medians in nanoseconds as JSON.

use std::{
    env,
    error::Error,
    hint::black_box,
    io::{Write, stdout},
    path::{Path, PathBuf},
    time::Instant,
};

use fal_loader::{LoadOptions, LoadedPlugin};
use fal_plugin::{
    PythonParser, manifest::Stage, payload::PythonAnalysis, wire::PythonParserClient,
};
use serde_json::{Map, Value, json};

/// Number of rounds. Each way of calling has its turn in each round, so that other load on the
/// machine affects all alike.
const ROUNDS: usize = 300;
/// Number of calls of each way in a round.
const CALLS: usize = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [host, parser, echo, python] = arguments.as_slice() else {
        return Err("four paths are wanted".into());
    };
    let apart = LoadOptions {
        isolate: Some((host.clone(), vec!["plugin".to_owned(), "serve".to_owned()])),
        ..LoadOptions::default()
    };
    // As in the program, which watches its calls.
    fal_loader::on_hang(|_| {});
    let direct: Box<dyn PythonParser> =
        Box::new(fal_python_parser::RustPythonParser::new(&json!({}))?);
    let ways: [(&str, Box<dyn PythonParser>); 6] = [
        ("parse: direct", direct),
        ("parse: library", client(parser, &LoadOptions::default())?),
        ("parse: process", client(parser, &apart)?),
        ("echo: library", client(echo, &LoadOptions::default())?),
        ("echo: process", client(echo, &apart)?),
        (
            "echo: process, Python",
            client(python, &LoadOptions::default())?,
        ),
    ];
    let text = text();
    let mut times = vec![Vec::with_capacity(ROUNDS * CALLS); ways.len()];
    for round in 0..=ROUNDS {
        for ((_, parser), times) in ways.iter().zip(&mut times) {
            for _ in 0..CALLS {
                let start = Instant::now();
                black_box(
                    parser
                        .parse("models/a.py", black_box(&text))
                        .map_err(|error| error.to_string())?,
                );
                times.push(start.elapsed().as_nanos());
            }
            if round == 0 {
                // The first round warms up and does not count.
                times.clear();
            }
        }
    }
    let mut medians = Map::new();
    for ((name, _), mut times) in ways.iter().zip(times) {
        times.sort_unstable();
        medians.insert(
            (*name).to_owned(),
            Value::from(u64::try_from(times[times.len() / 2])?),
        );
    }
    let (json, size) = json(ways[0].1.as_ref(), &text)?;
    medians.insert("parse: JSON".to_owned(), Value::from(json));
    medians.insert("bytes".to_owned(), Value::from(text.len()));
    medians.insert("bytes of JSON".to_owned(), Value::from(size));
    #[expect(clippy::disallowed_methods, reason = "numbers of a benchmark")]
    writeln!(stdout(), "{}", Value::Object(medians))?;
    Ok(())
}

/// Measures writing the analysis as JSON and reading it again, which every way but the direct one
/// has to do. Also returns the length of the JSON.
fn json(parser: &dyn PythonParser, text: &str) -> Result<(u64, usize), Box<dyn Error>> {
    let analysis = parser
        .parse("models/a.py", text)
        .map_err(|error| error.to_string())?;
    let (mut times, mut size) = (Vec::new(), 0);
    for _ in 0..ROUNDS * CALLS {
        let start = Instant::now();
        let bytes = serde_json::to_vec(black_box(&analysis))?;
        size = bytes.len();
        black_box(serde_json::from_slice::<PythonAnalysis>(black_box(&bytes))?);
        times.push(start.elapsed().as_nanos());
    }
    times.sort_unstable();
    Ok((u64::try_from(times[times.len() / 2])?, size))
}

fn client(path: &Path, options: &LoadOptions) -> Result<Box<dyn PythonParser>, Box<dyn Error>> {
    let open = LoadedPlugin::load(path, options)?.open(Stage::PythonParser, &json!({}))?;
    Ok(Box::new(PythonParserClient::new(open.transport)))
}

/// Returns a model of 2 KB: a few dependencies, and filler code.
fn text() -> String {
    let mut text =
        "\"\"\"Orders with their people.\"\"\"\n\nimport pandas as pd\n\n\ndef features(frame):\n"
            .to_owned();
    for column in 0.. {
        if text.len() > 1_800 {
            break;
        }
        text.push_str(&format!(
            "    frame['x{column}'] = frame['x'] ** {column} % 7\n"
        ));
    }
    text.push_str(
        "    return frame\n\n\norders = ref('orders')\npeople = source('shop', 'people')\n\
         joined = orders.merge(people, on='id', how='left')\nwrite_to_model(features(joined))\n",
    );
    text
}
