// Messages that no server sends.
import { Buffer } from "node:buffer"
import { malformed } from "../../node/support/messages.ts"
import { wires } from "../support/wire.ts"

/** An extension that promises 4 GB: notepack.io 3.0.1 copies byte after byte of it, though there are none. */
export const endless: Buffer = Buffer.from([0x93, 0xc9, 0xff, 0xff, 0xff, 0xff, 0])

/** What no encoder wrote, and what one wrote that is no broadcast all the same; not the longest. */
const shapes = malformed
  .map(([, message]) => message)
  .filter((message) => message.length < 1_000 && !message.equals(endless))

const good = wires.classic.event("bad")

/** An array of three, a uid, and arrays inside each other without end. */
const nested = (depth: number) => Buffer.concat([good.subarray(0, 8), Buffer.alloc(depth, 0x91)])

const json = (value: unknown) => Buffer.from(JSON.stringify(value))

/** Well-formed JSON that servers who speak JSON to each other do not say: of the sharded dialect. */
export const wrongForSharded: readonly Buffer[] = [
  { uid: "x", nsp: "/", type: 3 },
  { uid: "x", nsp: "/", type: 3, data: {} },
  { uid: "x", nsp: "/", type: 3, data: { packet: null, opts: null } },
  { uid: "x", nsp: "/", type: 3, data: { packet: { type: 2 }, opts: { rooms: 7 } } },
  { uid: "x", nsp: "/", type: 4, data: { opts: {}, rooms: {} } },
  { uid: "x", nsp: "/", type: 5, data: { opts: { rooms: "x", except: 1 } } },
  { uid: "x", nsp: "/", type: 6 },
  { uid: "x", nsp: "/", type: 7, data: {} },
  { uid: "x", nsp: "/", type: 9, data: { packet: 7 } },
].map(json)

/** The like on the channels of ours, by what follows the key in their names. */
export const wrongForOurs: Readonly<Record<string, readonly Buffer[]>> = {
  "#/#": wrongForSharded,
  "#/#room#": wrongForSharded,
  "-request#/#": [
    {},
    { type: "5" },
    { uid: 7, type: 0 },
    { type: 0, rooms: "x" },
    { type: 2, opts: { rooms: {} }, rooms: ["x"] },
    { type: 3, opts: {} },
    { type: 4 },
    { uid: "x", requestId: "x", type: 5 },
    { uid: "x", requestId: {}, type: 5, opts: {} },
    { type: 6, data: {} },
    { type: 6, data: [null] },
    { uid: "x", requestId: "x", type: 7, packet: [], opts: {} },
  ].map(json),
  "-response#/#": [
    { requestId: 7 },
    { requestId: {}, sockets: [] },
    { requestId: ["x"], rooms: {} },
    { type: "8", clientCount: 1 },
    { type: {}, data: [] },
  ].map(json),
}

/** So many malformed messages for the channel of broadcasts, always the same for a seed. */
export function malformedMessages(count: number, seed: number): Buffer[] {
  const random = generator(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  const kinds = [
    () => good.subarray(0, below(good.length)),
    () => shapes[below(shapes.length)] as Buffer,
    () => nested(below(5_000)),
    () => Buffer.from(Array.from({ length: below(100) }, () => below(256))),
    () => wrongForSharded[below(wrongForSharded.length)] as Buffer,
  ]
  return Array.from({ length: count }, (_, index) => {
    const make = kinds[index % kinds.length] as () => Buffer
    return make()
  })
}

/** Numbers from 0 to 1: mulberry32. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
