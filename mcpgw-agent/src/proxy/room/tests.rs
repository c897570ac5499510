use super::*;

fn user(room: &Room, id: u32) -> Share {
    room.share(Whose::User(id))
}

/// How many pieces `share` gets of what is left.
fn fill(share: &Share) -> (usize, Vec<Taken>) {
    let mut all = Vec::new();
    loop {
        let mut taken = share.nothing();
        if taken.grow_to(2 * PIECE).is_err() {
            return (all.len(), all);
        }
        all.push(taken);
    }
}

#[test]
fn short_messages_need_none_and_long_ones_share_it() {
    let room = Room::of(6);
    let mine = user(&room, 1);
    let mut short = mine.nothing();
    assert_eq!(short.grow_to(PIECE), Ok(()));
    let (mut one, mut other) = (mine.nothing(), mine.nothing());
    assert_eq!(one.grow_to(PIECE + 1), Ok(()));
    assert_eq!(one.grow_to(3 * PIECE), Ok(()));
    assert_eq!(other.grow_to(3 * PIECE), Err(Full));
    assert_eq!(other.grow_to(2 * PIECE), Ok(()));
    drop(one);
    assert_eq!(other.grow_to(4 * PIECE), Ok(()));
    assert_eq!(short.grow_to(2 * PIECE), Err(Full));
}

#[test]
fn nobody_takes_what_others_need() {
    let room = Room::of(60);
    let (greedy, other, late) = (user(&room, 1), user(&room, 2), user(&room, 3));
    let (half, all) = fill(&greedy);
    assert_eq!(half, 30);
    let (more, rest) = fill(&other);
    assert_eq!(more, 15);
    // However much it asks for: nothing more until it has less than is left.
    assert_eq!(fill(&greedy).0, 0);
    assert_eq!(fill(&late).0, 7);
    drop(all);
    // Two that want all of it come to have as much as each other.
    let mut both = (Vec::new(), rest);
    for _ in 0..60 {
        both.0.extend(greedy.hold(vec![0; 2 * PIECE].into()));
        both.1.pop();
        let mut again = other.nothing();
        if again.grow_to(2 * PIECE).is_ok() {
            both.1.push(again);
        }
    }
    assert!((19..=22).contains(&both.0.len()), "{}", both.0.len());
}

#[test]
fn who_is_the_same_has_one_share_and_who_is_gone_none() {
    let room = Room::of(8);
    let at = |text: &str| Whose::at(text.parse().unwrap());
    assert_eq!(at("2001:db8:1:2:3::4"), at("2001:db8:1:2::"));
    assert_ne!(at("2001:db8:1:2::"), at("2001:db8:1:3::"));
    assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
    assert_ne!(at("192.0.2.1"), at("192.0.2.2"));
    let (one, same) = (room.share(at("192.0.2.1")), room.share(at("192.0.2.1")));
    let held = one.hold(vec![0; 5 * PIECE].into()).unwrap();
    assert_eq!(same.hold(vec![0; 2 * PIECE].into()), Err(Full));
    // A message outlives whoever it came from.
    drop((one, same));
    assert_eq!(lock(&room.0.shares).len(), 1);
    assert_eq!(room.share(at("192.0.2.1")).hold(vec![0; 2 * PIECE].into()), Err(Full));
    drop(held);
    assert_eq!((lock(&room.0.shares).len(), *lock(&room.0.free)), (0, 8));
}

#[test]
fn what_is_held_has_its_room_until_the_last_of_it_is_gone() {
    let room = Room::of(2);
    let mine = user(&room, 1);
    let long = vec![b'x'; 2 * PIECE];
    let mut taken = mine.nothing();
    assert_eq!(taken.grow_to(long.len()), Ok(()));
    let held = taken.hold(long.into());
    let part = held.slice(1..2);
    drop(held);
    assert_eq!(mine.nothing().grow_to(2 * PIECE), Err(Full));
    assert_eq!(part, "x");
    drop(part);
    assert_eq!(mine.nothing().grow_to(2 * PIECE), Ok(()));
    let held = mine.hold(vec![b'x'; 2 * PIECE].into()).unwrap();
    assert_eq!(mine.hold(vec![b'x'; 2 * PIECE].into()), Err(Full));
    drop(held);
    assert_eq!(mine.hold("short".into()).unwrap(), "short");
}

#[test]
fn what_shrinks_gives_room_back() {
    let room = Room::of(6);
    let mine = user(&room, 1);
    let (mut one, mut other) = (mine.nothing(), mine.nothing());
    assert_eq!(one.resize(4 * PIECE), Ok(()));
    assert_eq!(other.resize(2 * PIECE), Err(Full));
    assert_eq!(one.resize(3 * PIECE), Ok(()));
    assert_eq!(other.resize(2 * PIECE), Ok(()));
    assert_eq!(one.resize(0), Ok(()));
    assert_eq!(other.resize(3 * PIECE), Ok(()));
}

#[test]
fn there_is_room_for_two_of_the_longest_of_one_or_of_two() {
    for longest in [1, 16 << 20, 1 << 30] {
        let room = Room::new(longest);
        for ids in [[1, 1], [1, 2]] {
            let mut both = ids.map(|id| user(&room, id).nothing());
            assert!(both.iter_mut().all(|taken| taken.grow_to(longest).is_ok()), "{longest} {ids:?}");
        }
    }
}
