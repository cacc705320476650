//! Runs both parsers over all Python files below the folders given: counts what they accept, names
//! the files on which they differ, and prints their speed.
//!
//! `cargo run --release -p fal-python-parser --example compare -- FOLDER...`; `ONLY=0` or `ONLY=1`
//! in the environment runs one parser alone, for a profiler.
#![expect(clippy::print_stdout, reason = "a program to run by hand")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
    {
        if path.is_dir() && !path.is_symlink() {
            files(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "py") {
            out.push(path);
        }
    }
}

fn main() {
    let mut paths = Vec::new();
    env::args()
        .skip(1)
        .for_each(|folder| files(Path::new(&folder), &mut paths));
    let texts: Vec<(PathBuf, String)> = paths
        .into_iter()
        .filter_map(|path| fs::read_to_string(&path).ok().map(|text| (path, text)))
        .collect();
    let bytes: usize = texts.iter().map(|(_, text)| text.len()).sum();
    let parsers = common::parsers();
    let mut spent = [Duration::ZERO; 2];
    let only: Option<usize> = env::var("ONLY").ok().and_then(|only| only.parse().ok());
    let (mut accepted, mut differing) = ([0; 2], 0);
    for (path, text) in &texts {
        let text = text.trim_start_matches('\u{feff}');
        let answers = [0, 1].map(|which| {
            let which = only.unwrap_or(which);
            let start = Instant::now();
            let answer = parsers[which].parse("file.py", text);
            spent[which] += start.elapsed();
            accepted[which] += usize::from(answer.is_ok());
            answer
        });
        match &answers {
            [Ok(one), Ok(other)] if one != other => {
                differing += 1;
                println!("differ: {}", path.display());
            }
            [Err(error), Ok(_)] => println!("only ruff: {} ({error})", path.display()),
            [Ok(_), Err(error)] => println!("only rustpython: {} ({error})", path.display()),
            _ => {}
        }
    }
    let megabytes = bytes as f64 / 1e6;
    let speed = spent.map(|spent| megabytes / spent.as_secs_f64());
    println!(
        "{} files, {megabytes:.1} MB, {differing} differ",
        texts.len()
    );
    println!("rustpython: {} accepted, {:.1} MB/s", accepted[0], speed[0]);
    println!("ruff: {} accepted, {:.1} MB/s", accepted[1], speed[1]);
}
