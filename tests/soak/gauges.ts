import { setTimeout } from "node:timers/promises"
import { wasmBytes } from "./wasm-memory.ts"
import { markersHeard, type World } from "./world.ts"

/** How long what was begun may take to end, in milliseconds. */
const PATIENCE = 4_000

/** One figure of a process that is to end where it began. */
export interface Gauge {
  readonly name: string
  readonly unit: "bytes" | "count"
  /** What it may have grown by after a part of the whole load; `undefined` where it is only shown. */
  readonly tolerance?: (scale: number) => number
  /** What it is measured against, if not against the start. */
  readonly against?: "middle"
}

export type Reading = Record<string, number>

const exactly = () => 0
const megabytes = (number: number) => number * (1 << 20)

/** In the order in which they are shown; `read` has the same names. */
export const gauges: readonly Gauge[] = [
  // Node keeps the room for the reasons of as many `AbortSignal`s as there ever were at once: node-redis 6
  // makes one for each command, for 5 s. That table doubles once in a while, and ends at some megabytes.
  {
    name: "heap",
    unit: "bytes",
    tolerance: (scale) => megabytes(Math.min(2 + 60 * scale, 8)),
    against: "middle",
  },
  // The parser of ioredis keeps some of what its longest replies needed.
  { name: "buffers", unit: "bytes", tolerance: (scale) => megabytes(Math.min(2 + 60 * scale, 16)) },
  // It cannot shrink: what a half needs at once stays. Where the long buffers of huge messages find a
  // place, and how many closed adapters wait to be collected, is not quite the same each time.
  {
    name: "wasm memory",
    unit: "bytes",
    tolerance: (scale) => megabytes(Math.min(1 + 60 * scale, 8)),
    against: "middle",
  },
  { name: "resident set", unit: "bytes" },
  { name: "subscriptions in Redis", unit: "count", tolerance: exactly },
  { name: "channels in Redis", unit: "count", tolerance: exactly },
  { name: "patterns in Redis", unit: "count", tolerance: exactly },
  { name: "connections to Redis", unit: "count", tolerance: exactly },
  { name: "listeners of Redis clients", unit: "count", tolerance: exactly },
  { name: "listeners of namespaces", unit: "count", tolerance: exactly },
  { name: "listeners of the process", unit: "count", tolerance: exactly },
  { name: "namespaces", unit: "count", tolerance: exactly },
  { name: "sockets", unit: "count", tolerance: exactly },
  { name: "rooms", unit: "count", tolerance: exactly },
  { name: "acknowledgements awaited", unit: "count", tolerance: exactly },
  { name: "requests open", unit: "count", tolerance: exactly },
]

/** Whether a figure is where it has to be after a part of the whole load. */
export function holds(gauge: Gauge, readings: readonly Reading[], scale: number): boolean {
  const [start, middle, end] = readings.map((reading) => reading[gauge.name] ?? NaN)
  const growth = Number(end) - Number(gauge.against === "middle" ? middle : start)
  return gauge.tolerance === undefined || growth <= gauge.tolerance(scale)
}

/**
 * All figures, once nothing is under way any more. `start`: what they were before, which those that
 * count things are waited for to become again, but not for ever.
 */
export async function read(world: World, start?: Reading): Promise<Reading> {
  await markersHeard(world)
  if (start !== undefined) await countsAreBack(world, start)
  await collectGarbage()
  const { heapUsed, external, rss } = process.memoryUsage()
  return {
    heap: heapUsed,
    // V8 counts the memory of WebAssembly as external.
    buffers: external - wasmBytes(),
    "wasm memory": wasmBytes(),
    "resident set": rss,
    ...(await count(world)),
  }
}

async function countsAreBack(world: World, start: Reading): Promise<void> {
  const deadline = Date.now() + PATIENCE
  while (Date.now() < deadline) {
    const counts = Object.entries(await count(world))
    if (counts.every(([name, value]) => value <= (start[name] ?? 0))) return
    await setTimeout(20)
  }
}

async function count({ servers, outsider }: World): Promise<Reading> {
  const list = String(await outsider.client("LIST"))
  const adapters = servers.map(({ nsp }) => nsp.adapter)
  const sockets = servers.flatMap(({ nsp }) => [...nsp.sockets.values()])
  return {
    "subscriptions in Redis": sum(
      [...list.matchAll(/ p?sub=(\d+)/g)].map((found) => Number(found[1])),
    ),
    "channels in Redis": ((await outsider.pubsub("CHANNELS")) as unknown[]).length,
    "patterns in Redis": Number(await outsider.pubsub("NUMPAT")),
    "connections to Redis": list.trim().split("\n").length,
    "listeners of Redis clients": sum(
      servers.flatMap(({ pair }) => [pair.pubClient, pair.subClient]).map(listeners),
    ),
    "listeners of namespaces": sum(
      [...servers.map(({ nsp }) => nsp), ...adapters, ...sockets].map(listeners),
    ),
    "listeners of the process": listeners(process),
    namespaces: sum(servers.map(({ namespaces }) => namespaces.size)),
    sockets: sockets.length,
    rooms: sum(adapters.map(({ rooms }) => rooms.size)),
    "acknowledgements awaited": sum((sockets as never[]).map(acksOf)),
    "requests open": sum(adapters.map(openRequests)),
  }
}

/** Ends when the heap shrinks no further; what waits for a timer or is finalised may free more. */
async function collectGarbage(): Promise<void> {
  let before = Infinity
  for (let round = 0; round < 20; round++) {
    globalThis.gc?.()
    await setTimeout(50)
    const { heapUsed } = process.memoryUsage()
    if (round > 4 && before - heapUsed < 4_096) return
    before = heapUsed
  }
}

function listeners(emitter: {
  eventNames(): (string | symbol)[]
  listenerCount(event: never): number
}): number {
  return sum(emitter.eventNames().map((event) => emitter.listenerCount(event as never)))
}

function acksOf({ acks }: { acks: Map<number, unknown> }): number {
  return acks.size
}

function openRequests(adapter: object): number {
  const { stats } = adapter as { stats?: () => { openRequests?: number } }
  return stats?.call(adapter).openRequests ?? 0
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
