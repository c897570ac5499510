//! How many records a second there are room for, and what one adds to its message, while files are finished and compressed.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use mcpgw_agent::audit::{AuditLog, Durability, Entry, Options, Rotation, SessionMembers};
use mcpgw_agent::json::Limits;
use mcpgw_agent::mcp::{Decoded, Direction, Message, decode};
use mcpgw_agent::policy::{Context, Evaluation, Mode, Principal, Transport};
use mcpgw_agent::session::Standing;
use mcpgw_agent::verdict::{Verdict, decide};

/// A call as programming assistants make them, of 363 bytes.
const CALL: &str = r#"{"jsonrpc":"2.0","id":4711,"method":"tools/call","params":{"name":"edit_file","arguments":{"path":"/home/user/project/src/main.rs","edits":[{"oldText":"    let config = Config::load(&path)?;","newText":"    let config = Config::load(&path).context(\"cannot load the configuration\")?;"}],"dryRun":false},"_meta":{"progressToken":"edit-4711","requestedBy":"assistant"}}}"#;

/// One way to drive the log.
struct Arm {
    name: &'static str,
    durability: Durability,
    threads: usize,
    /// Records a second of all threads together; as many as there can be where there is none.
    rate: Option<u32>,
}

const ARMS: [Arm; 6] = [
    Arm { name: "written, 1 thread", durability: Durability::Written, threads: 1, rate: None },
    Arm { name: "written, 2 threads", durability: Durability::Written, threads: 2, rate: None },
    Arm { name: "written, 100,000/s", durability: Durability::Written, threads: 2, rate: Some(100_000) },
    Arm { name: "written, 5,000/s", durability: Durability::Written, threads: 1, rate: Some(5000) },
    Arm { name: "synced, 64 wait", durability: Durability::Synced, threads: 64, rate: None },
    Arm { name: "synced, 100/s", durability: Durability::Synced, threads: 1, rate: Some(100) },
];

/// Runs every arm for `seconds` in a directory of its own below `dir`, with files of `bytes`.
pub(crate) fn run(dir: &Path, seconds: u64, bytes: u64) -> Result<()> {
    println!(
        "{:20} {:>10} {:>8} {:>8} {:>8} {:>8} {:>9} {:>6} {:>6} {:>6}",
        "", "records/s", "MB/s", "p50 µs", "p99 µs", "p99.9 µs", "most µs", "turns", "zst", "fails"
    );
    for (number, arm) in ARMS.iter().enumerate() {
        let place = dir.join(number.to_string());
        std::fs::create_dir(&place).with_context(|| place.display().to_string())?;
        println!("{:20} {}", arm.name, measure(arm, &place, Duration::from_secs(seconds), bytes)?);
        std::fs::remove_dir_all(&place)?;
    }
    Ok(())
}

fn measure(arm: &Arm, place: &Path, time: Duration, bytes: u64) -> Result<String> {
    let path = place.join("audit.jsonl");
    let rotation = Rotation { bytes, ..Rotation::default() };
    let options = Options { durability: arm.durability, rotation, ..Options::at(&path) };
    let log = AuditLog::open(&options)?;
    let (over, failed, written) = (AtomicBool::new(false), AtomicBool::new(false), AtomicU64::new(0));
    let began = Instant::now();
    let mut took = thread::scope(|scope| {
        let drive = || {
            let took = drive(&log, arm, &over);
            failed.fetch_or(took.is_err(), Ordering::Relaxed);
            written.fetch_add(took.as_ref().map_or(0, |took| took.len() as u64), Ordering::Relaxed);
            took.unwrap_or_default()
        };
        let threads: Vec<_> = (0..arm.threads).map(|_| scope.spawn(drive)).collect();
        thread::sleep(time);
        over.store(true, Ordering::Relaxed);
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect::<Vec<u32>>()
    });
    let elapsed = began.elapsed().as_secs_f64();
    if failed.into_inner() || took.is_empty() {
        bail!("{}: a record could not be written", arm.name);
    }
    took.sort_unstable();
    let micros = |parts: usize| {
        let at = (took.len() - 1) * parts / 1000;
        f64::from(took.get(at).copied().unwrap_or_default()) / 1000.0
    };
    let (kept, rate) = (log.kept(), written.into_inner() as f64 / elapsed);
    let record = sample(&log)?;
    Ok(format!(
        "{rate:10.0} {:8.1} {:8.1} {:8.1} {:8.1} {:9.1} {:6} {:6} {:6}",
        rate * record / 1e6,
        micros(500),
        micros(990),
        micros(999),
        micros(1000),
        kept.rotations,
        kept.compressed,
        kept.rotation_failures + kept.compression_failures,
    ))
}

/// Nanoseconds from a decision to the permit, of each record until it is `over`.
fn drive(log: &AuditLog, arm: &Arm, over: &AtomicBool) -> Result<Vec<u32>> {
    let (message, verdict, session) = (message()?, verdict(), session());
    let standing = Standing::default();
    let entry = entry(&message, &verdict, &session, &standing);
    let beat = arm.rate.map(|rate| Duration::from_secs(u64::try_from(arm.threads).unwrap_or(1)) / rate);
    let mut next = Instant::now();
    let mut took = Vec::with_capacity(1 << 20);
    while !over.load(Ordering::Relaxed) {
        if let Some(beat) = beat {
            next += beat;
            // What comes too late comes at once: the rate holds over the whole run.
            let left = next.saturating_duration_since(Instant::now());
            if left > Duration::from_micros(100) {
                thread::sleep(left);
            }
            while Instant::now() < next {
                std::hint::spin_loop();
            }
        }
        let began = Instant::now();
        let _permit = log.record(&entry, message.bytes().clone())?.wait()?.context("the verdict forwards")?;
        took.push(u32::try_from(began.elapsed().as_nanos()).unwrap_or(u32::MAX));
    }
    Ok(took)
}

/// Bytes of a record, on average over the live file.
fn sample(log: &AuditLog) -> Result<f64> {
    let text = std::fs::read(log.path())?;
    let lines = text.iter().filter(|byte| **byte == b'\n').count().max(1);
    Ok(text.len() as f64 / lines as f64)
}

pub(crate) fn message() -> Result<Message> {
    match decode(Bytes::from_static(CALL.as_bytes()), &Limits::default()) {
        Ok(Decoded::One(message)) => Ok(message),
        Ok(Decoded::Batch(_)) | Err(_) => bail!("the call is no message"),
    }
}

pub(crate) fn verdict() -> Verdict {
    decide(Evaluation::passing("allow-edits".into(), Mode::Enforce))
}

pub(crate) fn session() -> SessionMembers {
    let context = Context {
        server: "filesystem".into(),
        upstream: None,
        tapped: None,
        transport: Transport::Stdio,
        principal: Principal { subject: Some("user".into()), roles: Vec::new(), ..Principal::default() },
        client: Some("/usr/bin/assistant".into()),
    };
    SessionMembers::of("019aa1b2-c3d4-7e5f-8a9b-000000000001", &context)
}

pub(crate) fn entry<'a>(
    message: &'a Message,
    verdict: &'a Verdict,
    session: &'a SessionMembers,
    standing: &'a Standing,
) -> Entry<'a> {
    Entry {
        decision: "019aa1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b",
        session,
        direction: Direction::ToServer,
        message: Some(message),
        size_bytes: message.bytes().len(),
        standing,
        verdict,
        held: None,
        mode: Mode::Enforce,
        policy_generation: 1,
        policy_hash: "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b",
        latency_us: 42,
        answered_us: None,
        effects: None,
    }
}
