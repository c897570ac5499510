//! Hashes executables off the loop: a runtime of a hundred megabytes takes a third of a second.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::readers::{Patience, Readers};
use crate::inventory::{Enriched, HostEvent, ProcessKey};
use crate::proc::ProcReader;

/// The file system may not answer.
const FOR_HASH: Patience = Patience::of(Duration::from_secs(10));
/// Hashed at once: one that does not answer keeps no other waiting, unless there are so many.
const AT_ONCE: usize = 4;

/// Hashes the executables of the processes that come over `jobs`, and sends their facts again, the hash among them. Ends when
/// the loop drops its end of `jobs`.
pub(super) async fn run(
    reader: Arc<ProcReader>,
    mut jobs: mpsc::Receiver<ProcessKey>,
    results: mpsc::Sender<HostEvent>,
) {
    let (readers, mut hashing) = (Readers::default(), JoinSet::new());
    while let Some(process) = jobs.recv().await {
        if hashing.len() >= AT_ONCE {
            hashing.join_next().await;
        }
        let (reader, readers, results) = (Arc::clone(&reader), readers.clone(), results.clone());
        hashing.spawn(async move {
            let hashed = tokio::task::spawn_blocking(move || facts(&reader, &readers, process)).await;
            // A process that ended meanwhile needs no hash; nor does anybody where the loop is gone.
            if let Ok(Some(facts)) = hashed {
                results.send(HostEvent::Enriched { process, facts: Box::new(facts) }).await.ok();
            }
        });
    }
}

fn facts(reader: &Arc<ProcReader>, readers: &Readers, process: ProcessKey) -> Option<Enriched> {
    let mut facts = reader.enrich(process)?;
    let uid = reader.image(process.pid).filter(|image| image.process == process)?.uid;
    let hashes = Arc::clone(reader);
    facts.exe_sha256 = readers.read(uid, FOR_HASH, move || hashes.sha256(process)).unwrap_or_else(|unread| {
        tracing::warn!(pid = process.pid, exe = ?facts.exe, ?unread, "a program's hash is not known");
        None
    });
    Some(facts)
}
