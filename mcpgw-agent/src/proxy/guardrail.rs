//! Guardrails outside: whom to ask about a message, over HTTP, and what to do where no answer comes.
//!
//! ```text
//! Gate::inquire ─▶ Inquiry ─ all guardrails at once ─▶ breaker ─▶ seat ─▶ Link ─▶ answer ─▶ findings ─▶ Advice
//! ```
//!
//! Nothing is asked while a session is locked, nobody waits longer than the guardrail's time-out, and where no answer
//! comes the guardrail's `on-failure` says whether that is a finding.

mod breaker;
mod join;
mod link;
mod metrics;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::config::{self, Preset};
use crate::destination::NoHost;
use crate::detect::external::{Kinds, NotShown, Protocol, Question, Texts, unavailable};
use crate::detect::{Finding, Subject};
use crate::json::Edit;
use crate::mcp::{Direction, Message};
use crate::proxy::http::tls::TlsError;
use crate::secret::SecretError;
use breaker::Breaker;
pub(crate) use join::join;
use link::Client;
pub use metrics::GuardrailMetrics;
use metrics::{Meters, Outcome};

/// Requests to one guardrail at once; others wait for a seat, within the time-out.
const SEATS: usize = 32;
/// Threads that look names up.
const RESOLVERS: usize = 4;

