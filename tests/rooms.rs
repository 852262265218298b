//! The room index against a naive model, and what its commands report, in the order of the events.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use proptest::prelude::*;
use socketio_redis_edge::rooms::{Joined, Left, NameId, RoomIndex};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

const JOINED: Joined = Joined { created: false, joined: true };
const CREATED: Joined = Joined { created: true, joined: true };
const STAYED: Left = Left { left: true, deleted: false, freed: false };
const FREED: Left = Left { left: true, deleted: true, freed: true };

/// A connected socket in its own room.
fn socket(index: &mut RoomIndex, name: &[u8]) -> NameId {
    let id = index.intern(name);
    index.join(id, id);
    id
}

fn targets(index: &mut RoomIndex, rooms: &[NameId], all: bool, except: &[NameId]) -> Vec<u32> {
    let mut out = vec![u32::MAX];
    index.targets(rooms.iter().copied(), all, except.iter().copied(), &mut out);
    out.sort_unstable();
    out
}

fn slots(ids: impl IntoIterator<Item = NameId>) -> Vec<u32> {
    let mut slots: Vec<u32> =
        ids.into_iter().map(|id| u32::try_from(id.index()).unwrap()).collect();
    slots.sort_unstable();
    slots
}

#[test]
fn first_join_creates_the_room_and_a_second_one_changes_nothing() {
    let mut index = RoomIndex::default();
    let (a, b, room) = (index.intern(b"a"), index.intern(b"b"), index.intern(b"room"));
    assert_eq!(index.join(a, room), CREATED);
    assert_eq!(index.join(b, room), JOINED);
    assert_eq!(index.join(a, room), Joined::default());
    assert_eq!((index.member_count(room), index.room_count(), index.socket_count()), (2, 1, 2));
}

#[test]
fn last_leave_deletes_the_room_and_frees_its_id() {
    let mut index = RoomIndex::default();
    let (a, b, room) = (socket(&mut index, b"a"), socket(&mut index, b"b"), index.intern(b"room"));
    index.join(a, room);
    index.join(b, room);
    assert_eq!(index.leave(a, room), STAYED);
    assert_eq!(index.leave(a, room), Left::default());
    assert_eq!(index.leave(b, room), FREED);
    assert_eq!(index.find(b"room"), None);
    assert_eq!(index.name(room), None);
    assert_eq!(index.intern(b"next"), room, "a free id is reused");
}

#[test]
fn disconnect_leaves_every_room_in_the_order_joined() {
    let mut index = RoomIndex::default();
    let (a, b) = (socket(&mut index, b"a"), socket(&mut index, b"b"));
    let rooms: Vec<NameId> =
        [&b"z"[..], b"y", b"x", b"w", b"v"].iter().map(|name| index.intern(name)).collect();
    for &room in &rooms {
        index.join(a, room);
    }
    index.join(b, rooms[1]);
    index.leave(a, rooms[0]);
    index.join(a, b);
    let mut heard = Vec::new();
    assert!(index.disconnect(a, |room, left| heard.push((room, left))));
    let own = Left { left: true, deleted: true, freed: false };
    let expected = vec![
        (a, own),
        (rooms[1], STAYED),
        (rooms[2], FREED),
        (rooms[3], FREED),
        (rooms[4], FREED),
        (b, STAYED),
    ];
    assert_eq!(heard, expected);
    assert_eq!(index.find(b"a"), None);
    assert!(!index.disconnect(a, |_, _| panic!("it is in no room any more")));
}

#[test]
fn name_of_a_disconnected_socket_lives_while_others_are_in_its_room() {
    let mut index = RoomIndex::default();
    let (a, b) = (socket(&mut index, b"a"), socket(&mut index, b"b"));
    index.join(b, a);
    assert!(!index.disconnect(a, |_, _| ()), "the id is still a room's");
    assert!(index.is_room(a) && !index.is_socket(a));
    assert_eq!(targets(&mut index, &[a], false, &[]), slots([b]));
    assert_eq!(index.leave(b, a), FREED);
}

