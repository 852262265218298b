// What 100,000 rooms with a channel of their own cost one server and its Redis, on standard output as JSON:
// node bench/subscriptions.mjs MODULE
//
// 100 sockets join 1,000 rooms each, in one turn of the event loop, with the sharded adapter of MODULE in its
// default mode and clients of node-redis. `milliseconds` until Redis has all channels, `commands` that subscribed
// (SSUBSCRIBE), and `bytes` of Redis's memory, its buffers for the client among them.

import assert from "node:assert/strict"
import { setTimeout as delay } from "node:timers/promises"
import { createClient } from "redis6"
import { Server } from "socket.io"
import { spawnRedis } from "../demo/redis.mjs"

const SOCKETS = 100
const ROOMS = 1_000

const { createShardedAdapter } = await import(process.argv[2])
const redis = await spawnRedis((words) => console.error(words))
await redis.ready
const [pubClient, subClient, control] = Array.from({ length: 3 }, () =>
  createClient({ url: redis.url }),
)
for (const client of [pubClient, subClient, control]) client.on("error", () => {})
await Promise.all([pubClient, subClient, control].map((client) => client.connect()))

const ask = (...command) => control.sendCommand(command)
const figure = async (section, expression) =>
  Number(expression.exec(await ask("INFO", section))?.[1] ?? 0)
const commands = () => figure("commandstats", /^cmdstat_ssubscribe:calls=(\d+)/m)
const memory = () => figure("memory", /^used_memory:(\d+)/m)
const channels = () => figure("stats", /^pubsubshard_channels:(\d+)/m)

const io = new Server({ adapter: createShardedAdapter(pubClient, subClient) })
const { adapter } = io.of("/")
while ((await channels()) < 2) await delay(5)

const sockets = Array.from({ length: SOCKETS }, (_, socket) => ({
  id: String(socket).padStart(20, "s"),
  rooms: new Set(Array.from({ length: ROOMS }, (_room, room) => `room:${socket}:${room}`)),
}))
for (const { id } of sockets) adapter.addAll(id, new Set([id]))
const before = { commands: await commands(), bytes: await memory() }

const start = performance.now()
for (const { id, rooms } of sockets) adapter.addAll(id, rooms)
const expected = SOCKETS * ROOMS + 2
while ((await channels()) < expected) await delay(5)
const milliseconds = performance.now() - start
assert.equal(await channels(), expected)

const after = { commands: await commands(), bytes: await memory() }
console.log(
  JSON.stringify({
    milliseconds,
    commands: after.commands - before.commands,
    bytes: after.bytes - before.bytes,
  }),
)
await redis.stop()
process.exit()
