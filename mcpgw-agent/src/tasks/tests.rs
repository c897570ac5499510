use std::io;

use tokio::sync::oneshot;

use super::*;

const LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn tasks_that_listen_end_in_time() {
    let tasks = Tasks::new();
    for _ in 0..10 {
        let token = tasks.token().clone();
        tasks.spawn("listener", async move { token.cancelled().await });
    }
    assert_eq!(tasks.shutdown(LONG).await, Report::default());
    assert!(tasks.running.lock().is_empty());
}

#[tokio::test]
async fn tasks_that_do_not_are_aborted_and_named() {
    let tasks = Tasks::new();
    let (guard, dropped) = oneshot::channel::<()>();
    tasks.spawn("deaf", async move {
        let _guard = guard;
        std::future::pending::<()>().await;
    });
    tasks.spawn("quick", async {});
    let report = tasks.shutdown(Duration::from_millis(20)).await;
    assert_eq!(report.aborted, ["deaf"]);
    assert!(dropped.await.is_err(), "what the task held is dropped");
}

#[tokio::test]
async fn ended_tasks_are_forgotten() {
    let tasks = Tasks::new();
    let (send, receive) = oneshot::channel();
    tasks.spawn("short", async move { send.send(()).unwrap() });
    receive.await.unwrap();
    while !tasks.running.lock().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(tasks.shutdown(LONG).await, Report::default());
}

#[tokio::test]
async fn the_first_supervised_task_to_end_is_told() {
    let tasks = Tasks::new();
    let token = tasks.token().clone();
    tasks.supervise("good", async move {
        token.cancelled().await;
        Ok::<(), io::Error>(())
    });
    tasks.supervise("bad", async { Err(io::Error::other("the ring is gone")) });
    let ended = tasks.ended().await;
    assert_eq!(ended.name, "bad");
    assert_eq!(ended.source.as_ref().unwrap().to_string(), "the ring is gone");
    tasks.supervise("later", async { Ok::<(), io::Error>(()) });
    assert_eq!(tasks.shutdown(LONG).await, Report::default());
    assert_eq!(tasks.ended().await.name, "bad", "the cause stays the cause");
}

#[tokio::test]
async fn ending_well_but_early_is_told_too() {
    let tasks = Tasks::new();
    tasks.supervise("short", async { Ok::<(), io::Error>(()) });
    let ended = tasks.ended().await;
    assert_eq!(ended.to_string(), "`short` ended early");
    assert!(ended.source.is_none());
}

#[tokio::test]
async fn an_error_while_stopping_is_not_an_early_end() {
    let tasks = Tasks::new();
    let token = tasks.token().clone();
    tasks.supervise("sulky", async move {
        token.cancelled().await;
        Err(io::Error::other("no"))
    });
    assert_eq!(tasks.shutdown(LONG).await, Report::default());
    assert!(tasks.ended.borrow().is_none());
}
