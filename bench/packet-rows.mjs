import assert from "node:assert/strict"
import { payloads } from "./payloads.mjs"
import { World } from "./world.mjs"

const NOBODY = new Set()
/** Length of the header of a message and of its sender's uid, in bytes; the rest is comparable. */
const PREAMBLE = 8

const audiences = {
  all: new Set(),
  room: new Set(["news"]),
  elsewhere: new Set(["lobby", "staff"]),
  oneElsewhere: new Set(["lobby"]),
}

/** The rows of messages: each compares two worlds with one local socket, which is in the room "news". */
export async function packetRows(adapters) {
  const [ours, reference] = await Promise.all([
    inhabited(adapters.ours),
    inhabited(adapters.reference),
  ])
  // Whoever sends what is received: the published adapter on another server.
  const sender = await inhabited(adapters.reference)

  const rows = []
  const add = (group, name, operationOn, writes, settles = false) => {
    rows.push({
      group,
      name,
      settles,
      ours: operationOn(ours),
      reference: operationOn(reference),
      check() {
        const [seen, expected] = [ours, reference].map((world) =>
          comparable(world.observe(operationOn(world))),
        )
        assert.deepEqual(seen, expected)
        const length = name.includes("binary") ? 2 : 1
        assert.equal(expected.written.length, writes * length)
        assert.equal(expected.published.length, settles ? 1 : 0)
      },
    })
  }
  for (const [name, data] of Object.entries(payloads)) {
    const received = (audience) => () => receiving(publishedBy(sender, data, audience))
    const operations = {
      receive: [received(audiences.all), 1],
      "receive-room": [received(audiences.room), 1],
      unwanted: [received(audiences.elsewhere), 0],
      "unwanted-room": [received(audiences.oneElsewhere), 0],
    }
    for (const [group, [make, writes]] of Object.entries(operations))
      add(group, name, make(), writes)
    add("echo", name, (world) => receiving(publishedBy(world, data, audiences.all))(world), 0)
    add("send", name, sending(data, audiences.all), 1, true)
    add("send-room", name, sending(data, audiences.room), 1, true)
  }
  return rows.toSorted((a, b) => ORDER.indexOf(a.group) - ORDER.indexOf(b.group))
}

const ORDER = ["receive", "receive-room", "unwanted", "unwanted-room", "echo", "send", "send-room"]

async function inhabited(createAdapter) {
  const world = new World(createAdapter)
  await world.subscribed()
  const [socket] = await world.connect(1)
  socket.join("news")
  return world
}

const receiving =
  ({ channel, message }) =>
  (world) => {
    const name = Buffer.from(channel)
    return () => world.receive(message, name)
  }

const sending = (data, rooms) => (world) => {
  const { adapter } = world
  // As socket.io's BroadcastOperator calls it for each emit.
  return () => adapter.broadcast({ type: 2, data }, { rooms, except: NOBODY, flags: {} })
}

function publishedBy(world, data, rooms) {
  const { published } = world.observe(sending(data, rooms)(world))
  assert.equal(published.length, 1, "an emit publishes one message")
  return published[0]
}

function comparable({ written, published }) {
  return {
    written,
    published: published.map(({ channel, message }) => ({
      channel,
      message: message.subarray(PREAMBLE),
    })),
  }
}
