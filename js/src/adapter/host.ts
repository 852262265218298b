import { Buffer } from "node:buffer"
import { Core, type Host } from "../boundary.ts"
import { asBuffer } from "../redis/connection.ts"
import { wasmModule } from "../wasm/node.ts"

/** Buffers up to the first length are parts of slabs of the second. */
const SLICED = 32_768
const SLAB = 131_072

let slab = Buffer.alloc(0)
let used = 0

/**
 * As Node's pool, with larger slabs: a new ArrayBuffer costs 1-4 µs, and Node makes one for every 8 KB.
 * A client that is slow to take a frame keeps its slab alive.
 */
function allocate(length: number): Buffer {
  if (length > SLICED) return Buffer.allocUnsafeSlow(length)
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
