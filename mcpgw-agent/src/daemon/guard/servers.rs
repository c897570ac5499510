//! Servers that run: the main loop looks at each, and does about it what is decided.

mod turned;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::super::effects::Following;
use super::Warden;
use super::act::About;
use super::fronts::{Front, Raised, Want};
use super::hold::Hold;
use crate::admin::guard::{GuardStatus, TurnedView};
use crate::admin::metrics::Outcome;
use crate::guard::{Action, Because, Decision, Evidence, Facts, Guard, Mode, Program, Subject, level};
use crate::inventory::{Inventory, ProcessKey, ServerState, Suspect};
use crate::kernel::{Kernel, Turned};
use crate::proc::boot_now;
use turned::TurnedServer;
pub(in crate::daemon) use turned::local_addresses;

/// After which what was refused for being too much is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// The loop's part of the guard.
#[derive(Debug)]
pub(crate) struct Servers {
    warden: Warden,
    hold: Hold,
    fronts: mpsc::Sender<Want>,
    /// What was done about a server: not twice.
    done: HashMap<u64, Done>,
    turned: HashMap<u64, TurnedServer>,
    net_ns: u32,
    client_files: Arc<AtomicUsize>,
}

#[derive(Debug, PartialEq)]
struct Done {
    action: Action,
    because: String,
    is_real: bool,
    again: Option<Instant>,
}

impl Servers {
    /// Steered servers get a gateway over `fronts`.
    pub(crate) fn new(
        warden: Warden,
        hold: Hold,
        fronts: mpsc::Sender<Want>,
        client_files: Arc<AtomicUsize>,
    ) -> Self {
        let net_ns = turned::own_net_ns();
        Self { warden, hold, fronts, done: HashMap::new(), turned: HashMap::new(), net_ns, client_files }
    }

    /// The guard itself.
    pub(crate) fn warden(&self) -> &Warden {
        &self.warden
    }

    /// A process has begun to run another program.
    pub(crate) fn started(&self, process: ProcessKey) {
        self.hold.look(process);
    }

    /// The guard as the status shows it.
    pub(crate) fn status(&self) -> GuardStatus {
        let turned = self.turned.values().map(TurnedServer::view).collect::<Vec<TurnedView>>();
        GuardStatus {
            turned,
            client_files: self.client_files.load(Ordering::Relaxed),
            ..self.warden.status()
        }
    }

    /// The program of the server of this id, ended ones included.
    pub(crate) fn program(inventory: &Inventory, id: &str) -> Option<Program> {
        let found = inventory.suspect_of(id)?;
        Program::of(&subject(&found, &found.argv.join(" ")))
    }

    /// Looks at every server. What those do before which a gateway is put is told where `following` can.
    pub(in crate::daemon) fn look(
        &mut self,
        inventory: &Inventory,
        kernel: Option<&mut Kernel>,
        following: &mut Following,
    ) {
        self.warden.expire(Timestamp::now());
        let guard = self.warden.guard();
        if guard.in_force() == Mode::Off && self.done.is_empty() && self.turned.is_empty() {
            return;
        }
        let mut kernel = kernel;
        let suspects = if guard.in_force() == Mode::Off { Vec::new() } else { inventory.suspects() };
        let running: std::collections::HashSet<u64> = suspects.iter().map(|suspect| suspect.seq).collect();
        self.done.retain(|seq, _| running.contains(seq));
        let gone: Vec<u64> = self.turned.keys().filter(|seq| !running.contains(seq)).copied().collect();
        for seq in gone {
            self.let_be(seq, kernel.as_deref_mut());
        }
        for suspect in &suspects {
            self.judge(&guard, suspect, kernel.as_deref_mut(), following);
        }
        if let Some(kernel) = kernel {
            self.count(kernel);
        }
    }

