//! Addresses of names, as somebody looked them up. Shared: what is learnt counts for whoever has a clone.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

/// Addresses kept of one name; the oldest go.
const ADDRESSES_MAX: usize = 256;

/// Names and their addresses.
#[derive(Debug, Clone, Default)]
pub struct Hosts(Arc<RwLock<Known>>);

#[derive(Debug, Default)]
struct Known {
    /// The latest last.
    names: BTreeMap<Box<str>, Vec<IpAddr>>,
    resolvers: Vec<IpAddr>,
    /// Counts what was news.
    learnt: u64,
}

impl Hosts {
    /// `name` has these addresses, too. Says whether that is news.
    pub fn learn(&self, name: &str, addresses: &[IpAddr]) -> bool {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let own = known.names.entry(name.into()).or_default();
        let before = own.len();
        for address in addresses.iter().map(IpAddr::to_canonical) {
            if !own.contains(&address) {
                own.push(address);
            }
        }
        let is_news = own.len() > before;
        own.drain(..own.len().saturating_sub(ADDRESSES_MAX));
        known.learnt += u64::from(is_news);
        is_news
    }

    /// These answer questions about names.
    pub fn set_resolvers(&self, resolvers: Vec<IpAddr>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.learnt += u64::from(known.resolvers != resolvers);
        known.resolvers = resolvers;
    }

    /// A number that is another whenever something was learnt since.
    #[must_use]
    pub fn learnt(&self) -> u64 {
        self.read(|known| known.learnt)
    }

    /// Something is known of `name`.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.read(|known| known.names.contains_key(name))
    }

    /// Addresses of `name`, as far as they are known.
    #[must_use]
    pub fn addresses(&self, name: &str) -> Vec<IpAddr> {
        self.read(|known| known.names.get(name).cloned().unwrap_or_default())
    }

    /// Who answers questions about names.
    #[must_use]
    pub fn resolvers(&self) -> Vec<IpAddr> {
        self.read(|known| known.resolvers.clone())
    }

    fn read<T>(&self, look: impl FnOnce(&Known) -> T) -> T {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}
