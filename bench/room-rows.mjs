import assert from "node:assert/strict"
import { seeded } from "./payloads.mjs"
import { World } from "./world.mjs"

const POPULATION = 10_000
const ALIVE = 1_000

/** The rows of targeting: which of 10,000 sockets are in these rooms. */
export async function targetingRows(adapters) {
  const ours = await populated(adapters.ours, POPULATION)
  const reference = await populated(adapters.reference, POPULATION)
  const random = seeded(7)
  const draw = (share) => ours.sockets.map(() => random() < share)
  const memberships = {
    hundred: ours.sockets.map((_, index) => index % 100 === 0),
    everybody: draw(1),
    muted: draw(0.1),
    left: draw(0.05),
    right: draw(0.05),
  }
  const ten = Array.from({ length: 10 }, (_, index) => `topic:${index}`)
  for (const topic of ten) memberships[topic] = draw(0.1)
  for (const world of [ours, reference]) {
    for (const [room, members] of Object.entries(memberships)) {
      world.sockets.forEach(({ id }, index) => {
        if (members[index]) world.adapter.addAll(id, new Set([room]))
      })
    }
  }

  const row = (name, rooms, except = []) => {
    const options = { rooms: new Set(rooms), except: new Set(except), flags: {} }
    let called = 0
    const operationOn =
      ({ adapter }) =>
      () =>
        adapter.apply(options, () => (called += 1))
    const targetsIn = ({ adapter, sockets }) => {
      const targets = []
      adapter.apply(options, (socket) => targets.push(socket))
      return targets.map((socket) => sockets.indexOf(socket)).toSorted((a, b) => a - b)
    }
    return {
      group: "target",
      name,
      ours: operationOn(ours),
      reference: operationOn(reference),
      check() {
        const targets = targetsIn(ours)
        assert.deepEqual(targets, targetsIn(reference))
        assert.ok(targets.length > 0)
        called = 0
        operationOn(ours)()
        assert.equal(called, targets.length)
      },
    }
  }
  return [
    row("room of 100", ["hundred"]),
    row("room of 10,000", ["everybody"]),
    row("10 rooms less 1", ten, ["muted"]),
    row("2 rooms", ["left", "right"]),
  ]
}

/** The row of coming and going: connect, three joins, disconnect, beside 1,000 sockets in 100 rooms. */
export async function churnRows(adapters) {
  const random = seeded(11)
  const rooms = Array.from({ length: 100 }, (_, index) => `room:${index}`)
  const three = () => Array.from({ length: 3 }, () => rooms[Math.floor(random() * rooms.length)])
  // The sets are socket.io's to make, and are made before, as those of the other rows are.
  const visits = Array.from({ length: 4_096 }, (_, index) => {
    const id = `visitor-${String(index).padStart(12, "0")}`
    return { id, joins: [id, ...three()].map((room) => new Set([room])) }
  })
  const worlds = {}
  for (const [side, createAdapter] of Object.entries(adapters)) {
    worlds[side] = await populated(createAdapter, ALIVE)
  }
  for (let index = 0; index < ALIVE; index++) {
    for (const room of three()) {
      for (const world of Object.values(worlds)) {
        world.adapter.addAll(world.sockets[index].id, new Set([room]))
      }
    }
  }

  const operationOn = ({ adapter }) => {
    let turn = 0
    return () => {
      const { id, joins } = visits[turn++ % visits.length]
      // As Socket.join() and leaveAll() of socket.io call it.
      for (const room of joins) adapter.addAll(id, room)
      adapter.delAll(id)
    }
  }
  const eventsIn = ({ adapter }) => {
    const events = []
    const listeners = ["create-room", "join-room", "leave-room", "delete-room"].map((name) => {
      const listener = (...names) => events.push([name, ...names])
      adapter.on(name, listener)
      return [name, listener]
    })
    const operation = operationOn({ adapter })
    for (let i = 0; i < 10; i++) operation()
    for (const [name, listener] of listeners) adapter.off(name, listener)
    const sizes = rooms.map((room) => adapter.rooms.get(room)?.size)
    return { events, sizes, sockets: adapter.sids.size }
  }
  return [
    {
      group: "churn",
      name: "connect, 3 joins, disconnect",
      ours: operationOn(worlds.ours),
      reference: operationOn(worlds.reference),
      check() {
        const seen = eventsIn(worlds.ours)
        assert.deepEqual(seen, eventsIn(worlds.reference))
        assert.equal(seen.sockets, ALIVE)
      },
    },
  ]
}

async function populated(createAdapter, count) {
  const world = new World(createAdapter)
  await world.subscribed()
  const sockets = await world.connect(count)
  return { adapter: world.adapter, sockets }
}
