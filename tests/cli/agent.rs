//! An agent as far as the command line can tell.

use std::path::PathBuf;

use mcpgw_agent::admin::socket::Limits;
use mcpgw_agent::admin::{
    AgentStatus, Command, ControlSocket, HookState, HookStatus, Mode, RuntimeDir, Status,
};
use mcpgw_agent::inventory::{
    EvidenceView, MessageCounts, ObserveMode, ServerInfo, ServerState, ServerView, Transport,
};
use mcpgw_agent::tasks::Tasks;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

/// Answers on the control socket until dropped.
pub(crate) struct Agent {
    runtime: Runtime,
    tasks: Tasks,
    _dir: RuntimeDir,
}

impl Agent {
    pub(crate) fn start(path: PathBuf, status: Status) -> Self {
        let mut dir = RuntimeDir::lock(&path).unwrap();
        let listener = dir.bind("no-such-group-here").unwrap();
        let (runtime, tasks) = (Runtime::new().unwrap(), Tasks::new());
        let (sender, mut commands) = mpsc::channel(8);
        let context = runtime.enter();
        tasks.spawn("loop", async move {
            while let Some(command) = commands.recv().await {
                if let Command::Status { reply, .. } = command {
                    drop(reply.send(status.clone()));
                }
            }
        });
        let socket = ControlSocket::new(listener, sender, Limits::default()).unwrap();
        tasks.spawn("control socket", socket.run(tasks.clone()));
        drop(context);
        Self { runtime, tasks, _dir: dir }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let report = self.runtime.block_on(self.tasks.shutdown(std::time::Duration::from_secs(30)));
        assert!(report.aborted.is_empty(), "{report:?}");
    }
}

/// A status with these servers.
pub(crate) fn status(servers: Vec<ServerView>) -> Status {
    let hook = HookStatus { name: "exec".to_owned(), state: HookState::Attached, reason: String::new() };
    let agent = AgentStatus {
        version: "0.1.0".to_owned(),
        pid: 77,
        started_at: "2026-11-20T09:00:00Z".parse().unwrap(),
        mode: Mode::Ebpf,
        boot_id: None,
        hooks: vec![hook],
        gaps: [("lifecycle".to_owned(), Default::default())].into(),
        dropped: Default::default(),
        metrics_address: None,
        keep_ended_seconds: 10,
        degraded: vec![],
    };
    Status::new(agent, servers)
}

/// A confirmed server that calls itself `name`.
pub(crate) fn server(name: &str, state: ServerState) -> ServerView {
    ServerView {
        id: "s1".to_owned(),
        pid: 4242,
        start_time: "2020-01-01T00:00:00Z".parse().unwrap(),
        user: "lucy".to_owned(),
        uid: 0,
        exe: "/usr/bin/node".to_owned(),
        command: vec!["node".to_owned(), format!("/opt/{name}.js")],
        cwd: None,
        container: None,
        unit: None,
        transport: Transport::Stdio,
        endpoint: None,
        state,
        reason: String::new(),
        gateway: None,
        confirmed: true,
        evidence: vec![EvidenceView {
            kind: "request".to_owned(),
            detail: "initialize".to_owned(),
            at: "2020-01-01T00:00:01Z".parse().unwrap(),
        }],
        server_info: Some(ServerInfo { name: name.to_owned(), version: "1.0".to_owned() }),
        protocol_version: None,
        tools: None,
        client: None,
        ancestors: vec![],
        first_seen: "2020-01-01T00:00:00Z".parse().unwrap(),
        last_seen: "2020-01-01T00:00:02Z".parse().unwrap(),
        ended_at: None,
        observe: ObserveMode::Inventory,
        messages: MessageCounts::default(),
    }
}
