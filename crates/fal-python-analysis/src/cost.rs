//! Counts the steps of the analysis in builds with debug assertions, so that a test can measure how
//! they grow with a text.

#[cfg(debug_assertions)]
thread_local! {
    static STEPS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Counts one look at a node or scope.
pub(crate) fn step() {
    #[cfg(debug_assertions)]
    STEPS.with(|steps| steps.set(steps.get() + 1));
}

/// Returns the steps that this thread has taken so far.
#[cfg(debug_assertions)]
#[must_use]
pub fn steps() -> u64 {
    STEPS.with(std::cell::Cell::get)
}
