//! Listens to a standard stream of the child.

use std::{
    io::Read,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver},
    },
    thread,
    time::Duration,
};

/// As much of a stream as is of interest.
const ENOUGH: usize = 4_000;

/// The beginning of a stream. The rest is read and dropped, so that the child never waits for us.
pub(super) struct Prints {
    text: Arc<Mutex<Vec<u8>>>,
    ended: Receiver<()>,
}

impl Prints {
    pub(super) fn listen(mut stream: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let (sender, ended) = mpsc::channel();
        let kept = Arc::clone(&text);
        thread::spawn(move || {
            let mut buffer = [0; 4_096];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let room = ENOUGH.saturating_sub(kept.len()).min(count);
                kept.extend_from_slice(&buffer[..room]);
            }
            let _ = sender.send(());
        });
        Self { text, ended }
    }

    /// What came, once the child has ended. A process that the plugin left behind may hold the stream: it is not waited for.
    pub(super) fn text(&self) -> String {
        let _ = self.ended.recv_timeout(Duration::from_secs(1));
        let text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&text).into_owned()
    }
}