#[test]
fn socket_that_left_every_room_is_still_connected() {
    let mut index = RoomIndex::default();
    let a = socket(&mut index, b"a");
    assert_eq!(index.leave(a, a), Left { left: true, deleted: true, freed: false });
    assert!(index.is_socket(a) && !index.is_room(a));
    assert_eq!(targets(&mut index, &[], true, &[]), slots([a]));
    assert!(!index.connect(a));
    assert!(index.disconnect(a, |_, _| panic!("it is in no room")));
}

#[test]
fn name_without_a_role_is_freed_by_the_next_command_on_it() {
    let mut index = RoomIndex::default();
    let a = socket(&mut index, b"a");
    let released = index.intern(b"released");
    assert!(index.release(released) && !index.release(released));
    let left = index.intern(b"left");
    assert_eq!(index.leave(a, left), Left { freed: true, ..Left::default() });
    let disconnected = index.intern(b"disconnected");
    assert!(index.disconnect(disconnected, |_, _| panic!("it is in no room")));
    assert!(!index.release(a), "a name with a role stays");
    assert_eq!(
        [&b"released"[..], b"left", b"disconnected"].map(|name| index.find(name)),
        [None; 3]
    );
}

#[test]
fn names_are_told_apart_by_every_byte_at_every_length() {
    let mut index = RoomIndex::with_seed(7);
    let names: Vec<Vec<u8>> =
        (0..40).flat_map(|len| [vec![0; len], [vec![0; len], vec![1]].concat()]).collect();
    let ids: BTreeMap<&[u8], NameId> =
        names.iter().map(|name| (name.as_slice(), index.intern(name))).collect();
    assert_eq!(
        slots(ids.values().copied()),
        (0..u32::try_from(ids.len()).unwrap()).collect::<Vec<_>>()
    );
    for (name, &id) in &ids {
        assert_eq!((index.find(name), index.name(id)), (Some(id), Some(*name)));
    }
}

#[test]
fn members_stay_exact_while_a_room_grows_and_shrinks() {
    let mut index = RoomIndex::default();
    let room = index.intern(b"room");
    let ids: Vec<NameId> = (0..100_u8).map(|n| socket(&mut index, &[n])).collect();
    for (count, &id) in ids.iter().enumerate() {
        assert_eq!(slots(index.members(room)), slots(ids[..count].iter().copied()));
        index.join(id, room);
    }
    for (count, &id) in ids.iter().enumerate() {
        assert_eq!(slots(index.members(room)), slots(ids[count..].iter().copied()));
        assert_eq!(targets(&mut index, &[room], false, &[]), slots(ids[count..].iter().copied()));
        assert!(index.leave(id, room).left);
    }
    assert!(!index.is_room(room));
}

/// Marks are one byte: every 255 broadcasts the same generation comes again.
#[test]
fn broadcast_is_not_mistaken_for_the_one_of_a_generation_ago() {
    let mut index = RoomIndex::default();
    let ids: Vec<NameId> = (0..300_u32).map(|n| socket(&mut index, &n.to_be_bytes())).collect();
    for round in 0..600 {
        let (one, excepted) = (ids[round % 255], ids[round % 255 + 40]);
        let heard = targets(&mut index, &[one, excepted, one], false, &[excepted]);
        assert_eq!(heard, slots([one]), "round {round}");
    }
}

#[test]
fn room_named_many_times_takes_no_more_memory_than_once() {
    let mut index = RoomIndex::default();
    let room = index.intern(b"room");
    for n in 0..1000_u32 {
        let id = socket(&mut index, &n.to_be_bytes());
        index.join(id, room);
    }
    let mut out = Vec::new();
    let named = || [room, NameId::from_index(u32::MAX)].into_iter().cycle().take(10_000);
    index.targets(named(), false, [].into_iter(), &mut out);
    assert_eq!(out.len(), 1000);
    index.targets(named(), false, named(), &mut out);
    assert_eq!(out.len(), 0);
    assert!(out.capacity() < 3000, "{} slots", out.capacity());
}

/// What the index must be: sets, and lists in the order joined.
#[derive(Default)]
struct Model {
    rooms: BTreeMap<u8, BTreeSet<u8>>,
    sids: BTreeMap<u8, Vec<u8>>,
}

