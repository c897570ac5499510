//! Registered gateways, and the channels wraps vouch for.

use std::collections::HashMap;

use super::{Channel, ProcessKey, ProxyRegistration};

/// Wraps and channels of one wrap kept at most.
const PROXIES: usize = 8_192;
const CHANNELS: usize = 16;

/// Live registrations.
#[derive(Debug, Default)]
pub(super) struct Proxies {
    registered: HashMap<ProcessKey, ProxyRegistration>,
    by_channel: HashMap<Channel, ProcessKey>,
}

impl Proxies {
    /// Replaces what the wrap said before. A channel stays with whom registered it first.
    pub(super) fn register(&mut self, mut registration: ProxyRegistration) {
        let proxy = registration.proxy;
        self.remove(proxy);
        if self.registered.len() >= PROXIES {
            return;
        }
        registration.channels.truncate(CHANNELS);
        for channel in &registration.channels {
            self.by_channel.entry(*channel).or_insert(proxy);
        }
        self.registered.insert(proxy, registration);
    }

    pub(super) fn remove(&mut self, proxy: ProcessKey) -> Option<ProxyRegistration> {
        let registration = self.registered.remove(&proxy)?;
        for channel in &registration.channels {
            if self.by_channel.get(channel) == Some(&proxy) {
                self.by_channel.remove(channel);
            }
        }
        Some(registration)
    }

    pub(super) fn contains(&self, proxy: ProcessKey) -> bool {
        self.registered.contains_key(&proxy)
    }

    /// What the process `proxy` registered.
    pub(super) fn get(&self, proxy: ProcessKey) -> Option<&ProxyRegistration> {
        self.registered.get(&proxy)
    }

    /// Who vouches for one of `channels`.
    pub(super) fn of(&self, mut channels: impl Iterator<Item = Channel>) -> Option<&ProxyRegistration> {
        channels
            .find_map(|channel| self.by_channel.get(&channel))
            .and_then(|proxy| self.registered.get(proxy))
    }
}
