//! Chooses the fault of a call and carries out faults in a plugin's own code.

use std::{
    cell::Cell,
    env, fs, hint,
    panic::panic_any,
    process,
    sync::{
        atomic::{AtomicU32, Ordering},
        LazyLock,
    },
    thread,
    time::Duration,
};

use fal_plugin::PluginError;

/// The name of a fault.
pub(crate) type Due = &'static str;

struct Plan {
    stage: String,
    method: String,
    count: u32,
    fault: Due,
}

static PLAN: LazyLock<Option<Plan>> = LazyLock::new(|| {
    let text = env::var("ACME_FAULT").ok()?;
    let mut words = text.splitn(4, ' ').map(str::to_owned);
    Some(Plan {
        stage: words.next()?,
        method: words.next()?,
        count: words.next()?.parse().ok()?,
        fault: words.next()?.leak(),
    })
});

thread_local! {
    static DUE: Cell<Option<Due>> = const { Cell::new(None) };
}

/// Returns the fault of this call, if any.
pub(crate) fn due(stage: &str, method: &str) -> Option<Due> {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let plan = PLAN.as_ref().filter(|plan| plan.stage == stage && plan.method == method)?;
    if CALLS.fetch_add(1, Ordering::SeqCst) + 1 != plan.count {
        return None;
    }
    mark("ACME_FIRED");
    Some(plan.fault)
}

/// Creates the file that a variable names, to notify the test.
pub(crate) fn mark(variable: &str) {
    if let Some(path) = env::var_os(variable) {
        let _ = fs::write(path, "");
    }
}

/// Runs a call with a fault that [`inside`] carries out.
pub(crate) fn within<T>(due: Option<Due>, call: impl FnOnce() -> T) -> T {
    DUE.set(due);
    let answer = call();
    DUE.set(None);
    answer
}

/// Carries out the fault in the plugin's own code, behind its guard.
pub(crate) fn inside() -> Result<(), PluginError> {
    let Some(due) = DUE.take() else { return Ok(()) };
    match due {
        "panics" => panic!("acme cannot stand it"),
        "panics without words" => panic_any(7),
        "refuses" => return Err(PluginError::new("acme::licence", "the licence of acme is out of date")),
        "refuses without words" => return Err(PluginError::new("", "")),
        due => act(due),
    }
    Ok(())
}

/// Carries out a fault that may also happen outside of every guard.
#[allow(unsafe_code)]
pub(crate) fn act(due: Due) {
    match due {
        "hangs" => loop {
            thread::park();
        },
        "spins" => loop {
            hint::spin_loop();
        },
        "is slow" => thread::sleep(Duration::from_millis(200)),
        "prints" => println!("acme prints"),
        "complains" => eprintln!("acme complains"),
        "leaks threads" => (0..8).for_each(|_| {
            thread::spawn(|| loop {
                thread::park();
            });
        }),
        "aborts" => process::abort(),
        "exits with 0" => process::exit(0),
        "exits with 3" => process::exit(3),
        // SAFETY: this is unsound on purpose: the fault is a crash.
        "crashes" => unsafe { std::ptr::null_mut::<u8>().write_volatile(1) },
        "overflows the stack" => _ = deep(0),
        "leaves a child" => _ = process::Command::new("sleep").arg("600").spawn(),
        _ => {}
    }
}

#[allow(unconditional_recursion)]
fn deep(depth: u64) -> u64 {
    hint::black_box(deep(hint::black_box(depth + 1))) + 1
}
