//! How many connections an address may have.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::HeadendConfig;

#[derive(Clone, Debug)]
pub(crate) struct Addresses {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    per_address: u32,
    strangers: u32,
    counts: Mutex<HashMap<IpAddr, Counts>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    all: u32,
    strangers: u32,
}

/// A connection's place; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    inner: Arc<Inner>,
    address: IpAddr,
    stranger: bool,
}

impl Addresses {
    pub(crate) fn new(config: &HeadendConfig) -> Self {
        Self {
            inner: Arc::new(Inner {
                per_address: config.connections_per_address,
                strangers: config.strangers_per_address,
                counts: Mutex::default(),
            }),
        }
    }

    /// A place for one more connection of this address, or none when it has enough.
    pub(crate) fn take(&self, address: IpAddr) -> Option<Place> {
        let address = network(address);
        let mut counts = self.inner.lock();
        let count = counts.entry(address).or_default();
        let full = count.all >= self.inner.per_address || count.strangers >= self.inner.strangers;
        // On this machine a bench or a fleet has all its connections from one address.
        if full && !address.is_loopback() {
            return None;
        }
        count.all = count.all.saturating_add(1);
        count.strangers = count.strangers.saturating_add(1);
        Some(Place { inner: Arc::clone(&self.inner), address, stranger: true })
    }
}

impl Place {
    /// The connection has said who it is.
    pub(crate) fn known(&mut self) {
        if self.stranger {
            self.stranger = false;
            if let Some(count) = self.inner.lock().get_mut(&self.address) {
                count.strangers = count.strangers.saturating_sub(1);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.known();
        let mut counts = self.inner.lock();
        if let Some(count) = counts.get_mut(&self.address) {
            count.all = count.all.saturating_sub(1);
            if count.all == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Counts>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What counts as one address: a customer's network has a whole /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) if address.is_loopback() => IpAddr::V6(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_places_and_gets_them_back() {
        let mut config = HeadendConfig::new("127.0.0.1:0".parse().unwrap());
        config.connections_per_address = 3;
        config.strangers_per_address = 2;
        let addresses = Addresses::new(&config);
        let address: IpAddr = "2001:db8::1".parse().unwrap();
        let neighbour: IpAddr = "2001:db8::2".parse().unwrap();
        let mut first = addresses.take(address).unwrap();
        let second = addresses.take(neighbour).unwrap();
        assert!(addresses.take(address).is_none(), "two strangers");
        first.known();
        let third = addresses.take(address).unwrap();
        first.known();
        drop(second);
        let fourth = addresses.take(address).unwrap();
        assert!(addresses.take(address).is_none(), "three connections");
        assert!(addresses.take("192.0.2.1".parse().unwrap()).is_some());
        let own: Vec<_> =
            (0..10).map(|_| addresses.take("::1".parse().unwrap()).unwrap()).collect();
        drop((first, third, fourth, own));
        assert!(addresses.inner.lock().is_empty());
    }
}
