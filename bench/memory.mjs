// One adapter's memory for 1.1 million memberships, on standard output, in bytes:
// node --expose-gc bench/memory.mjs MODULE
//
// 100,000 sockets, each in its own room and in 10 of 1,000 rooms. Their names are not counted: they
// are the application's, and exist before.

import assert from "node:assert/strict"
import { seeded } from "./payloads.mjs"
import { World } from "./world.mjs"

const SOCKETS = 100_000
const ROOMS = 1_000
const JOINS = 10

const { createAdapter } = await import(process.argv[2])
const world = new World(createAdapter)
await world.subscribed()
const { adapter } = world

const random = seeded(3)
// Flat: text put together by operators is copied when it is first a key, and would count as garbage.
const flat = (text) => Buffer.from(text).toString("latin1")
const rooms = Array.from({ length: ROOMS }, (_, index) => flat(`room:${index}`))
const sockets = Array.from({ length: SOCKETS }, (_, index) => {
  const joins = new Set()
  while (joins.size < JOINS) joins.add(rooms[Math.floor(random() * ROOMS)])
  return { id: flat(String(index).padStart(20, "s")), joins: [...joins] }
})

const before = used()
for (const { id, joins } of sockets) {
  adapter.addAll(id, new Set([id]))
  adapter.addAll(id, new Set(joins))
}
const after = used()

assert.equal(adapter.sids.size, SOCKETS)
assert.equal(adapter.rooms.size, SOCKETS + ROOMS)
for (const { id, joins } of sockets.filter((_, index) => index % 1_000 === 0)) {
  assert.deepEqual([...adapter.socketRooms(id)].toSorted(), [id, ...joins].toSorted())
}
const members = rooms.reduce((sum, room) => sum + adapter.rooms.get(room).size, 0)
assert.equal(members, SOCKETS * JOINS)

const { external } = process.memoryUsage()
const probe = new WebAssembly.Memory({ initial: 160 })
const excess = process.memoryUsage().external - external - probe.buffer.byteLength
assert.ok(Math.abs(excess) < 1_024, "V8 counts WebAssembly memory as external, once")

console.log(after - before)

/** Bytes of the heap and outside of it; `external` holds array buffers and WebAssembly memory. */
function used() {
  globalThis.gc()
  globalThis.gc()
  const usage = process.memoryUsage()
  return usage.heapUsed + usage.external
}
