//! Processes from fork to exit, and probes from load to drop.

use std::collections::BTreeSet;
use std::time::Instant;

use mcpgw_agent::inventory::HostEvent;
use mcpgw_agent::kernel::{HookState, Kernel, KernelOptions, OptionsError};

use crate::hooks::is_known_to_work;
use crate::support::{Host, PATIENCE, Python, load, load_all, load_with, turn, without_effects};

#[tokio::test]
async fn forks_and_exits_are_of_processes_not_threads() {
    let Some(mut host) = load().await else { return };
    let mut driver = Python::start(
        "
def child(code):
    pid = os.fork()
    if pid == 0:
        threading.Thread(target=lambda: None).start()
        os._exit(code)
    return pid
hear()
threads = [threading.Thread(target=time.sleep, args=(0,)) for _ in range(8)]
for thread in threads: thread.start()
pids = [child(code) for code in (0, 3, 255)]
killed = os.fork()
if killed == 0: signal.pause()
os.kill(killed, signal.SIGKILL)
for pid in pids + [killed]: os.waitpid(pid, 0)
for thread in threads: thread.join()
say(*pids, killed)
hear()
os._exit(7)
",
    );
    driver.tell("go");
    let children = driver.numbers();
    driver.tell("end");
    let pid = driver.pid();
    let status = host.until("the end", |seen| seen.exit_of(pid)).await;
    assert_eq!(status, 7 << 8);
    driver.end();
    host.marker().await;
    let forked: Vec<u64> = host
        .seen
        .host
        .iter()
        .filter_map(|event| match event {
            HostEvent::Fork { parent, child, .. } if parent.pid == pid => Some(u64::from(child.pid)),
            _ => None,
        })
        .collect();
    assert_eq!(forked, children, "one record a process, none a thread");
    for (child, expected) in children.iter().zip([0, 3 << 8, 255 << 8, 9]) {
        let exits: Vec<u32> = exits(&host, *child);
        assert_eq!(exits, [expected], "{child}");
    }
    assert_eq!(exits(&host, u64::from(pid)), [7 << 8]);
}

fn exits(host: &Host, pid: u64) -> Vec<u32> {
    let of = |event: &HostEvent| match event {
        HostEvent::Exit { process, status, .. } if u64::from(process.pid) == pid => Some(*status),
        _ => None,
    };
    host.seen.host.iter().filter_map(of).collect()
}

#[tokio::test]
async fn a_process_whose_leader_went_first_ends_with_its_last_thread() {
    let Some(mut host) = load().await else { return };
    // Thread two outlives the leader; `exit` (60) ends only the calling thread.
    let driver = Python::start(
        "
import ctypes
libc = ctypes.CDLL(None)
def last():
    leader = '/proc/self/task/%d/stat' % os.getpid()
    while open(leader).read().rsplit(') ')[1][0] != 'Z': pass
    os._exit(5)
threading.Thread(target=last).start()
libc.syscall(60, 0)
",
    );
    let pid = driver.pid();
    assert_eq!(host.until("the end", |seen| seen.exit_of(pid)).await, 5 << 8);
    driver.end();
    host.marker().await;
    assert_eq!(exits(&host, u64::from(pid)).len(), 1);
}

#[tokio::test]
async fn two_loads_do_not_disturb_each_other() {
    let Some(mut first) = load().await else { return };
    let loaded = Kernel::load(&without_effects());
    let mut second = loaded.kernel.unwrap();
    let mut readers = second.take_readers().unwrap();
    assert!(second.take_readers().is_none());
    first.marker().await;
    let mut events = Vec::new();
    readers.lifecycle.next(&mut events).await.unwrap();
    assert!(!events.is_empty());
    second.attach_tap().unwrap();
    first.kernel.attach_tap().unwrap();
    drop(readers);
    drop(second);
    first.marker().await;
    assert!(first.kernel.tap_attached());
}

#[tokio::test]
async fn nothing_is_left_in_the_kernel() {
    let Some(mut host) = load_all().await else { return };
    host.kernel.attach_tap().unwrap();
    assert!(host.kernel.tap_attached());
    let ours = own_programs();
    assert!(ours.len() >= 7, "{ours:?}");
    assert!(loaded_programs().is_superset(&ours));
    for info in
        aya::programs::loaded_programs().filter_map(Result::ok).filter(|info| ours.contains(&info.id()))
    {
        let name = info.name_as_str().unwrap_or_default().to_owned();
        println!("{name}: {:?} instructions verified", info.verified_instruction_count());
    }
    drop(host);
    let _turn = turn().await;
    // The kernel frees programs after a grace period of its own.
    let deadline = Instant::now() + PATIENCE;
    while !loaded_programs().is_disjoint(&ours) {
        assert!(Instant::now() < deadline, "still loaded: {:?}", loaded_programs().intersection(&ours));
        tokio::task::yield_now().await;
    }
    assert_eq!(own_programs(), BTreeSet::new());
}

