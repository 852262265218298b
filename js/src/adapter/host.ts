import { Buffer } from "node:buffer"
import { Core, type Host } from "../boundary.ts"
import { wasmModule } from "../wasm/node.ts"

/** What Node allocates one by one, from the first length to the second, comes out of slabs here. */
const MEDIUM = [4_096, 32_768] as const
const SLAB = 131_072

let slab = Buffer.alloc(0)

/** Node pools what is smaller; for each buffer of middle size it would make an ArrayBuffer, at 1-4 µs. */
function allocate(length: number): Buffer {
  if (length < MEDIUM[0] || length > MEDIUM[1]) return Buffer.allocUnsafe(length)
  if (slab.length < length) slab = Buffer.allocUnsafeSlow(SLAB)
  const buffer = slab.subarray(0, length)
  slab = slab.subarray(length)
  return buffer
}

/** How Node, Bun and Deno hand over bytes: as Buffers, which are pooled and which users expect. */
const host: Host = {
  allocate,
  text: (bytes, start, end) => asBuffer(bytes).toString("utf8", start, end),
  binary: asBuffer,
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

let core: Core | undefined

/** The core of this process; made when the first adapter is. */
export function processCore(): Core {
  core ??= new Core(wasmModule(), host)
  return core
}

/** The UTF-8 text of a part of these bytes. */
export const textOf = host.text
