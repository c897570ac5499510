//! What servers do to the host: told by the kernel while a session is followed, and five seconds longer, as the
//! [tap](super::tap) is attached while something is observed.

use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::tap::{Switch, TapSwitch};
use crate::inventory::BootTime;
use crate::kernel::{EffectReader, Hook, Kernel, KernelEvent};
use crate::proxy::effects::{Effects, Followed, Source, Told};
use crate::proxy::handover::Sessions;

/// How often the ring is emptied while no call does so.
const BEAT: Duration = Duration::from_millis(250);
/// Beats from one record of what was done while no call was open to the next.
const BEATS: u32 = 4;

/// Who is followed, and whether the kernel tells.
#[derive(Debug, Default)]
pub(super) struct Following {
    /// `None` where nobody wants to know, or the kernel cannot tell.
    all: Option<Effects>,
    switch: TapSwitch,
}

impl Following {
    /// Of what `kernel` tells; nobody is followed without. A kernel that has none of the hooks tells nothing, which must not
    /// look like servers that do nothing.
    pub(super) fn new(kernel: Option<&mut Kernel>) -> Self {
        let tells = |hook: &Hook| hook.tells_of_effects() && hook.state.is_attached();
        let kernel = kernel.filter(|kernel| kernel.hooks().iter().any(tells));
        let all = kernel.and_then(Kernel::take_effect_reader).map(|reader| Effects::new(source(reader)));
        Self { all, switch: TapSwitch::default() }
    }

    /// All that are followed.
    pub(super) fn all(&self) -> Option<&Effects> {
        self.all.as_ref()
    }

    /// Follows what process `wrap` starts from now on. To be called before it starts anything.
    pub(super) fn begin(&mut self, kernel: &mut Kernel, wrap: u32, now: BootTime) -> Option<Followed> {
        let followed = self.all.as_ref()?.follow();
        self.switch(kernel, true, now);
        let marked = kernel.watch_effects_of_children(wrap, followed.group());
        if let Err(error) = marked {
            tracing::warn!(pid = wrap, %error, "what this wrap's server does is not told");
            return None;
        }
        Some(followed)
    }

    /// Looks whether the kernel is to tell any longer.
    pub(super) fn tick(&mut self, kernel: Option<&mut Kernel>, now: BootTime) {
        if let (Some(all), Some(kernel)) = (&self.all, kernel) {
            let is_needed = !all.is_idle();
            self.switch(kernel, is_needed, now);
        }
    }

    fn switch(&mut self, kernel: &mut Kernel, is_needed: bool, now: BootTime) {
        let switched = match self.switch.decide(is_needed, now) {
            Switch::Keep => return,
            Switch::Attach => kernel.attach_effects(),
            Switch::Detach => kernel.detach_effects(),
        };
        if let Err(error) = switched {
            tracing::warn!(%error, "not all of what servers do is told");
        }
        self.switch.set(kernel.effects_attached());
    }
}

fn source(mut reader: EffectReader) -> Source {
    let mut events = Vec::new();
    Box::new(move |told| {
        let more = reader.drain(&mut events);
        told.extend(events.drain(..).filter_map(|event| match event {
            KernelEvent::SideEffect(effect) => Some(Told::Did(effect)),
            KernelEvent::Lost { count, .. } => Some(Told::Lost(count)),
            // Other rings have these.
            KernelEvent::Host(_) | KernelEvent::Chunk(_) => None,
        }));
        more
    })
}

/// Empties the ring so that it does not overflow, and records what was done while no call was open, until `shutdown`.
pub(super) async fn beat(effects: Effects, sessions: Sessions, shutdown: CancellationToken) {
    let mut beats = tokio::time::interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut count = 0_u32;
    while shutdown.run_until_cancelled(beats.tick()).await.is_some() {
        if effects.is_idle() {
            continue;
        }
        effects.drain();
        count = count.wrapping_add(1);
        if count.is_multiple_of(BEATS) {
            sessions.note_strays();
        }
    }
}
