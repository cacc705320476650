//! Sessions of runners, all of them fakes that write down what they are asked.

use parking_lot::Mutex;

use super::*;
use crate::run::fake::{Diary, Fake};

/// Two runners; the diary tells what happened to both, sorted, as they are asked side by side.
fn fleet(acme: Fake, other: Fake) -> (RunnerSessions, Diary) {
    let diary = Diary::default();
    let runner = |name: &str, sign, fake: Fake| {
        let fake = Fake {
            diary: Arc::clone(&diary),
            sign,
            ..fake
        };
        Runner::new(name.to_owned(), Arc::new(fake), None)
    };
    (
        RunnerSessions::new(vec![
            runner("acme", "acme: ", acme),
            runner("other", "other: ", other),
        ]),
        diary,
    )
}

fn lines(diary: &Diary) -> Vec<String> {
    let mut lines = diary.lock().clone();
    lines.sort();
    lines
}

fn requests() -> Vec<BeginRequest> {
    let of = |ids: &[&str]| BeginRequest {
        selected: ids.iter().map(|id| (*id).to_owned()).collect(),
        ..BeginRequest::default()
    };
    vec![of(&["a", "b"]), of(&["c"])]
}

#[test]
fn each_runner_is_told_of_its_nodes_and_closed_once() {
    let (fleet, diary) = fleet(Fake::default(), Fake::default());
    fleet.begin(requests(), &Interrupt::new()).unwrap();
    fleet.close(false).unwrap();
    fleet.close(true).unwrap();
    drop(fleet);
    let expected = [
        "acme: begin a b",
        "acme: close",
        "acme: load",
        "other: begin c",
        "other: close",
        "other: load",
    ];
    assert_eq!(lines(&diary), expected);
}

#[test]
fn a_runner_that_does_not_start_is_named_and_all_are_closed() {
    for broken in ["load", "begin c"] {
        let (fleet, diary) = fleet(Fake::default(), Fake::breaking(broken));
        let error = fleet.begin(requests(), &Interrupt::new()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the runner `other` does not start: `{broken}` broke")
        );
        drop(fleet);
        let closed = lines(&diary)
            .into_iter()
            .filter(|line| line.ends_with("close, interrupted"))
            .count();
        assert_eq!(closed, 2, "{broken}");
    }
}

#[test]
fn a_ctrl_c_ends_the_waiting_for_a_runner() {
    // The word never comes; the channel stays open as long as the test runs.
    let (word, never) = mpsc::channel::<()>();
    let (never, interrupt) = (Mutex::new(never), Interrupt::new());
    let user = interrupt.clone();
    let deed = move || {
        user.raise();
        let _ = never.lock().recv();
    };
    let (fleet, diary) = fleet(
        Fake {
            during: Some(("load", Arc::new(deed))),
            ..Fake::default()
        },
        Fake::default(),
    );
    assert!(matches!(
        fleet.begin(requests(), &interrupt),
        Err(HostError::Interrupted)
    ));
    fleet.close(true).unwrap();
    assert!(lines(&diary).contains(&"acme: close, interrupted".to_owned()));
    drop(word);
}

#[test]
fn an_end_out_of_order_is_an_error_unless_the_runner_had_failed_before() {
    let broken = || Fake::breaking("close");
    let (one, _) = fleet(broken(), Fake::default());
    assert_eq!(
        one.close(false).unwrap_err().to_string(),
        "the runner `acme` did not end in order: `close` broke"
    );
    let (one, _) = fleet(broken(), Fake::default());
    one.runners()[0].breaks(PluginError::new("x", "it died"));
    assert!(one.close(false).is_ok());
    assert_eq!(
        one.broken().unwrap().to_string(),
        "the runner `acme` failed: it died"
    );
}

#[test]
fn only_runners_with_slots_of_their_own_have_a_class() {
    let runner = |slots| Runner::new("x".to_owned(), Arc::new(Fake::default()), slots);
    let fleet = RunnerSessions::new(vec![runner(Some(4)), runner(None), runner(Some(0))]);
    assert_eq!(fleet.classes(), [1, 0, 2]);
    assert_eq!(
        fleet.runners()[2].concurrency,
        Some(1),
        "none at all would never end"
    );
}