    fn judge(
        &mut self,
        guard: &Guard,
        suspect: &Suspect,
        kernel: Option<&mut Kernel>,
        following: &mut Following,
    ) {
        let command = suspect.argv.join(" ");
        let subject = subject(suspect, &command);
        // Behind the gateway we put there it is gated by us, and must stay so.
        let is_ours = self.turned.contains_key(&suspect.seq);
        let is_gated = matches!(suspect.state, ServerState::Proxied | ServerState::Allowed) && !is_ours;
        let listens = !suspect.listeners.is_empty();
        let Some(decision) = guard.on_server(&subject, is_gated, listens, Timestamp::now()) else {
            self.done.remove(&suspect.seq);
            self.let_be(suspect.seq, kernel);
            return;
        };
        let now = Done {
            action: decision.action,
            because: format!("{:?}", decision.because),
            is_real: decision.is_real,
            again: None,
        };
        if let Some(done) = self.done.get(&suspect.seq)
            && (done.action, &done.because, done.is_real) == (now.action, &now.because, now.is_real)
            && done.again.is_none_or(|again| again > Instant::now())
        {
            return;
        }
        let outcome = self.act(&decision, suspect, &subject, kernel, following);
        let again = (outcome == Outcome::Limited).then(|| Instant::now() + AGAIN);
        self.done.insert(suspect.seq, Done { again, ..now });
    }

    fn act(
        &mut self,
        decision: &Decision<'_>,
        suspect: &Suspect,
        subject: &Subject<'_>,
        kernel: Option<&mut Kernel>,
        following: &mut Following,
    ) -> Outcome {
        let program = Program::of(subject).map(|program| program.id());
        let endpoint = suspect.listeners.first().map(|listener| listener.addr.to_string());
        let about = About {
            pid: suspect.process.pid,
            uid: suspect.uid,
            exe: &suspect.exe,
            argv: &suspect.argv,
            program: program.as_deref(),
            server: Some(&suspect.id),
            endpoint: endpoint.as_deref(),
            ..About::default()
        };
        if !matches!(decision.action, Action::Deny | Action::Steer) {
            self.let_be(suspect.seq, kernel);
            if decision.action == Action::Kill {
                return self.warden.kill(suspect.process, decision, &about);
            }
            self.warden.tell(decision, Outcome::Done, &about, None);
            return Outcome::Done;
        }
        if !decision.is_real {
            self.warden.tell(decision, Outcome::Would, &about, None);
            return Outcome::Would;
        }
        let outcome = match (kernel, decision.action) {
            (None, _) => Err("there are no kernel probes".to_owned()),
            (Some(kernel), _) if !kernel.can_turn() => {
                Err("this kernel does not let connections be denied; `doctor` says why".to_owned())
            }
            (Some(kernel), Action::Deny) => self.deny(suspect, decision, kernel),
            (Some(kernel), _) => self.steer(suspect, decision, kernel, following),
        };
        let (outcome, why) = match outcome {
            Ok(()) => (Outcome::Done, None),
            Err(why) => (Outcome::Failed, Some(why)),
        };
        self.warden.tell(decision, outcome, &about, why.as_deref());
        outcome
    }

    fn deny(
        &mut self,
        suspect: &Suspect,
        decision: &Decision<'_>,
        kernel: &mut Kernel,
    ) -> Result<(), String> {
        let mut server = TurnedServer::new(suspect, decision, self.net_ns);
        let turned = server.turn(kernel, |_| Some(Turned::Deny));
        self.turned.insert(suspect.seq, server);
        turned
    }

    /// The gateway comes first; connections are steered when it listens.
    fn steer(
        &mut self,
        suspect: &Suspect,
        decision: &Decision<'_>,
        kernel: &mut Kernel,
        following: &mut Following,
    ) -> Result<(), String> {
        if suspect.listeners.iter().any(|listener| listener.net_ns != self.net_ns && listener.net_ns != 0) {
            return Err("it listens in another network namespace, where no gateway of ours can".to_owned());
        }
        let front = Front::before(suspect).ok_or("it is not known where it listens")?;
        let server = suspect.uid.map(|uid| (suspect.process, uid));
        let followed = server.and_then(|server| following.stand_before(kernel, server, boot_now()));
        let front = front.followed_by(followed);
        self.fronts
            .try_send(Want::Raise(front))
            .map_err(|_busy| "too many gateways are on their way".to_owned())?;
        self.turned.insert(suspect.seq, TurnedServer::new(suspect, decision, self.net_ns));
        Ok(())
    }

