//! What a run looks like.

use jiff::tz::TimeZone;

use super::{TerminalOptions, TerminalReporter};
use crate::reporter::Reporter as _;
use crate::sample::{self, Page};
use crate::{RunEvent, Theme};

fn options() -> TerminalOptions {
    TerminalOptions { time_zone: TimeZone::UTC, ..TerminalOptions::default() }
}

fn show(events: &[RunEvent], options: TerminalOptions) -> (String, String) {
    let (out, err) = (Page::default(), Page::default());
    let mut reporter = TerminalReporter::new(out.boxed(), err.boxed(), options);
    events.iter().for_each(|event| reporter.event(event));
    reporter.finish().unwrap();
    (out.text(), err.text())
}

#[test]
fn success() {
    let (out, err) = show(&sample::success(), options());
    insta::assert_snapshot!(out, @"");
    assert_eq!(err, "");
}

#[test]
fn failure_with_traceback_skip_and_warning() {
    let (out, err) = show(&sample::failure(), options());
    insta::assert_snapshot!(out, @"");
    assert_eq!(err, "");
}

#[test]
fn interrupted() {
    insta::assert_snapshot!(show(&sample::interrupted(), options()).0, @"");
}

#[test]
fn messages_go_to_the_second_writer_when_they_are_warnings() {
    let (out, err) = show(&sample::messages(), options());
    insta::assert_snapshot!(out, @"");
    insta::assert_snapshot!(err, @"");
}
