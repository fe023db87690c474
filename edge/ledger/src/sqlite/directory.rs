//! From channel ids to slots, the dense numbers under which this engine stores.

use std::collections::HashMap;

use corrente_metering::{ChannelId, ChannelKind, ChannelSpec};

/// Ids below this, or below some multiple of the number of channels, are looked up by place.
const DENSE: u64 = 1 << 20;
const NOBODY: Place = Place { slot: u32::MAX, offset: 0 };

/// Where a channel is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) slot: u32,
    pub(super) offset: i32,
}

#[derive(Debug, Default)]
pub(super) struct Directory {
    dense: Vec<Place>,
    sparse: HashMap<u64, Place>,
    specs: Vec<ChannelSpec>,
    /// The greatest offset of all channels: where a day ends first.
    eastmost: Option<i32>,
}

impl Directory {
    pub(super) fn place(&self, channel: ChannelId) -> Option<Place> {
        let number = channel.number();
        match usize::try_from(number).ok().and_then(|number| self.dense.get(number)) {
            Some(&place) if place != NOBODY => Some(place),
            _ => self.sparse.get(&number).copied(),
        }
    }

    pub(super) fn spec(&self, slot: u32) -> Option<&ChannelSpec> {
        usize::try_from(slot).ok().and_then(|slot| self.specs.get(slot))
    }

    pub(super) fn specs(&self) -> &[ChannelSpec] {
        &self.specs
    }

    pub(super) fn offset(&self, slot: u32) -> i32 {
        self.spec(slot).map_or(0, |spec| spec.offset_seconds)
    }

    /// The greatest offset of all channels, in whose zone a day ends first.
    pub(super) fn eastmost(&self) -> Option<i32> {
        self.eastmost
    }

    pub(super) fn kind(&self, slot: u32) -> ChannelKind {
        self.spec(slot).map_or(ChannelKind::Register, |spec| spec.kind)
    }

    pub(super) fn len(&self) -> usize {
        self.specs.len()
    }

    /// Gives the channel the next slot.
    pub(super) fn add(&mut self, spec: ChannelSpec) {
        let slot = u32::try_from(self.specs.len()).unwrap_or(u32::MAX);
        let place = Place { slot, offset: spec.offset_seconds };
        let number = spec.id.number();
        let many = u64::try_from(self.specs.len()).unwrap_or(u64::MAX).saturating_mul(8);
        match usize::try_from(number) {
            Ok(index) if number < DENSE.max(many) => {
                if self.dense.len() <= index {
                    self.dense.resize(index + 1, NOBODY);
                }
                if let Some(entry) = self.dense.get_mut(index) {
                    *entry = place;
                }
            }
            _ => {
                self.sparse.insert(number, place);
            }
        }
        self.eastmost = self.eastmost.max(Some(spec.offset_seconds));
        self.specs.push(spec);
    }

    /// Memory in bytes, roughly.
    pub(super) fn bytes(&self) -> usize {
        self.dense.capacity() * size_of::<Place>()
            + self.sparse.capacity() * (size_of::<Place>() + 16)
            + self.specs.capacity() * size_of::<ChannelSpec>()
    }
}