    /// A gateway listens, or cannot.
    pub(crate) fn raised(&mut self, raised: &Raised, kernel: Option<&mut Kernel>) {
        let (Some(server), Some(kernel)) = (self.turned.get_mut(&raised.seq), kernel) else {
            // It is over already.
            self.fronts.try_send(Want::Lower(raised.seq)).ok();
            return;
        };
        let turned = match &raised.outcome {
            Ok(ports) => server.turn(kernel, |ip| ports.of(ip).map(Turned::Steer)),
            Err(why) => Err(why.clone()),
        };
        if let Err(why) = turned {
            tracing::error!(why, server = server.id(), "connections are not steered");
            self.warden.counts().act(Action::Steer, Outcome::Failed, 1);
        }
    }

    /// Lets connections to a server be.
    fn let_be(&mut self, seq: u64, kernel: Option<&mut Kernel>) {
        let Some(server) = self.turned.remove(&seq) else { return };
        if let Some(kernel) = kernel {
            server.let_be(kernel);
        }
        if server.action() == Action::Steer && self.fronts.try_send(Want::Lower(seq)).is_err() {
            tracing::warn!("a gateway stays although nobody is steered to it");
        }
    }

    /// Counts and records connections that were denied or steered since the last time.
    fn count(&mut self, kernel: &Kernel) {
        for server in self.turned.values_mut() {
            let Some((count, pid)) = server.fresh(kernel) else { continue };
            let exe = crate::proc::exe_of(pid).unwrap_or_default();
            let about = About {
                pid,
                exe: &exe,
                server: Some(server.id()),
                endpoint: Some(server.endpoint()),
                count,
                ..About::default()
            };
            let because = server.because();
            self.warden.told(server.action(), Some(because), Outcome::Done, &about, None);
        }
    }
}

/// What a server is to the rules.
fn subject<'a>(suspect: &'a Suspect, command: &'a str) -> Subject<'a> {
    let evidence = if suspect.confirmed {
        Evidence::Confirmed
    } else if suspect.speaks {
        Evidence::Wire
    } else if suspect.is_named {
        Evidence::Command
    } else {
        Evidence::Shape
    };
    let reaches_out =
        |listener: &crate::inventory::Listener| !listener.addr.ip().to_canonical().is_loopback();
    let facts = Facts {
        exe: &suspect.exe,
        argv: &suspect.argv,
        uid: suspect.uid,
        is_exposed: suspect.listeners.iter().any(reaches_out),
    };
    Subject {
        exe: Some(suspect.exe.as_str()).filter(|exe| !exe.is_empty()),
        sha256: suspect.sha256.as_deref(),
        argv: &suspect.argv,
        command: Some(command).filter(|command| !command.is_empty()),
        user: suspect.user.as_deref(),
        uid: suspect.uid,
        container: suspect.container.as_deref(),
        unit: suspect.unit.as_deref(),
        cgroup: suspect.cgroup.as_deref(),
        clients: &suspect.clients,
        evidence,
        risk: Some(level(&facts)),
    }
}

/// Why, in a value of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Reason {
    Rule(String),
    Order(String),
}

impl Reason {
    fn of(because: Because<'_>) -> Self {
        match because {
            Because::Rule(name) => Self::Rule(name.to_owned()),
            Because::Order(id) => Self::Order(id.to_owned()),
        }
    }

    fn lend(&self) -> Because<'_> {
        match self {
            Self::Rule(name) => Because::Rule(name),
            Self::Order(id) => Because::Order(id),
        }
    }
}
