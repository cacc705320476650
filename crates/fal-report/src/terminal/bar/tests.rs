//! Tests of the bar, drawn on a terminal in memory.

use std::io::{self, Write};

use fal_plugin::payload::NodeStatus;
use indicatif::{InMemoryTerm, TermLike as _};

use super::*;
use crate::reporter::Reporter as _;
use crate::sample::{self, Page, at};
use crate::{RunEvent, RunInfo, TerminalOptions, TerminalReporter};

/// Standard output on the same terminal as the bar.
struct Screen(InMemoryTerm);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .write_str(&String::from_utf8_lossy(bytes).replace('\n', "\r\n"))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn drawn_on(term: &InMemoryTerm) -> Bar {
    let bar = Bar::hidden(Theme::PLAIN, 80);
    bar.bar
        .set_draw_target(ProgressDrawTarget::term_like_with_hz(
            Box::new(term.clone()),
            u8::MAX,
        ));
    bar
}

fn options() -> TerminalOptions {
    TerminalOptions {
        time_zone: jiff::tz::TimeZone::UTC,
        ..TerminalOptions::default()
    }
}

fn state(events: &[EventKind], now: Instant) -> State {
    let mut state = State::new(now);
    events.iter().for_each(|event| state.event(event, now));
    state
}

#[test]
fn until_the_nodes_are_known_it_says_what_happens() {
    let start = Instant::now();
    let stubs = EventKind::StubsWritten {
        written: Vec::new(),
        removed: Vec::new(),
        unchanged: 2,
        ignore_changed: false,
    };
    let version = EventKind::Log {
        level: fal_plugin::payload::LogLevel::Debug,
        name: Some("MainReportVersion".to_owned()),
        unique_id: None,
        message: "Running with dbt=1.11.4".to_owned(),
    };
    let info = RunInfo {
        total: 4,
        ..RunInfo::default()
    };
    let events = [stubs, version, EventKind::RunStarted { info }];
    let pictures: Vec<_> = (0..=events.len())
        .map(|known| {
            let state = state(&events[..known], start);
            state.picture(start + Duration::from_millis(1_240), Theme::PLAIN, 80)
        })
        .collect();
    insta::assert_snapshot!(pictures.join("\n"), @"
        1.2s Reading Python models
        1.2s Starting dbt
        1.2s dbt 1.11.4 reads the project
    ──────────────────────── 0/4
    ");
}

#[test]
fn shows_how_far_the_run_is_and_what_runs() {
    let (staging, clusters, forecast) = (sample::staging(), sample::clusters(), sample::forecast());
    let failed = sample::result(&staging, NodeStatus::Error, 0.1);
    let start = Instant::now();
    let state = state(
        &[
            EventKind::RunStarted {
                info: RunInfo {
                    total: 4,
                    ..RunInfo::default()
                },
            },
            sample::started(1, 4, staging.clone()),
            sample::started(2, 4, clusters),
            sample::finished(1, 4, staging, failed),
            sample::started(3, 4, forecast),
            EventKind::Interrupted {
                running: Vec::new(),
            },
        ],
        start,
    );
    let picture = |seconds| state.picture(start + Duration::from_millis(seconds), Theme::PLAIN, 20);
    insta::assert_snapshot!(picture(4_120), @"
    ━━━━━━────────────────── 1/4, 1 failed, stopping
        4.1s customer_c
        4.1s forecast
    ");
    insta::assert_snapshot!(picture(125_000).lines().last().unwrap(), @"  2m 05s forecast");
}

#[test]
fn a_long_list_is_cut() {
    let nodes = (1..=11).map(|number| {
        let mut node = sample::report();
        node.unique_id = format!("model.shop.report_{number}");
        sample::started(number, 11, node)
    });
    let now = Instant::now();
    let picture = state(&nodes.collect::<Vec<_>>(), now).picture(now, Theme::PLAIN, 80);
    assert_eq!(picture.lines().count(), 1 + LISTED + 1);
    assert_eq!(picture.lines().last(), Some("         and 3 more nodes"));
}

#[test]
fn lines_are_printed_above_and_nothing_is_left_at_the_end() {
    let term = InMemoryTerm::new(12, 110);
    let bar = drawn_on(&term);
    let ticks = bar.bar.clone();
    let mut reporter = TerminalReporter::new(
        Box::new(Screen(term.clone())),
        Page::default().boxed(),
        options(),
    )
    .with_bar(bar);
    let mut tell = |kind| reporter.event(&RunEvent::new(at(0), kind));
    tell(sample::started(1, 2, sample::clusters()));
    tell(sample::output(&sample::clusters(), "hello"));
    ticks.tick();
    let seen = term.contents();
    let lines: Vec<_> = seen.lines().collect();
    assert_eq!(lines[1], "12:03:14  customer_clusters | hello");
    assert_eq!(lines[2], format!("{} 0/2", "─".repeat(CELLS)));
    assert!(lines[3].ends_with("s customer_clusters"), "{seen}");
    tell(EventKind::RunFinished {
        summary: Default::default(),
        elapsed: 0.5,
    });
    let seen = term.contents();
    assert!(!seen.contains('─'), "{seen}");
    assert!(seen.ends_with("TOTAL=0"), "{seen}");
}

#[test]
fn a_run_that_is_over_at_once_draws_nothing() {
    let term = InMemoryTerm::new(12, 80);
    let target = ProgressDrawTarget::term_like_with_hz(Box::new(term.clone()), FRAMES);
    let bar = Bar::start(target, Theme::PLAIN, 80, Duration::from_secs(3600)).unwrap();
    bar.event(&sample::started(1, 2, sample::clusters()));
    bar.finish();
    assert_eq!(term.contents(), "");
    assert_eq!(term.moves_since_last_check(), "");
}

#[test]
fn quiet_has_no_bar() {
    let quiet = TerminalOptions {
        quiet: true,
        ..options()
    };
    let reporter = TerminalReporter::new(Page::default().boxed(), Page::default().boxed(), quiet);
    assert!(
        reporter
            .with_bar(drawn_on(&InMemoryTerm::new(4, 80)))
            .bar
            .is_none()
    );
}
