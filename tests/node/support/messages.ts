import { Buffer } from "node:buffer"
import { encode } from "notepack.io"

const opts = { rooms: [], except: [], flags: {} }
const packet = { type: 2, data: ["bad", 1], nsp: "/" }
const bad = (message: unknown): Buffer => encode(message)
const raw = (...bytes: number[]): Buffer => Buffer.from(bytes)
const good = bad(["AAAAAA", packet, opts])

/** An array header that promises more than any message holds, and what follows. */
const promised = (...bytes: number[]): Buffer => raw(0xdd, 0xff, 0xff, 0xff, 0xff, ...bytes)

/** Messages on the channel of "/" that no published package sends, or that its receivers fail on. */
export const malformed: readonly [what: string, message: Buffer][] = [
  ["nothing", Buffer.alloc(0)],
  ["an unused byte", raw(0xc1)],
  ["text", Buffer.from("hello")],
  ["JSON without opts", Buffer.from(JSON.stringify(["AAAAAA", packet]))],
  ["JSON that is cut short", Buffer.from(JSON.stringify(["AAAAAA", packet, opts]).slice(0, -1))],
  ["a JSON object", Buffer.from('{"type":3,"uid":"AAAAAA"}')],
  ["nil", raw(0xc0)],
  ["a number", bad(1)],
  ["a string", bad("AAAAAA")],
  ["an object", bad({})],
  ["an empty array", bad([])],
  ["a uid that is nil", bad([null, packet, opts])],
  ["a uid that is a number", bad([1, packet, opts])],
  ["a uid that is an object", bad([{}, packet, opts])],
  ["no opts", bad(["AAAAAA", packet])],
  ["opts that are nil", bad(["AAAAAA", packet, null])],
  ["opts that are a list", bad(["AAAAAA", packet, []])],
  ["opts that are a string", bad(["AAAAAA", packet, "opts"])],
  ["rooms that are an object", bad(["AAAAAA", packet, { ...opts, rooms: {} }])],
  ["rooms that are a string", bad(["AAAAAA", packet, { ...opts, rooms: "room" }])],
  ["rooms that are a number", bad(["AAAAAA", packet, { ...opts, rooms: 1 }])],
  ["except that is an object", bad(["AAAAAA", packet, { ...opts, except: {} }])],
  ["except that is a string", bad(["AAAAAA", packet, { ...opts, except: "room" }])],
  ["flags that are a list", bad(["AAAAAA", packet, { ...opts, flags: [] }])],
  ["flags that are a string", bad(["AAAAAA", packet, { ...opts, flags: "volatile" }])],
  ["flags that are true", bad(["AAAAAA", packet, { ...opts, flags: true }])],
  ["a packet that is nil", bad(["AAAAAA", null, opts])],
  ["a packet that is a list", bad(["AAAAAA", [], opts])],
  ["a packet that is a string", bad(["AAAAAA", "packet", opts])],
  ["a packet without anything", bad(["AAAAAA", {}, opts])],
  ["a packet without data", bad(["AAAAAA", { type: 2, nsp: "/" }, opts])],
  ["a packet without a type", bad(["AAAAAA", { data: ["bad"], nsp: "/" }, opts])],
  ["data that is nil", bad(["AAAAAA", { ...packet, data: null }, opts])],
  ["data that is an object", bad(["AAAAAA", { ...packet, data: {} }, opts])],
  ["data that is a string", bad(["AAAAAA", { ...packet, data: "bad" }, opts])],
  ["no event", bad(["AAAAAA", { ...packet, data: [] }, opts])],
  ["an event that is nil", bad(["AAAAAA", { ...packet, data: [null] }, opts])],
  ["an event that is true", bad(["AAAAAA", { ...packet, data: [true] }, opts])],
  ["an event that is an object", bad(["AAAAAA", { ...packet, data: [{}] }, opts])],
  ["an event that is a list", bad(["AAAAAA", { ...packet, data: [["bad"]] }, opts])],
  ["an event that is binary", bad(["AAAAAA", { ...packet, data: [Buffer.from("bad")] }, opts])],
  ...[
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
  ].map((event): [string, Buffer] => [
    `the reserved event ${event}`,
    bad(["AAAAAA", { ...packet, data: [event] }, opts]),
  ]),
  ...[0, 1, 3, 4, 6, 7, 255, -1, 2.5, "2", null].map((type): [string, Buffer] => [
    `the type ${JSON.stringify(type)}`,
    bad(["AAAAAA", { ...packet, type }, opts]),
  ]),
  ["a namespace that is a number", bad(["AAAAAA", { ...packet, nsp: 1 }, opts])],
  ["a namespace that is nil", bad(["AAAAAA", { ...packet, nsp: null }, opts])],
  ["bytes after the end", Buffer.concat([good, raw(0xc0)])],
  ["two messages", Buffer.concat([good, good])],
  ["half a message", good.subarray(0, good.length >> 1)],
  ["all but a byte", good.subarray(0, -1)],
  ["an endless array", promised()],
  ["an endless array of a uid", promised(0xa1, 0x41)],
  ["an endless string", raw(0x93, 0xdb, 0xff, 0xff, 0xff, 0xff, 0x41)],
  ["an endless map", raw(0x93, 0xa1, 0x41, 0xdf, 0xff, 0xff, 0xff, 0xff)],
  ["endless binary", raw(0x93, 0xc6, 0xff, 0xff, 0xff, 0xff)],
  ["an endless extension", raw(0x93, 0xc9, 0xff, 0xff, 0xff, 0xff, 0)],
  ["nesting without end", Buffer.concat([raw(0x93, 0xa1, 0x41), Buffer.alloc(100_000, 0x91)])],
  ["nested objects without end", Buffer.concat([raw(0x93), Buffer.alloc(99_999, 0x81)])],
  ["data that is nested too deep", tooDeep()],
]

/** Sound messages for others: for another namespace, and for nobody here. */
export const foreign: readonly [what: string, message: Buffer][] = [
  ["another namespace", bad(["AAAAAA", { ...packet, nsp: "/other" }, opts])],
  ["a namespace that begins alike", bad(["AAAAAA", { ...packet, nsp: "/a" }, opts])],
  ["an empty namespace", bad(["AAAAAA", { ...packet, nsp: "" }, opts])],
]

export const unwanted: readonly [what: string, message: Buffer][] = [
  ["a room that is not there", bad(["AAAAAA", packet, { ...opts, rooms: ["nobody's"] }])],
  ["rooms in a room", bad(["AAAAAA", packet, { ...opts, rooms: [["a", "b"]] }])],
]

/** Another server's probe of its subscription: nobody's business, and not counted. */
export const probe: [what: string, message: Buffer] = ["another server's probe", bad(["AAAAAA"])]

/** A sound broadcast to all. */
export const wanted = (event: string): Buffer => bad(["AAAAAA", { ...packet, data: [event] }, opts])

/** A message that is sound but for how deep its data is nested; no encoder would get that far. */
function tooDeep(): Buffer {
  const levels = 100_000
  const start = [raw(0x93), bad("AAAAAA"), raw(0x83), bad("type"), bad(2), bad("nsp"), bad("/")]
  const data = [bad("data"), raw(0x92), bad("bad"), Buffer.alloc(levels, 0x91), raw(0xc0)]
  return Buffer.concat([...start, ...data, bad(opts)])
}