impl Model {
    fn join(&mut self, socket: u8, room: u8) -> Joined {
        let created = !self.rooms.contains_key(&room);
        let joined = self.rooms.entry(room).or_default().insert(socket);
        let list = self.sids.entry(socket).or_default();
        if joined {
            list.push(room);
        }
        Joined { created, joined }
    }

    fn remove(&mut self, socket: u8, room: u8) -> Left {
        let members = self.rooms.get_mut(&room);
        let (left, deleted) =
            members.map_or((false, false), |set| (set.remove(&socket), set.is_empty()));
        if deleted {
            self.rooms.remove(&room);
        }
        Left { left, deleted, freed: !self.has_role(room) }
    }

    fn leave(&mut self, socket: u8, room: u8) -> Left {
        if let Some(list) = self.sids.get_mut(&socket) {
            list.retain(|&joined| joined != room);
        }
        self.remove(socket, room)
    }

    fn disconnect(&mut self, socket: u8) -> (Vec<(u8, Left)>, bool) {
        let list = self.sids.get(&socket).cloned().unwrap_or_default();
        let heard = list.into_iter().map(|room| (room, self.remove(socket, room))).collect();
        self.sids.remove(&socket);
        (heard, !self.has_role(socket))
    }

    fn targets(&self, rooms: &[u8], all: bool, except: &[u8]) -> BTreeSet<u8> {
        let union = |names: &[u8]| -> BTreeSet<u8> {
            names.iter().filter_map(|name| self.rooms.get(name)).flatten().copied().collect()
        };
        let from = if all { self.sids.keys().copied().collect() } else { union(rooms) };
        from.difference(&union(except)).copied().collect()
    }

    fn has_role(&self, name: u8) -> bool {
        self.rooms.contains_key(&name) || self.sids.contains_key(&name)
    }
}

#[derive(Clone, Debug)]
enum Operation {
    Connect(u8),
    Crowd(u8, u8),
    Disconnect(u8),
    Join(u8, u8),
    Leave(u8, u8),
    Release(u8),
    Targets(Vec<u8>, bool, Vec<u8>),
    Unknown(u32, u8),
}

/// Names 0 to 99 serve as sockets and as rooms; few of them are rooms with many members, so that
/// lists become bitmaps.
fn operation() -> impl Strategy<Value = Operation> {
    let name = || 0..100_u8;
    let room = || prop_oneof![0..4_u8, 0..100_u8];
    let names = |count: Range<usize>| prop::collection::vec(room(), count);
    prop_oneof![
        1 => name().prop_map(Operation::Connect),
        1 => (0..4_u8, name()).prop_map(|(room, count)| Operation::Crowd(room, count)),
        3 => name().prop_map(Operation::Disconnect),
        8 => (name(), room()).prop_map(|(socket, room)| Operation::Join(socket, room)),
        6 => (name(), room()).prop_map(|(socket, room)| Operation::Leave(socket, room)),
        1 => name().prop_map(Operation::Release),
        4 => (names(0..5), any::<bool>(), names(0..3))
            .prop_map(|(rooms, all, except)| Operation::Targets(rooms, all, except)),
        1 => (any::<u32>(), room()).prop_map(|(index, room)| Operation::Unknown(index, room)),
    ]
}

/// A name of the model as bytes; every third is too long to be kept inline.
fn bytes(name: u8) -> Vec<u8> {
    vec![name; if name.is_multiple_of(3) { 30 } else { 21 }]
}

/// The model's names of the ids of an index.
fn names(index: &RoomIndex, ids: impl Iterator<Item = NameId>) -> Vec<u8> {
    ids.map(|id| index.name(id).unwrap()[0]).collect()
}

fn set(names: Vec<u8>) -> BTreeSet<u8> {
    let set: BTreeSet<u8> = names.iter().copied().collect();
    assert_eq!(set.len(), names.len(), "each once");
    set
}

