//! A log of a given length, to be verified.

use std::path::Path;

use anyhow::{Context as _, Result};
use mcpgw_agent::audit::{AuditLog, Options, Rotation};
use mcpgw_agent::session::Standing;

use crate::records::{entry, message, session, verdict};

/// Writes records of `bytes` altogether into a log in `dir`, in files of `each`. None is removed.
pub(crate) fn run(dir: &Path, bytes: u64, each: u64) -> Result<()> {
    let rotation = Rotation { bytes: each, keep_bytes: None, keep_files: None, ..Rotation::default() };
    let log = AuditLog::open(&Options { rotation, ..Options::at(dir.join("audit.jsonl")) })?;
    let (message, verdict, session) = (message()?, verdict(), session());
    let standing = Standing::default();
    let entry = entry(&message, &verdict, &session, &standing);
    let mut records = 0_u64;
    let mut of_a_record = 1;
    while records.saturating_mul(of_a_record) < bytes {
        let _permit = log.record(&entry, message.bytes().clone())?.wait()?.context("the verdict forwards")?;
        records += 1;
        if records == 1000 {
            of_a_record = log.path().metadata()?.len() / records;
        }
    }
    drop(log);
    println!("{records}");
    Ok(())
}
