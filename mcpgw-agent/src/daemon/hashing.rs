//! Hashes executables off the loop: a runtime of a hundred megabytes takes a third of a second.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::inventory::{HostEvent, ProcessKey};
use crate::proc::ProcReader;

/// Hashes the executables of the processes that come over `jobs`, one at a time, and sends their facts again, the
/// hash among them. Ends when the loop drops either channel.
pub(super) async fn run(
    reader: Arc<ProcReader>,
    mut jobs: mpsc::Receiver<ProcessKey>,
    results: mpsc::Sender<HostEvent>,
) {
    while let Some(process) = jobs.recv().await {
        let reader = Arc::clone(&reader);
        let hashed = tokio::task::spawn_blocking(move || {
            let mut facts = reader.enrich(process)?;
            facts.exe_sha256 = reader.sha256(process);
            Some(HostEvent::Enriched { process, facts: Box::new(facts) })
        });
        // A process that ended meanwhile needs no hash.
        if let Ok(Some(event)) = hashed.await
            && results.send(event).await.is_err()
        {
            return;
        }
    }
}
