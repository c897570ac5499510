//! Which stream a client takes up again: the one whose event it names.
//!
//! Clients take whatever answer comes on a stream they took up again for the answer to the request they sent when it was
//! opened. So only that may be answered there. Ids of events are the server's, and belong to one stream of a session each;
//! one that is on two would let it choose, so it belongs to none.

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use crate::mcp::RequestId;
use crate::session::Place;

/// Streams remembered.
const STREAMS: usize = 128;
/// Events remembered of each: a client may be so many behind what it was sent.
const EVENTS: usize = 256;

/// The streams of a session whose events have ids.
#[derive(Debug, Default)]
pub(super) struct Trails {
    /// Oldest first.
    streams: VecDeque<Trail>,
    hasher: RandomState,
}

#[derive(Debug)]
struct Trail {
    place: Place,
    /// The ids, hashed: nobody outside can tell which two are alike.
    events: VecDeque<u64>,
}

impl Trails {
    /// An event called `id` goes to the client on the stream of `place`. Where there is no room, the oldest stream that
    /// `is_over` is forgotten, else the oldest.
    pub(super) fn mark(&mut self, place: &Place, id: &[u8], is_over: impl Fn(&Place) -> bool) {
        let event = self.hash(id);
        let known = self.streams.iter().rposition(|trail| trail.place.is_same(place));
        if let Some(trail) = known.and_then(|at| self.streams.get_mut(at)) {
            if trail.events.back() == Some(&event) {
                return;
            }
            if trail.events.len() == EVENTS {
                trail.events.pop_front();
            }
            return trail.events.push_back(event);
        }
        if self.streams.len() == STREAMS {
            let over = self.streams.iter().position(|trail| is_over(&trail.place));
            self.streams.remove(over.unwrap_or_default());
        }
        self.streams.push_back(Trail { place: place.clone(), events: VecDeque::from([event]) });
    }

    /// Where a client is that says it saw the event `id` last: nowhere, where nobody knows that event. And all requests
    /// whose streams it was on.
    pub(super) fn find(&self, id: &[u8]) -> (Place, Vec<RequestId>) {
        let event = self.hash(id);
        let streams = self.streams.iter().filter(|trail| trail.events.contains(&event));
        let places = streams.map(|trail| &trail.place);
        let requests = places.clone().filter_map(Place::requests).flatten().cloned().collect();
        let place = places.cloned().reduce(|place, other| place.and(&other));
        (place.unwrap_or_else(|| Place::of(&[])), requests)
    }

    /// As a header has it, an id has no blanks around it.
    fn hash(&self, id: &[u8]) -> u64 {
        self.hasher.hash_one(id.trim_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(id: i128) -> Place {
        Place::of(&[RequestId::Integer(id)])
    }

    fn ids(place: &(Place, Vec<RequestId>)) -> Option<Vec<i128>> {
        let number = |id: &RequestId| match id {
            RequestId::Integer(number) => *number,
            RequestId::String(_) => panic!("{id:?}"),
        };
        place.0.requests().map(|ids| ids.iter().map(number).collect())
    }

    #[test]
    fn an_event_leads_to_its_stream_and_one_of_two_streams_to_none() {
        let mut trails = Trails::default();
        let (first, second) = (place(1), place(2));
        trails.mark(&first, b"a", |_| false);
        trails.mark(&second, b" b ", |_| false);
        trails.mark(&first, b"c", |_| false);
        assert_eq!(
            [b"a", b"b", b"c", b"d"].map(|id| ids(&trails.find(id))),
            [Some(vec![1]), Some(vec![2]), Some(vec![1]), Some(vec![])]
        );
        assert!(trails.find(b"c").0.is_same(&first), "it goes on there");
        trails.mark(&second, b"a", |_| false);
        assert_eq!(ids(&trails.find(b"a")), Some(vec![]));
        assert_eq!(trails.find(b"a").1, [1, 2].map(RequestId::Integer), "either may wait");
        assert_eq!((trails.find(b"b").1, trails.find(b"d").1), (vec![RequestId::Integer(2)], vec![]));
        // The session's own stream, where anything may be answered, gives way to a request's.
        trails.mark(&Place::default(), b"g", |_| false);
        trails.mark(&Place::default(), b"b", |_| false);
        assert_eq!((ids(&trails.find(b"g")), ids(&trails.find(b"b"))), (None, Some(vec![2])));
        // An event of a stream nobody knows is known to belong to none.
        let nowhere = trails.find(b"?").0;
        trails.mark(&nowhere, b"b", |_| false);
        assert_eq!(ids(&trails.find(b"b")), Some(vec![]));
    }

    #[test]
    fn what_is_over_makes_room_first() {
        let mut trails = Trails::default();
        let streams: Vec<_> = (0..=STREAMS).map(|id| place(id as i128)).collect();
        for (at, stream) in streams.iter().enumerate() {
            trails.mark(stream, at.to_string().as_bytes(), |place| place.is_same(&streams[3]));
        }
        let known = |id: &str| ids(&trails.find(id.as_bytes())).is_some_and(|ids| !ids.is_empty());
        assert_eq!(["0", "3", "4", "128"].map(known), [true, false, true, true]);
        for event in 0..=EVENTS {
            trails.mark(&streams[0], format!("e{event}").as_bytes(), |_| false);
        }
        let known = |id: &str| ids(&trails.find(id.as_bytes())).is_some_and(|ids| !ids.is_empty());
        assert_eq!(["0", "e0", "e1", "e256", "4"].map(known), [false, false, true, true, true]);
    }
}