fn apply(index: &mut RoomIndex, model: &mut Model, operation: Operation) {
    match operation {
        Operation::Connect(socket) => {
            let new = !model.sids.contains_key(&socket);
            model.sids.entry(socket).or_default();
            let id = index.intern(&bytes(socket));
            assert_eq!(index.connect(id), new);
        }
        Operation::Crowd(room, count) => {
            for socket in 0..count {
                apply(index, model, Operation::Join(socket, room));
            }
        }
        Operation::Disconnect(socket) => {
            let id = index.intern(&bytes(socket));
            let (expected, freed) = model.disconnect(socket);
            let known: BTreeMap<usize, u8> = expected
                .iter()
                .map(|&(room, _)| (index.find(&bytes(room)).unwrap().index(), room))
                .collect();
            let mut heard = Vec::new();
            assert_eq!(
                index.disconnect(id, |room, left| heard.push((known[&room.index()], left))),
                freed
            );
            assert_eq!(heard, expected);
        }
        Operation::Join(socket, room) => {
            let (socket_id, room_id) = (index.intern(&bytes(socket)), index.intern(&bytes(room)));
            assert_eq!(index.join(socket_id, room_id), model.join(socket, room));
        }
        Operation::Leave(socket, room) => {
            let (socket_id, room_id) = (index.intern(&bytes(socket)), index.intern(&bytes(room)));
            assert_eq!(index.leave(socket_id, room_id), model.leave(socket, room));
            index.release(socket_id);
        }
        Operation::Release(name) => {
            let id = index.intern(&bytes(name));
            assert_eq!(index.release(id), !model.has_role(name));
        }
        Operation::Targets(rooms, all, except) => {
            let ids = |names: &[u8]| {
                names.iter().filter_map(|&name| index.find(&bytes(name))).collect::<Vec<_>>()
            };
            let (rooms_found, except_found) = (ids(&rooms), ids(&except));
            let mut out = Vec::new();
            index.targets(rooms_found.into_iter(), all, except_found.into_iter(), &mut out);
            let heard = names(index, out.into_iter().map(NameId::from_index));
            assert_eq!(set(heard), model.targets(&rooms, all, &except));
        }
        Operation::Unknown(number, room) => {
            let unknown = NameId::from_index(number);
            if index.name(unknown).is_some() {
                return;
            }
            let room = index.find(&bytes(room)).unwrap_or(unknown);
            assert!(!index.connect(unknown) && !index.release(unknown));
            assert_eq!((index.join(unknown, room), index.join(room, unknown)), Default::default());
            assert_eq!(
                (index.leave(unknown, room), index.leave(room, unknown)),
                Default::default()
            );
            assert!(!index.disconnect(unknown, |_, _| panic!("an unknown socket is in no room")));
            assert!(
                !index.is_socket(unknown)
                    && !index.is_room(unknown)
                    && !index.contains(room, unknown)
            );
            assert_eq!(index.members(unknown).count() + index.rooms_of(unknown).count(), 0);
            assert_eq!(targets(index, &[unknown], false, &[unknown]), slots([]));
        }
    }
}

fn assert_same(index: &RoomIndex, model: &Model) {
    assert_eq!((index.room_count(), index.socket_count()), (model.rooms.len(), model.sids.len()));
    assert_eq!(set(names(index, index.rooms())), model.rooms.keys().copied().collect());
    assert_eq!(set(names(index, index.sockets())), model.sids.keys().copied().collect());
    for name in 0..100 {
        let Some(id) = index.find(&bytes(name)) else {
            assert!(!model.has_role(name));
            continue;
        };
        let members = model.rooms.get(&name).cloned().unwrap_or_default();
        assert_eq!(
            names(index, index.rooms_of(id)),
            model.sids.get(&name).cloned().unwrap_or_default()
        );
        assert_eq!(index.member_count(id), members.len());
        assert_eq!(
            (index.is_room(id), index.is_socket(id)),
            (!members.is_empty(), model.sids.contains_key(&name))
        );
        for &socket in &members {
            assert!(index.contains(id, index.find(&bytes(socket)).unwrap()));
        }
        assert_eq!(set(names(index, index.members(id))), members);
    }
}

#[test]
fn random_operations_agree_with_the_model() {
    let config =
        ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    // A fixed generator: the same operations on every run and target.
    let mut runner = proptest::test_runner::TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    );
    let operations = prop::collection::vec(operation(), 1..400);
    let result = runner.run(&operations, |operations| {
        let (mut index, mut model) = (RoomIndex::default(), Model::default());
        for operation in operations {
            apply(&mut index, &mut model, operation);
        }
        assert_same(&index, &model);
        Ok(())
    });
    assert!(result.is_ok(), "{result:?}");
}
