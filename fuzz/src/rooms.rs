//! The room index against a naive model.

use std::collections::{BTreeMap, BTreeSet};

use arbitrary::{Arbitrary, Unstructured};
use socketio_redis_edge::rooms::{Joined, Left, NameId, RoomIndex};

/// A command; names and ids are small numbers.
#[derive(Arbitrary, Debug)]
enum Operation {
    Connect(u8),
    Disconnect(u8),
    Intern(u8),
    Join(u8, u8),
    /// So many sockets from the first on join one room: lists become bitmaps.
    JoinMany(u8, u8, u8),
    Leave(u8, u8),
    /// So many leave it: bitmaps become lists.
    LeaveMany(u8, u8, u8),
    Release(u8),
    Targets {
        rooms: Vec<u8>,
        all: bool,
        except: Vec<u8>,
    },
}

/// More commands than this find nothing that fewer do not, and take their time.
const LONGEST: usize = 100;

/// Does what any bytes say with an index and with a model, and compares them.
pub fn run(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let mut pair = Pair { index: RoomIndex::with_seed(7), model: Model::default() };
    for _ in 0..LONGEST {
        if input.is_empty() {
            break;
        }
        let Ok(operation) = Operation::arbitrary(&mut input) else { break };
        pair.perform(operation);
        pair.check_counts();
    }
    pair.check_all();
}

/// What is known of one name.
#[derive(Debug, Default)]
struct Entry {
    name: Vec<u8>,
    connected: bool,
    /// In the order joined.
    joined: Vec<u32>,
    members: BTreeSet<u32>,
}

impl Entry {
    fn has_role(&self) -> bool {
        self.connected || !self.members.is_empty()
    }
}

/// Every name that has an id, by it.
#[derive(Default)]
struct Model {
    entries: BTreeMap<u32, Entry>,
    ids: BTreeMap<Vec<u8>, u32>,
    free: BTreeSet<u32>,
}

impl Model {
    fn release(&mut self, id: u32) -> bool {
        let is_free = self.entries.get(&id).is_some_and(|entry| !entry.has_role());
        if is_free && let Some(entry) = self.entries.remove(&id) {
            self.ids.remove(&entry.name);
            self.free.insert(id);
        }
        is_free
    }

    fn connect(&mut self, id: u32) -> bool {
        let entry = self.entries.get_mut(&id);
        entry.is_some_and(|entry| !std::mem::replace(&mut entry.connected, true))
    }

    fn join(&mut self, socket: u32, room: u32) -> Joined {
        if !self.entries.contains_key(&socket) {
            return Joined::default();
        }
        let Some(entry) = self.entries.get_mut(&room) else { return Joined::default() };
        let created = entry.members.is_empty();
        if !entry.members.insert(socket) {
            return Joined::default();
        }
        let entry = self.entries.get_mut(&socket).expect("it is there");
        entry.connected = true;
        entry.joined.push(room);
        Joined { created, joined: true }
    }

    fn leave(&mut self, socket: u32, room: u32) -> Left {
        if let Some(entry) = self.entries.get_mut(&socket) {
            entry.joined.retain(|&joined| joined != room);
        }
        self.take_out(socket, room)
    }

    fn take_out(&mut self, socket: u32, room: u32) -> Left {
        let Some(entry) = self.entries.get_mut(&room) else { return Left::default() };
        let left = entry.members.remove(&socket);
        let deleted = left && entry.members.is_empty();
        Left { left, deleted, freed: self.release(room) }
    }

    fn disconnect(&mut self, socket: u32) -> (Vec<(u32, Left)>, bool) {
        let Some(entry) = self.entries.get_mut(&socket) else { return (Vec::new(), false) };
        let joined = std::mem::take(&mut entry.joined);
        let left = joined.into_iter().map(|room| (room, self.take_out(socket, room))).collect();
        if let Some(entry) = self.entries.get_mut(&socket) {
            entry.connected = false;
        }
        (left, self.release(socket))
    }

    fn sockets(&self) -> impl Iterator<Item = u32> {
        self.entries.iter().filter(|(_, entry)| entry.connected).map(|(&id, _)| id)
    }

    fn rooms(&self) -> impl Iterator<Item = u32> {
        self.entries.iter().filter(|(_, entry)| !entry.members.is_empty()).map(|(&id, _)| id)
    }

    fn members(&self, rooms: &[u8]) -> BTreeSet<u32> {
        let entries = rooms.iter().filter_map(|&room| self.entries.get(&room.into()));
        entries.flat_map(|entry| entry.members.iter().copied()).collect()
    }
}

struct Pair {
    index: RoomIndex,
    model: Model,
}

