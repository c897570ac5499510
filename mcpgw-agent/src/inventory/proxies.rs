//! Registered gateways, and the channels wraps vouch for.

use std::collections::{HashMap, VecDeque};

use super::{BootTime, Channel, ProcessKey, ProxyRegistration};

/// Wraps and channels of one wrap kept at most.
const PROXIES: usize = 8_192;
const CHANNELS: usize = 16;
/// Registrations that are over, kept at most.
const OVER: usize = 1_024;

/// Live registrations, and the latest of those that are over.
#[derive(Debug, Default)]
pub(super) struct Proxies {
    registered: HashMap<ProcessKey, ProxyRegistration>,
    by_channel: HashMap<Channel, ProcessKey>,
    /// With when they were, the latest last.
    over: VecDeque<(BootTime, ProxyRegistration)>,
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

    /// The registration of `proxy` is over since `at`: it is remembered for servers that ended before it.
    pub(super) fn end(&mut self, proxy: ProcessKey, at: BootTime) -> Option<&ProxyRegistration> {
        let registration = self.remove(proxy)?;
        if self.over.len() >= OVER {
            self.over.pop_front();
        }
        self.over.push_back((at, registration));
        self.over.back().map(|(_, registration)| registration)
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

    /// What `proxy` had registered at `at`, where that is over.
    pub(super) fn get_at(&self, proxy: ProcessKey, at: BootTime) -> Option<&ProxyRegistration> {
        self.find_at(at, |registration| registration.proxy == proxy)
    }

    /// Who vouched for one of `channels` at `at`, and does no more.
    pub(super) fn of_at(&self, channels: &[Channel], at: BootTime) -> Option<&ProxyRegistration> {
        self.find_at(at, |registration| {
            registration.channels.iter().any(|channel| channels.contains(channel))
        })
    }

    fn find_at(
        &self,
        at: BootTime,
        is_meant: impl Fn(&ProxyRegistration) -> bool,
    ) -> Option<&ProxyRegistration> {
        let mut over = self.over.iter().rev();
        over.find(|(until, registration)| *until >= at && is_meant(registration)).map(|(_, known)| known)
    }
}
