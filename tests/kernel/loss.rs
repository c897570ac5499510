//! Losses are counted exactly.

use std::process::Command;

use mcpgw_agent::kernel::{KernelOptions, RingGaps};

use crate::support::{Host, load_with, reap, without_effects};

#[tokio::test]
async fn received_and_lost_make_all_that_was_tried() {
    let options = KernelOptions { lifecycle_bytes: 4096, ..without_effects() };
    let Some(mut host) = load_with(&options).await else { return };
    // A page holds less than eight of them, and nobody reads.
    let execs = 300;
    for _ in 0..execs {
        reap(Command::new("/bin/true").spawn().unwrap());
    }
    let gaps = lifecycle(&host);
    assert!(gaps.records >= execs * 2, "{gaps:?}");
    assert!(gaps.lost > execs && gaps.lost_bytes > gaps.lost * 64, "{gaps:?}");
    // Others on this machine live on: look until a moment is caught in which nothing is on its way.
    for round in 0.. {
        host.drain().await;
        let gaps = lifecycle(&host);
        if host.seen.received + gaps.lost == gaps.records {
            break;
        }
        assert!(round < 1000, "{} received, {gaps:?}", host.seen.received);
    }
    assert_eq!(lifecycle(&host).undecodable, 0);
    // What the reader noticed by itself is the same number once a record has come after the last loss on each CPU.
    let jumps = host.seen.lost;
    assert!(jumps <= lifecycle(&host).lost, "{jumps}");
    host.until("the losses, seen from the reader", |seen| {
        reap(Command::new("/bin/true").spawn().unwrap());
        (seen.lost > execs).then_some(())
    })
    .await;
}

#[tokio::test]
async fn nothing_is_lost_with_rings_of_the_usual_size() {
    let mut usual = KernelOptions::default();
    usual.leave_out_effects();
    let Some(mut host) = load_with(&usual).await else { return };
    let mut pids = Vec::new();
    for _ in 0..10 {
        for _ in 0..50 {
            let child = Command::new("/bin/true").spawn().unwrap();
            pids.push(child.id());
            reap(child);
        }
        // As the agent reads: the rings hold what others on this machine do as well, however long it takes to start so many.
        host.drain().await;
    }
    let last = *pids.last().unwrap();
    host.until("the last exit", |seen| seen.exit_of(last)).await;
    host.drain().await;
    assert_eq!(host.seen.lost, 0);
    assert!(host.kernel.gaps().iter().all(|gaps| gaps.lost == 0), "{:?}", host.kernel.gaps());
    for pid in pids {
        assert!(host.seen.exec_of(pid).is_some() && host.seen.exit_of(pid) == Some(0), "{pid}");
    }
}

#[tokio::test]
async fn what_is_not_told_is_counted() {
    let options = KernelOptions { lifecycle_bytes: 8 << 20, ..without_effects() };
    let Some(mut host) = load_with(&options).await else { return };
    // At the same time, so that probes are preempted by one another where they can be.
    let run = || (0..150).map(|_| Command::new("/bin/true").spawn().unwrap());
    let run = move || run().map(|child| (child.id(), reap(child)).0).collect::<Vec<u32>>();
    let threads: Vec<_> = (0..8).map(|_| std::thread::spawn(run)).collect();
    let pids: Vec<u32> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    host.drain().await;
    let untold = |told: &dyn Fn(u32) -> bool| pids.iter().filter(|pid| !told(**pid)).count();
    let execs = untold(&|pid| host.seen.exec_of(pid).is_some());
    let exits = untold(&|pid| host.seen.exit_of(pid).is_some());
    let gaps = lifecycle(&host);
    println!("{execs} starts and {exits} ends of {} not told: {gaps:?}", pids.len());
    assert!((execs + exits) as u64 <= gaps.lost + gaps.missed, "{execs} {exits} {gaps:?}");
}

fn lifecycle(host: &Host) -> RingGaps {
    host.kernel.gaps().into_iter().find(|gaps| gaps.ring == "lifecycle").unwrap()
}
