import { Buffer } from "node:buffer"
import type { Redis } from "ioredis5"
import { encode } from "notepack.io"
import type { AdapterName } from "./servers.ts"

/** A peer without an encoder of its own: what others send, as bytes of a test's choice. */
export interface Wire {
  /** A broadcast of an event without arguments to all, as another server sends it. */
  event(name: string): Buffer
  /** Sends a message as a broadcast to all is sent. */
  send(redis: Redis, key: string, message: Buffer): Promise<unknown>
}

const opts = { rooms: [], except: [], flags: {} }
const uid = "AAAAAA"

const classic: Wire = {
  event: (name) => encode([uid, { type: 2, data: [name], nsp: "/" }, opts]),
  send: (redis, key, message) => redis.publish(`${key}#/#`, message),
}

const data = (name: string) => ({ packet: { type: 2, data: [name] }, opts })

const sharded: Wire = {
  event: (name) => Buffer.from(JSON.stringify({ type: 3, data: data(name), uid, nsp: "/" })),
  send: (redis, key, message) => redis.spublish(`${key}#/#`, message),
}

/** How each adapter is spoken to. */
export const wires: Record<AdapterName, Wire> = {
  ours: classic,
  "ours sharded": sharded,
  classic,
  sharded,
  streams: {
    event: (name) => Buffer.from(JSON.stringify(data(name))),
    send: (redis, key, message) => addEntry(redis, key, 3, message),
  },
}

/** Adds an entry of a type to a stream of the streams adapter. */
export function addEntry(
  redis: Redis,
  key: string,
  type: number,
  message: Buffer | string,
): Promise<unknown> {
  return redis.xadd(key, "*", "uid", uid, "nsp", "/", "type", `${type}`, "data", message)
}
