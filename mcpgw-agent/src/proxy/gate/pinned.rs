//! A session's listings, held against what was approved of its server.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::audit::{AuditLog, Event};
use crate::detect::{DefinitionKind, Detector, Finding, LISTS, Severity};
use crate::json::Value;
use crate::mcp::{Direction, Role};
use crate::pins::{Decision, Pass, Pins, ServerId, ServerPins, Standing, Waits};
use crate::policy::{Request, ServerStatus};
use crate::risk::{Assessment, Behaviour, Known};

/// The pins of a session's server, and how far each of its listings has come.
#[derive(Debug)]
pub struct Pinned {
    /// Nothing where they cannot be used: then nothing is known to be approved.
    store: Option<(Arc<Pins>, Arc<ServerPins>)>,
    passes: Mutex<Vec<Pass>>,
    /// A listing was looked at since the last [`keep`](Self::keep).
    looked: AtomicBool,
    /// A tool was called.
    called: AtomicBool,
    server: ServerId,
}

impl Pinned {
    /// The pins of `server` in `pins`, which may be missing because they could not be opened.
    pub(super) fn new(pins: Option<&Arc<Pins>>, server: &ServerId) -> Self {
        let store = pins.and_then(|pins| match pins.server(server) {
            Ok(of_server) => Some((Arc::clone(pins), of_server)),
            Err(error) => {
                tracing::warn!(%error, server = server.label(), "nothing the server says of itself counts as approved");
                None
            }
        });
        let kinds = LISTS.iter().map(|(_, kind)| *kind).chain([DefinitionKind::Server]);
        Self {
            store,
            passes: Mutex::new(kinds.map(Pass::new).collect()),
            looked: AtomicBool::new(false),
            called: AtomicBool::new(false),
            server: server.clone(),
        }
    }

    /// What of the definitions in `request` is not what was approved; or that the tool it calls is not. Of a listing the
    /// file is looked at first, for what was approved meanwhile.
    pub(super) fn look(&self, request: &Request<'_>) -> Vec<Finding> {
        if request.direction == Direction::ToServer {
            return self.called(request).into_iter().collect();
        }
        let (Direction::ToClient, Some(result)) = (request.direction, request.message.result()) else {
            return Vec::new();
        };
        let Some(answers) = request.answers else { return Vec::new() };
        let is_greeting = matches!(&*answers.method, "initialize" | "server/discover");
        let list = LISTS.iter().find(|(_, kind)| listing(*kind) == Some(&*answers.method));
        let (kind, definitions): (_, Vec<Value<'_>>) = match list {
            Some((member, kind)) => {
                (*kind, result.get(member).into_iter().flat_map(Value::elements).collect())
            }
            None if is_greeting => (DefinitionKind::Server, vec![result]),
            None => return Vec::new(),
        };
        self.looked.store(true, Ordering::Relaxed);
        let Some((pins, server)) = &self.store else {
            let unpinned =
                |value: &Value<'_>| finding("unpinned", Severity::Medium, "no pins are kept", *value);
            return definitions.iter().map(unpinned).collect();
        };
        if let Err(error) = pins.refresh() {
            tracing::warn!(%error, "what was approved since is not known");
        }
        // Clients ask for no page without a name.
        let cursor = result.get("nextCursor").and_then(Value::as_str).filter(|cursor| !cursor.is_empty());
        let is_last = is_greeting || cursor.is_none();
        let mut passes = self.passes.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(pass) = passes.iter_mut().find(|pass| pass.kind() == kind) else { return Vec::new() };
        let report = server.check(pass, definitions.iter().copied(), answers.from_start, is_last);
        let compared = report.entries.iter().zip(&definitions);
        let mut findings: Vec<_> =
            compared.filter_map(|(entry, definition)| differs(kind, &entry.standing, *definition)).collect();
        let removed = report
            .removed
            .iter()
            .map(|_| finding("removed", Severity::Low, "a definition that was approved is gone", result));
        findings.extend(removed.take(1));
        findings
    }

    /// A call of a tool whose definition waits for approval: the client may know it from before.
    fn called(&self, request: &Request<'_>) -> Option<Finding> {
        if request.message.method() != Some("tools/call") {
            return None;
        }
        let name = request.message.params()?.get("name")?;
        let (_, server) = self.store.as_ref()?;
        let (kind, why) = match server.waits(DefinitionKind::Tool, &name.as_str()?)? {
            Waits::New => ("added", "its tool was not there when the others were approved"),
            Waits::Changed => ("changed", "its tool is not what was approved"),
        };
        Some(finding(kind, Severity::High, why, name))
    }

    /// The server asks `method`, or a tool of it is called: what it asks before that says something about it.
    pub(super) fn asked(&self, method: &str, is_call: bool) {
        if is_call {
            self.called.store(true, Ordering::Relaxed);
        } else if let Some(behaviour) = Behaviour::of_asking(method)
            && !self.called.load(Ordering::Relaxed)
        {
            self.behaved(behaviour);
        }
    }

