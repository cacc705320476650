//! The contract of the stage.

use fal_notebook_parser::IpynbParser;
use fal_plugin::{payload::NotebookAnalysis, NotebookParser, ParseError};
use fal_plugin_testkit::{notebook_parser, Need};

#[test]
fn the_whole_contract_holds() {
    let report = notebook_parser(&IpynbParser::new(&serde_json::Value::Null).unwrap());
    report.assert_ok();
    assert_eq!(report.failed(Need::Optional).count(), 0, "{report}");
}

/// This parser with one kind of wrong answers.
struct Spoiled(fn(&mut NotebookAnalysis));

impl NotebookParser for Spoiled {
    fn extensions(&self) -> Vec<String> {
        vec!["ipynb".to_owned()]
    }

    fn parse(&self, path: &str, bytes: &[u8]) -> Result<NotebookAnalysis, ParseError> {
        let mut analysis = IpynbParser::new(&serde_json::Value::Null)
            .unwrap()
            .parse(path, bytes)?;
        self.0(&mut analysis);
        Ok(analysis)
    }
}

#[track_caller]
fn fails(cases: &str, spoil: fn(&mut NotebookAnalysis)) {
    let report = notebook_parser(&Spoiled(spoil));
    let failed: Vec<_> = report
        .failed(Need::Required)
        .map(|name| name.trim_start_matches("notebook-parser/"))
        .collect();
    assert_eq!(failed.join(" "), cases, "{report}");
}

#[test]
fn one_fault_fails_its_case() {
    fails("", |_| {});
    fails("line-map magics large", |found| {
        found
            .lines
            .iter_mut()
            .for_each(|at| at.cell = 1.max(at.cell - 1))
    });
    fails("line-map magics", |found| {
        found.lines.iter_mut().for_each(|at| at.line = 1)
    });
    fails("magics", |found| {
        found.python = found.python.replace("get_ipython()", "ipython")
    });
    fails("other-language", |found| found.diagnostics.clear());
}
