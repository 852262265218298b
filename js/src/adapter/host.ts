import { Buffer } from "node:buffer"
import { Core, type Host } from "../boundary.ts"
import { wasmModule } from "../wasm/node.ts"

/** How Node, Bun and Deno hand over bytes: as Buffers, which are pooled and which users expect. */
const host: Host = {
  allocate: (length) => Buffer.allocUnsafe(length),
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