    /// A listing was looked at, or it did something, and that is not written yet.
    pub(super) fn has_looked(&self) -> bool {
        self.looked.load(Ordering::Relaxed)
    }

    /// The server did this.
    pub(super) fn behaved(&self, behaviour: Behaviour) {
        if let Some((_, server)) = &self.store {
            server.behaved(behaviour);
            self.looked.store(true, Ordering::Relaxed);
        }
    }

    /// What is known of the server now, by what others have decided meanwhile, too. Nothing without pins.
    pub(super) fn known(&self) -> Judgement {
        let Some((pins, server)) = &self.store else { return Judgement::default() };
        if let Err(error) = pins.refresh_one(server) {
            tracing::warn!(%error, "what was decided since is not known");
        }
        let (assessment, known, decision) = server.assess();
        Judgement { assessment: Some(assessment), known, decision }
    }

    /// Whether `status` of `judged` is told for the first time in this process.
    pub(super) fn is_news(&self, judged: &Judgement, status: ServerStatus) -> bool {
        let basis = judged.assessment.as_ref().map(|assessment| assessment.basis);
        let told = (status, basis, judged.decision.clone());
        let is_news = self.store.as_ref().is_some_and(|(_, server)| server.tell(told));
        // Somebody may have done something.
        self.looked.fetch_or(is_news, Ordering::Relaxed);
        is_news
    }

    /// The record of what is judged.
    pub(super) fn event<'j>(
        &'j self,
        judged: &'j Judgement,
        status: ServerStatus,
        reasons: &'j [&'j str],
    ) -> Event<'j> {
        let assessment = judged.assessment.as_ref();
        Event::ServerEvaluated {
            server: self.server.label(),
            hash: self.server.hash(),
            status,
            score: assessment.filter(|_| judged.known.level.is_some()).map(|assessment| assessment.score),
            reasons,
            decision: judged.decision.as_ref(),
        }
    }

    /// Writes what was learned, where something was, and puts what people did to the pins meanwhile on record.
    pub(super) fn keep(&self, audit: &AuditLog) {
        let Some((pins, store)) = self.store.as_ref().filter(|_| self.looked.swap(false, Ordering::Relaxed))
        else {
            return;
        };
        for act in store.unrecorded() {
            let (server, hash) = (self.server.label(), self.server.hash());
            match audit.note(&Event::AdminServer { server, hash, act: &act }) {
                Ok(()) => store.recorded(&act),
                Err(error) => tracing::error!(%error, "what was done to a server's pins is not on record"),
            }
        }
        if pins.is_dirty()
            && let Err(error) = pins.flush()
        {
            tracing::warn!(%error, "what a server says of itself could not be pinned");
        }
    }
}

/// What is known of a server, and why.
#[derive(Debug, Default)]
pub(super) struct Judgement {
    /// What it amounts to; nothing without pins.
    pub(super) assessment: Option<Arc<Assessment>>,
    pub(super) known: Known,
    pub(super) decision: Option<Decision>,
}

/// The method that lists definitions of a kind.
fn listing(kind: DefinitionKind) -> Option<&'static str> {
    match kind {
        DefinitionKind::Tool => Some("tools/list"),
        DefinitionKind::Prompt => Some("prompts/list"),
        DefinitionKind::Resource => Some("resources/list"),
        DefinitionKind::ResourceTemplate => Some("resources/templates/list"),
        DefinitionKind::Server => None,
    }
}

fn differs(kind: DefinitionKind, standing: &Standing, definition: Value<'_>) -> Option<Finding> {
    match standing {
        Standing::Same | Standing::Trusted => None,
        Standing::Added => Some(finding(
            "added",
            Severity::Medium,
            "it was not there when the others were approved",
            definition,
        )),
        Standing::Changed(changes) => {
            let worst = changes.iter().max_by_key(|change| change.severity);
            let severity = worst.map_or(Severity::High, |change| change.severity);
            let why = worst.map_or("it is not what was approved", |change| change.what.why());
            // What a session begins with is another thing than one definition of many: without it there is no session.
            let is_server = kind == DefinitionKind::Server;
            Some(finding(if is_server { "identity_changed" } else { "changed" }, severity, why, definition))
        }
        Standing::Unpinned => Some(finding("unpinned", Severity::Medium, "it cannot be pinned", definition)),
    }
}

fn finding(kind: &'static str, severity: Severity, why: &'static str, definition: Value<'_>) -> Finding {
    Finding {
        detector: Detector::Pins,
        kind,
        severity,
        // What differs differs.
        score: 1.0,
        why,
        role: Role::Definition,
        node: definition.index(),
        is_key: false,
        ranges: Vec::new(),
    }
}