/// Why a guardrail cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GuardrailError {
    /// What a guardrail wants to be shown cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The URL names no host.
    #[error(transparent)]
    Host(#[from] NoHost),
    /// TLS cannot be had.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// All guardrails, and what they count.
pub struct Guardrails {
    list: Vec<Guardrail>,
    metrics: GuardrailMetrics,
    /// What sessions without a runtime of their own ask with; made when the first of them does.
    runtime: OnceLock<Option<Runtime>>,
}

/// One of them.
struct Guardrail {
    config: config::Guardrail,
    protocol: Protocol,
    kinds: Kinds,
    client: Client,
    breaker: Mutex<Breaker>,
    seats: Semaphore,
    meters: Meters,
    /// Why something is found, where it says so.
    says: &'static str,
    /// Why something is found, where it says nothing.
    silent: &'static str,
}

/// What one guardrail is to be asked about one message.
#[derive(Debug)]
pub(crate) struct Ask {
    /// Which.
    guardrail: usize,
    /// The texts, or why they are not shown.
    about: Result<Texts, NotShown>,
    direction: Direction,
    server: Box<str>,
    tool: Option<Box<str>>,
}

impl Guardrails {
    /// Sets them up: reads their secrets and trusted certificates. `None` where there are none.
    ///
    /// # Errors
    /// [`GuardrailError`]
    pub fn open(config: &[config::Guardrail]) -> Result<Option<Arc<Self>>, GuardrailError> {
        if config.is_empty() {
            return Ok(None);
        }
        let metrics = GuardrailMetrics::new();
        let list = config.iter().map(|config| Guardrail::open(config, &metrics)).collect::<Result<_, _>>()?;
        Ok(Some(Arc::new(Self { list, metrics, runtime: OnceLock::new() })))
    }

    /// What they count.
    #[must_use]
    pub fn metrics(&self) -> &GuardrailMetrics {
        &self.metrics
    }

    /// What is to be asked about `message`, which goes on with `edits`.
    pub(crate) fn asks(&self, message: &Message, subject: &Subject<'_>, edits: &[Edit]) -> Vec<Ask> {
        let concerned =
            self.list.iter().enumerate().filter(|(_, guardrail)| guardrail.looks(subject.direction));
        let ask = |(index, guardrail): (usize, &Guardrail)| {
            let config = &guardrail.config;
            let max_bytes = usize::try_from(config.max_bytes).unwrap_or(usize::MAX);
            let about = Texts::collect(message, subject, edits, &config.surfaces, max_bytes);
            let Subject { direction, server, tool, .. } = *subject;
            let is_nothing = about.as_ref().is_ok_and(Texts::is_empty);
            let tool = tool.map(Into::into);
            (!is_nothing).then(|| Ask { guardrail: index, about, direction, server: server.into(), tool })
        };
        concerned.filter_map(ask).collect()
    }

    /// Asks, and waits for the answer: no longer than the guardrail's time-out.
    pub(crate) async fn put(&self, ask: Ask) -> Vec<Finding> {
        let Some(guardrail) = self.list.get(ask.guardrail) else { return Vec::new() };
        let Ask { about, direction, server, tool, .. } = &ask;
        let Ok(texts) = about else { return guardrail.failed(Outcome::NotShown) };
        let text = texts.text();
        let question = Question { text, direction: *direction, server, tool: tool.as_deref() };
        guardrail.ask(texts, &question).await
    }

    /// What is found where a message should have been shown to them and was not.
    pub(crate) fn unasked(&self, direction: Direction) -> Vec<Finding> {
        let concerned = self.list.iter().filter(|guardrail| guardrail.looks(direction));
        concerned.flat_map(|guardrail| guardrail.failed(Outcome::Unasked)).collect()
    }

    /// Waits for `future` on a thread that has no runtime; `None` where there is none to be had.
    pub(crate) fn block_on<F: Future>(&self, future: F) -> Option<F::Output> {
        let runtime = self.runtime.get_or_init(|| {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(1).max_blocking_threads(RESOLVERS).thread_name("guardrails").enable_all();
            builder.build().inspect_err(|error| tracing::error!(%error, "no guardrail can be asked")).ok()
        });
        Some(runtime.as_ref()?.block_on(future))
    }
}

impl Guardrail {
    fn open(config: &config::Guardrail, metrics: &GuardrailMetrics) -> Result<Self, GuardrailError> {
        let name = &config.name;
        // Findings name who found them for as long as the process lives: once for each guardrail.
        let says = &*Box::leak(format!("the guardrail `{name}` says so").into_boxed_str());
        let silent = &*Box::leak(format!("the guardrail `{name}` gave no answer").into_boxed_str());
        let protocol = match &config.preset {
            Preset::Presidio(presidio) => Protocol::Presidio(presidio.clone()),
            Preset::Lasso => Protocol::Lasso,
            Preset::Generic { body, answer } => {
                Protocol::Generic { body: body.clone(), answer: answer.clone() }
            }
        };
        Ok(Self {
            protocol,
            kinds: Kinds::new(config.kinds.iter().map(String::as_str)),
            client: Client::open(config)?,
            breaker: Mutex::new(Breaker::new(config.breaker.failures, config.breaker.cool_down)),
            seats: Semaphore::new(SEATS),
            meters: metrics.of(name),
            says,
            silent,
            config: config.clone(),
        })
    }

    fn looks(&self, direction: Direction) -> bool {
        self.config.directions.contains(&direction)
    }

    async fn ask(&self, texts: &Texts, question: &Question<'_>) -> Vec<Finding> {
        if !self.with_breaker(|breaker, now| breaker.permits(now)) {
            return self.failed(Outcome::Open);
        }
        let since = Instant::now();
        let mut seated = None;
        let asked = timeout(self.config.timeout, async {
            let _seat = self.seats.acquire().await.ok();
            seated = Some(Instant::now());
            // Not made before: who waits for a seat takes no room for it.
            self.client.ask(Bytes::from(self.protocol.body(question))).await
        });
        let asked = asked.await;
        self.meters.took(since.elapsed());
        let answer = match asked {
            Ok(Ok(answer)) => answer,
            Ok(Err(failure)) => {
                tracing::debug!(guardrail = self.config.name, error = %failure, "a guardrail cannot be asked");
                return self.fell(failure.outcome());
            }
            // Where too many ask at once and it had hardly any time, that is no failure of the guardrail's.
            Err(_elapsed) => {
                let had_time = seated.is_some_and(|since| since.elapsed() >= self.config.timeout / 2);
                return if had_time { self.fell(Outcome::Timeout) } else { self.failed(Outcome::Busy) };
            }
        };
        let flags = self.protocol.answer(answer, texts.text(), &self.kinds);
        match flags.and_then(|flags| texts.findings(flags, self.says)) {
            Ok(findings) => {
                self.with_breaker(|breaker, _| breaker.succeeded());
                let outcome = if findings.is_empty() { Outcome::Clean } else { Outcome::Flagged };
                self.meters.count(outcome);
                findings
            }
            Err(garbage) => {
                tracing::debug!(guardrail = self.config.name, error = %garbage, "an answer makes no sense");
                self.fell(Outcome::Garbage)
            }
        }
    }

    /// The guardrail failed: its breaker counts that.
    fn fell(&self, outcome: Outcome) -> Vec<Finding> {
        self.with_breaker(Breaker::failed);
        self.failed(outcome)
    }

    /// There is no answer: what that means is the configuration's choice.
    fn failed(&self, outcome: Outcome) -> Vec<Finding> {
        self.meters.count(outcome);
        if self.config.fails_closed { vec![unavailable(self.silent)] } else { Vec::new() }
    }

    fn with_breaker<T>(&self, act: impl FnOnce(&mut Breaker, Instant) -> T) -> T {
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        let before = breaker.state();
        let result = act(&mut breaker, Instant::now());
        let state = breaker.state();
        // Told while it is held, so that the last word is true.
        if state != before {
            self.meters.state(state);
            let (guardrail, state) = (&self.config.name, state.as_str());
            tracing::warn!(guardrail, state, "a guardrail's circuit breaker changed");
        }
        result
    }
}

impl Drop for Guardrails {
    fn drop(&mut self) {
        // Where the last gateway goes there may be no waiting.
        if let Some(Some(runtime)) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Guardrails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.list.iter().map(|guardrail| &guardrail.config.name)).finish()
    }
}
