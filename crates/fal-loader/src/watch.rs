//! Watches calls that have a time limit.
//! // Each thread keeps its pending calls in a separate slot, so that a call costs only an
//! uncontended lock. One thread looks at all slots from time to time.

use std::{
    cell::OnceCell,
    marker::PhantomData,
    sync::{Arc, Barrier, Once, OnceLock, Weak},
    thread,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

/// How often the slots are looked at.
const TICK: Duration = Duration::from_millis(50);

/// A call of a library that did not return in time. Only ending the process stops it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the plugin `{plugin}` timed out after {} s in `{method}`",
    seconds(after)
)]
pub struct Hang {
    /// Name of the plugin.
    pub plugin: String,
    /// The method.
    pub method: String,
    /// How long the host waited.
    pub after: Duration,
}

impl Hang {
    /// What the user can do.
    pub fn help(&self) -> String {
        "a library cannot be interrupted, so the command ends here. If the plugin is only slow, raise `plugins: timeout:` in \
         fal_project.yml; with `--isolate-plugins` it runs in a separate process"
            .to_owned()
    }
}

pub(crate) fn seconds(time: &Duration) -> String {
    let text = format!("{:.3}", time.as_secs_f64());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

type OnHang = Box<dyn Fn(&Hang) + Send + Sync>;

static ON_HANG: OnceLock<OnHang> = OnceLock::new();

/// Sets the handler for hanging libraries, which ends the process. Without a handler, calls of
/// libraries are not watched. Only the first call has an effect.
pub fn on_hang(handler: impl Fn(&Hang) + Send + Sync + 'static) {
    // Ignore a second handler: it would do the same.
    let _ = ON_HANG.set(Box::new(handler));
}

/// What to do when the time is over.
pub(crate) trait Overdue: Send + Sync {
    fn overdue(&self, hang: &Hang);
}

/// Ends the command when a call of a library is overdue.
pub(crate) struct EndsCommand;

impl Overdue for EndsCommand {
    fn overdue(&self, hang: &Hang) {
        if let Some(handler) = ON_HANG.get() {
            handler(hang);
        }
    }
}

/// Returns the names of the plugins whose code runs now. A plugin that crashes the process is among
/// them.
pub fn under_way() -> Vec<String> {
    // Never wait for the lock: in a crashing process its holder may never run again.
    let Some(slots) = SLOTS.try_lock() else {
        return Vec::new();
    };
    let calls = slots.iter().filter_map(Weak::upgrade).filter_map(|slot| {
        let watched = slot.0.try_lock()?;
        watched.last().map(|last| last.plugin.to_string())
    });
    let mut names: Vec<String> = calls.collect();
    names.sort_unstable();
    names.dedup();
    names
}

struct Watched {
    until: Instant,
    after: Duration,
    plugin: Arc<str>,
    method: Box<str>,
    then: Weak<dyn Overdue>,
}

#[derive(Default)]
struct Slot(Mutex<Vec<Watched>>);

impl Slot {
    fn lock(&self) -> parking_lot::MutexGuard<'_, Vec<Watched>> {
        self.0.lock()
    }
}

static SLOTS: Mutex<Vec<Weak<Slot>>> = Mutex::new(Vec::new());

thread_local! {
    static OWN: OnceCell<Arc<Slot>> = const { OnceCell::new() };
}

fn new_slot() -> Arc<Slot> {
    static WATCHDOG: Once = Once::new();
    WATCHDOG.call_once(start_watchdog);
    let slot = Arc::new(Slot::default());
    SLOTS.lock().push(Arc::downgrade(&slot));
    slot
}

/// Starts the watching thread, and returns when it runs. A thread that starts while a library hangs
/// in its initialisers would hang too, since the dynamic loader's lock also guards the registration
/// of thread-local destructors.
fn start_watchdog() {
    let started = Arc::new(Barrier::new(2));
    let runs = Arc::clone(&started);
    thread::spawn(move || {
        runs.wait();
        watch_all();
    });
    started.wait();
}

/// Watches a call until this guard is dropped, on the thread that created it.
pub(crate) struct Watch {
    slot: Option<Arc<Slot>>,
    of_thread: PhantomData<*const ()>,
}

impl Watch {
    /// Watches a call of a library, if a handler is set.
    pub(crate) fn library(limit: Option<Duration>, plugin: &Arc<str>, method: &str) -> Self {
        static THEN: OnceLock<Arc<EndsCommand>> = OnceLock::new();
        if ON_HANG.get().is_none() {
            return Self {
                slot: None,
                of_thread: PhantomData,
            };
        }
        let then: &Arc<EndsCommand> = THEN.get_or_init(|| Arc::new(EndsCommand));
        let then: Weak<EndsCommand> = Arc::downgrade(then);
        Self::start(limit, plugin, method, then)
    }

    /// Watches a call.
    pub(crate) fn start(
        limit: Option<Duration>,
        plugin: &Arc<str>,
        method: &str,
        then: Weak<impl Overdue + 'static>,
    ) -> Self {
        let slot = limit.map(|after| {
            let slot = OWN.with(|own| Arc::clone(own.get_or_init(new_slot)));
            let (plugin, method) = (Arc::clone(plugin), method.into());
            slot.lock().push(Watched {
                until: Instant::now() + after,
                after,
                plugin,
                method,
                then,
            });
            slot
        });
        Self {
            slot,
            of_thread: PhantomData,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(slot) = &self.slot {
            // Calls of one thread are nested, so the last one that began ends first.
            slot.lock().pop();
        }
    }
}

fn watch_all() {
    loop {
        thread::sleep(TICK);
        for (hang, then) in overdue(Instant::now()) {
            then.overdue(&hang);
        }
    }
}

/// Returns the overdue calls, each only once.
fn overdue(now: Instant) -> Vec<(Hang, Arc<dyn Overdue>)> {
    let mut slots = SLOTS.lock();
    slots.retain(|slot| slot.strong_count() > 0);
    let mut found = Vec::new();
    for slot in slots.iter().filter_map(Weak::upgrade) {
        for watched in slot
            .lock()
            .iter_mut()
            .filter(|watched| watched.until <= now)
        {
            let hang = Hang {
                plugin: watched.plugin.to_string(),
                method: watched.method.to_string(),
                after: watched.after,
            };
            found.extend(watched.then.upgrade().map(|then| (hang, then)));
            watched.then = Weak::<EndsCommand>::new();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    struct Tells(Mutex<mpsc::Sender<String>>);

    impl Overdue for Tells {
        fn overdue(&self, hang: &Hang) {
            self.0.lock().send(hang.to_string()).unwrap();
        }
    }

    #[test]
    fn what_is_overdue_is_told_once_and_what_has_ended_is_not() {
        let (sender, receiver) = mpsc::channel();
        let tells = Arc::new(Tells(Mutex::new(sender)));
        let plugin = Arc::from("acme");
        let outer = Watch::start(
            Some(Duration::from_millis(20)),
            &plugin,
            "load",
            Arc::downgrade(&tells),
        );
        drop(Watch::start(
            Some(Duration::ZERO),
            &plugin,
            "parse",
            Arc::downgrade(&tells),
        ));
        drop(Watch::start(
            None,
            &plugin,
            "run_node",
            Arc::downgrade(&tells),
        ));
        assert_eq!(
            receiver.recv().unwrap(),
            "the plugin `acme` timed out after 0.02 s in `load`"
        );
        drop(outer);
        drop(tells);
        assert!(receiver.recv().is_err(), "an overdue call is reported once");
    }
}