impl Pair {
    fn perform(&mut self, operation: Operation) {
        match operation {
            Operation::Connect(socket) => {
                let connected = self.index.connect(id(socket.into()));
                assert_eq!(connected, self.model.connect(socket.into()));
            }
            Operation::Disconnect(socket) => {
                let mut left = Vec::new();
                let freed = self.index.disconnect(id(socket.into()), |room, how| {
                    left.push((number(room), how));
                });
                assert_eq!((left, freed), self.model.disconnect(socket.into()));
            }
            Operation::Intern(name) => {
                self.intern(name);
            }
            Operation::Join(socket, room) => self.join(socket.into(), room.into()),
            Operation::JoinMany(count, first, room) => {
                let room = self.intern(room);
                for name in (first..=u8::MAX).take(count.into()) {
                    let socket = self.intern(name);
                    self.join(socket, room);
                }
            }
            Operation::Leave(socket, room) => self.leave(socket.into(), room.into()),
            Operation::LeaveMany(count, first, room) => {
                for socket in (first..=u8::MAX).take(count.into()) {
                    self.leave(socket.into(), room.into());
                }
            }
            Operation::Release(name) => {
                let released = self.index.release(id(name.into()));
                assert_eq!(released, self.model.release(name.into()));
            }
            Operation::Targets { rooms, all, except } => self.check_targets(&rooms, all, &except),
        }
    }

    fn intern(&mut self, name: u8) -> u32 {
        // Some are longer than what an entry holds itself.
        let name = vec![name; 1 + usize::from(name % 32)];
        let interned = number(self.index.intern(&name));
        let known = self.model.ids.get(&name).copied();
        if known.is_none() {
            // The next new name takes a free id.
            let next = self.model.entries.len() as u32;
            let reused = self.model.free.remove(&interned);
            assert!(reused || (self.model.free.is_empty() && interned == next));
            self.model.ids.insert(name.clone(), interned);
            self.model.entries.insert(interned, Entry { name, ..Entry::default() });
        }
        assert_eq!(interned, known.unwrap_or(interned));
        interned
    }

    fn join(&mut self, socket: u32, room: u32) {
        assert_eq!(self.index.join(id(socket), id(room)), self.model.join(socket, room));
    }

    fn leave(&mut self, socket: u32, room: u32) {
        assert_eq!(self.index.leave(id(socket), id(room)), self.model.leave(socket, room));
    }

    fn check_targets(&mut self, rooms: &[u8], all: bool, except: &[u8]) {
        let ids = |names: &[u8]| names.iter().map(|&name| id(name.into())).collect::<Vec<_>>();
        let mut targets = vec![u32::MAX];
        let (rooms_of, except_of) = (ids(rooms).into_iter(), ids(except).into_iter());
        self.index.targets(rooms_of, all, except_of, &mut targets);
        targets.sort_unstable();
        let wanted = if all { self.model.sockets().collect() } else { self.model.members(rooms) };
        let expected: Vec<u32> = wanted.difference(&self.model.members(except)).copied().collect();
        assert_eq!(targets, expected);
    }

    fn check_counts(&self) {
        assert_eq!(self.index.socket_count(), self.model.sockets().count());
        assert_eq!(self.index.room_count(), self.model.rooms().count());
    }

    fn check_all(&self) {
        let Self { index, model } = self;
        assert!(sorted(index.sockets()).into_iter().eq(model.sockets()));
        assert!(sorted(index.rooms()).into_iter().eq(model.rooms()));
        for number in 0..=u8::MAX.into() {
            let entry = model.entries.get(&number);
            let name = entry.map(|entry| entry.name.as_slice());
            assert_eq!(index.name(id(number)), name);
            assert_eq!(name.and_then(|name| index.find(name)), name.map(|_| id(number)));
            let Some(entry) = entry else { continue };
            assert_eq!(index.is_socket(id(number)), entry.connected);
            assert_eq!(index.is_room(id(number)), !entry.members.is_empty());
            assert!(index.rooms_of(id(number)).eq(entry.joined.iter().map(|&room| id(room))));
            assert!(sorted(index.members(id(number))).iter().eq(&entry.members));
            assert_eq!(index.member_count(id(number)), entry.members.len());
            assert!(entry.members.iter().all(|&socket| index.contains(id(number), id(socket))));
        }
    }
}

fn id(number: u32) -> NameId {
    NameId::from_index(number)
}

fn number(id: NameId) -> u32 {
    u32::try_from(id.index()).expect("an id has 32 bits")
}

fn sorted(ids: impl Iterator<Item = NameId>) -> Vec<u32> {
    let mut numbers: Vec<u32> = ids.map(number).collect();
    numbers.sort_unstable();
    numbers
}