/// Ids of the programs this process holds.
fn own_programs() -> BTreeSet<u32> {
    let mut ids = BTreeSet::new();
    for entry in std::fs::read_dir("/proc/self/fdinfo").unwrap() {
        let Ok(info) = std::fs::read_to_string(entry.unwrap().path()) else { continue };
        let id = info.lines().find_map(|line| line.strip_prefix("prog_id:"));
        ids.extend(id.map(|id| id.trim().parse::<u32>().unwrap()));
    }
    ids
}

fn loaded_programs() -> BTreeSet<u32> {
    aya::programs::loaded_programs().filter_map(Result::ok).map(|info| info.id()).collect()
}

/// Where nobody asks for them, the hooks of the guard and of servers that run are left out.
fn is_asked_for(name: &str) -> bool {
    name.starts_with("guard-") || ["file-rules", "exec-rules", "socket-rules"].contains(&name)
}

#[tokio::test]
async fn a_hook_left_out_says_so_and_the_rest_works() {
    let mut options = without_effects();
    options.disabled.extend(["fork", "stdio-tap", "http-out"].map(str::to_owned));
    let Some(mut host) = load_with(&options).await else { return };
    for hook in host.kernel.hooks() {
        let left_out = is_asked_for(hook.name) || options.disabled.iter().any(|name| name == hook.name);
        match &hook.state {
            HookState::Skipped { why } => assert!(left_out && why.contains("configuration"), "{hook:?}"),
            state => {
                assert!(!left_out && state.is_attached() == is_known_to_work(hook.name), "{hook:?}");
            }
        }
    }
    assert!(host.kernel.attach_tap().unwrap_err().to_string().contains("stdio-tap"));
    host.marker().await;
    let disabled = host.kernel.hooks().iter().map(|hook| hook.name.to_owned()).collect();
    let all = KernelOptions { disabled, ..Default::default() };
    let loaded = Kernel::load(&all);
    assert!(loaded.kernel.is_none());
    assert_eq!(loaded.hooks.len(), host.kernel.hooks().len());
}

#[tokio::test]
async fn without_type_information_only_what_needs_none_works() {
    let options = KernelOptions { btf: "/nonexistent/btf".into(), ..Default::default() };
    let Some(host) = load_with(&options).await else { return };
    let needs_none = |name: &str| name.starts_with("http") || name == "connect-rules";
    for hook in host.kernel.hooks().iter().filter(|hook| !is_asked_for(hook.name)) {
        match &hook.state {
            HookState::Skipped { why } => {
                assert!(!needs_none(hook.name) && why.contains("/nonexistent/btf"), "{hook:?}");
                assert!(hook.remedy.contains("CONFIG_DEBUG_INFO_BTF"));
            }
            state => assert!(needs_none(hook.name) && state.is_attached(), "{hook:?}"),
        }
    }
}

#[tokio::test]
async fn options_are_checked() {
    let _turn = turn().await;
    for bytes in [0, 1, 4095, 6000, 12_288] {
        let options = KernelOptions { streams_bytes: bytes, ..Default::default() };
        assert!(matches!(options.validate(), Err(OptionsError::RingSize { .. })), "{bytes}");
        let loaded = Kernel::load(&options);
        assert!(loaded.kernel.is_none());
        assert!(loaded.hooks.iter().all(|hook| hook.state.reason().contains("ring size")));
    }
    let options = KernelOptions { disabled: vec!["exce".into()], ..Default::default() };
    assert!(options.validate().unwrap_err().to_string().contains("exec, fork"));
    assert_eq!(KernelOptions::default().validate(), Ok(()));
}

#[tokio::test]
async fn the_probes_log_only_when_asked() {
    let options = KernelOptions { probe_log: true, ..without_effects() };
    let Some(mut host) = load_with(&options).await else { return };
    let log = host.kernel.take_probe_log().unwrap();
    let lines = std::sync::Arc::new(std::sync::Mutex::new(Vec::<u8>::new()));
    let sink = std::sync::Arc::clone(&lines);
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .with_writer(move || Sink(std::sync::Arc::clone(&sink)))
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let text = || String::from_utf8(lines.lock().unwrap().clone()).unwrap();
    let wait = async {
        while !text().contains("exec ") {
            tokio::task::yield_now().await;
        }
    };
    host.marker().await;
    tokio::select! {
        result = log.run() => panic!("{result:?}"),
        result = tokio::time::timeout(PATIENCE, wait) => result.unwrap(),
    }
    drop(guard);
    assert!(text().contains("mcpgw_ebpf"), "{}", text());
    let mut silent = Kernel::load(&without_effects()).kernel.unwrap();
    assert!(silent.take_probe_log().is_none());
}

struct Sink(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
