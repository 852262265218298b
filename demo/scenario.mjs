// The demo without a page: scripted clients, what each must hear, and what each has heard.

import { once } from "node:events"
import { connectClient } from "./cluster.mjs"
import { describeTarget } from "./terminal.mjs"
import { printVerdict } from "./verdict.mjs"

/** How long to wait for what must be heard, in milliseconds. */
const HEARD_LIMIT = 5000

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))

/** The clients: which server each is connected to, and the rooms it joins at the start. */
export const CLIENTS = [
  { name: "ada", server: "one", rooms: ["tea"] },
  { name: "ben", server: "one", rooms: ["chess"] },
  { name: "cleo", server: "two", rooms: ["tea", "chess"] },
  { name: "dan", server: "three", rooms: [] },
]

/**
 * What happens, in order. Each step is an emit by one client (after joins and leaves, if it names
 * any) and the clients that must hear it, each exactly once.
 */
export const STEPS = [
  { by: "ada", heard: ["ada", "ben", "cleo", "dan"] },
  {
    by: "ben",
    title: "everyone, in Unicode",
    payload: "Grüße, 世界 🌍 \u2028 \"'\\",
    heard: ["ada", "ben", "cleo", "dan"],
  },
  { by: "dan", rooms: ["tea"], heard: ["ada", "cleo"] },
  { by: "cleo", except: ["tea"], heard: ["ben", "dan"] },
  { by: "dan", rooms: ["tea", "chess"], heard: ["ada", "ben", "cleo"] },
  { by: "ben", rooms: ["tea", "chess"], except: ["chess"], heard: ["ada"] },
  { by: "ada", title: "a room with nobody in it", rooms: ["void"], heard: [] },
  {
    by: "cleo",
    title: "bytes to everyone",
    payload: { bytes: ALL_BYTES, deep: [{ empty: Buffer.alloc(0), list: [1.5, null, ALL_BYTES] }] },
    heard: ["ada", "ben", "cleo", "dan"],
  },
  {
    by: "dan",
    title: "volatile to everyone",
    volatile: true,
    heard: ["ada", "ben", "cleo", "dan"],
  },
  { by: "ada", local: true, heard: ["ada", "ben"] },
  {
    by: "ada",
    title: "room tea, cleo left",
    leaves: ["cleo", "tea"],
    rooms: ["tea"],
    heard: ["ada"],
  },
  {
    by: "cleo",
    title: "room tea, dan joined",
    joins: ["dan", "tea"],
    rooms: ["tea"],
    heard: ["ada", "dan"],
  },
].map((step, index) =>
  Object.assign(
    {
      title: describeTarget({ rooms: [], except: [], ...step }),
      rooms: [],
      except: [],
      local: false,
      volatile: false,
      payload: `step ${index + 1}`,
    },
    step,
  ),
)

const now = () => performance.timeOrigin + performance.now()

const emitOrder = ({ socket }, { rooms, except, local, volatile, payload }) =>
  socket.emit("emit", { rooms, except, local, volatile, payload, sentAt: now() })

async function connect({ name, server, rooms }, servers, onMessage) {
  const socket = connectClient(servers.find((each) => each.name === server))
  const client = { name, server, socket }
  socket.on("message", (message) => onMessage(client, message))
  await once(socket, "connect")
  await Promise.all(rooms.map((room) => socket.emitWithAck("join", room)))
  return client
}

/** Resolves to true once `isDone` holds, which is asked again after each message, or to false too late. */
function until(isDone, arrivals) {
  if (isDone()) return Promise.resolve(true)
  return new Promise((resolve) => {
    const close = (done) => {
      clearTimeout(timer)
      arrivals.delete(check)
      resolve(done)
    }
    const check = () => isDone() && close(true)
    const timer = setTimeout(close, HEARD_LIMIT, false)
    arrivals.add(check)
  })
}

/**
 * Plays all steps on the servers and prints the result. Resolves to whether every client has heard
 * all it had to, once each, unchanged, and nothing else.
 *
 * After each step a marker goes from every server to everyone. What one server publishes arrives in
 * order, so a client that has heard all markers will hear nothing more of the steps before.
 */
export async function runScenario(servers, write) {
  const records = []
  /** For each marker, the pairs of a server and a client that heard it from there. */
  const markers = new Map()
  const arrivals = new Set()

  const onMessage = (client, { from, payload, sentAt }) => {
    if (payload?.marker) {
      const pairs = markers.get(payload.marker) ?? new Set()
      markers.set(payload.marker, pairs.add(`${from} ${client.name}`))
    } else {
      records.push({ client: client.name, from, payload, ms: now() - sentAt })
    }
    for (const check of arrivals) check()
  }

  const clients = await Promise.all(CLIENTS.map((each) => connect(each, servers, onMessage)))
  const byName = (name) => clients.find((client) => client.name === name)
  const speakers = servers.map(({ name }) => clients.find((client) => client.server === name))

  async function play(step, marker) {
    const first = records.length
    if (step.joins) await byName(step.joins[0]).socket.emitWithAck("join", step.joins[1])
    if (step.leaves) await byName(step.leaves[0]).socket.emitWithAck("leave", step.leaves[1])
    emitOrder(byName(step.by), step)
    const isHeardBy = (name) => records.slice(first).some(({ client }) => client === name)
    await until(() => step.heard.every(isHeardBy), arrivals)

    for (const speaker of speakers) emitOrder(speaker, { payload: { marker } })
    const isMarked = () => markers.get(marker)?.size === servers.length * clients.length
    const marked = await until(isMarked, arrivals)
    return { ...step, from: byName(step.by).server, marked, records: records.slice(first) }
  }

  const played = []
  for (const [index, step] of STEPS.entries()) {
    played.push(await play(step, index + 1))
  }
  for (const { socket } of clients) socket.disconnect()
  return printVerdict(played, CLIENTS, write)
}
