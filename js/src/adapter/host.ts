import { Buffer } from "node:buffer"
import { Core, type Host } from "../boundary.ts"
import { asBuffer } from "../redis/connection.ts"
import { wasmModule } from "../wasm/node.ts"

/** Buffers from the first length to the second are parts of slabs of the third. */
const POOLED_BY_NODE = 4_096
const SLICED = 32_768
const SLAB = 131_072

let slab = Buffer.alloc(0)
let used = 0

/**
 * Node pools what is smaller than 4 KB, in memory that it uses again while it is in the cache; for each
 * buffer from there on it makes an ArrayBuffer, which costs 1-4 µs. A client that is slow to take a
 * frame keeps its slab alive.
 */
function allocate(length: number): Buffer {
  if (length < POOLED_BY_NODE || length > SLICED) return Buffer.allocUnsafe(length)
  if (used + length > slab.length) {
    slab = Buffer.allocUnsafeSlow(SLAB)
    used = 0
  }
  const start = used
  used += length
  return slab.subarray(start, used)
}

/** How Node, Bun and Deno hand over bytes: as Buffers, which are pooled and which users expect. */
const host: Host = {
  allocate,
  text: (bytes, start, end) => asBuffer(bytes).toString("utf8", start, end),
  binary: asBuffer,
}

let core: Core | undefined

/** The core of this process; made when the first adapter is. */
export function processCore(): Core {
  core ??= new Core(wasmModule(), host)
  return core
}

/** The UTF-8 text of a part of these bytes. */
export const textOf = host.text
