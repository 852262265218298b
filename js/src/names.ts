/** The names of rooms and sockets as they cross the boundary: `src/wasm/names.rs` reads them. */
import type { Room } from "./socket-io.ts"

/** What stands for a room that cannot be one: applications take rooms from clients, who may send anything. */
let nobody: string | undefined
const NOBODY_BOUND = 64
const NAMELESS = new Set(["bigint", "symbol"])

const float = new DataView(new ArrayBuffer(8))

/** Writes a name into the input as `src/wasm/names.rs` reads it; gives where it ends. */
export function writeName(view: Uint8Array, at: number, name: Room): number {
  if (typeof name === "string") {
    view[at] = 0
    const start = at + 5
    const end = writeText(view, start, name)
    writeLength(view, at + 1, end - start)
    return end
  }
  if (typeof name === "number") {
    view[at] = 1
    float.setFloat64(0, name, true)
    for (let i = 0; i < 8; i++) view[at + 1 + i] = float.getUint8(i)
    return at + 9
  }
  // Nobody can join it who does not know it. Drawn when it is wanted: edge workers have no randomness before.
  if (!isName(name)) return writeName(view, at, (nobody ??= `\0${crypto.randomUUID()}`))
  view[at] = name === undefined ? 2 : name === null ? 3 : name === false ? 4 : 5
  return at + 1
}

/**
 * Writes a name in UTF-8 and gives where it ends. For short text this is quicker than an encoder, which
 * would also make one name of two that differ in a lone surrogate.
 */
function writeText(view: Uint8Array, start: number, text: string): number {
  let at = start
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i)
    if (code < 0x80) {
      view[at++] = code
      continue
    }
    code = text.codePointAt(i) as number
    if (code < 0x800) {
      view[at++] = 0xc0 | (code >> 6)
    } else {
      if (code < 0x1_0000) {
        view[at++] = 0xe0 | (code >> 12)
      } else {
        view[at++] = 0xf0 | (code >> 18)
        view[at++] = 0x80 | ((code >> 12) & 0x3f)
        i++
      }
      view[at++] = 0x80 | ((code >> 6) & 0x3f)
    }
    view[at++] = 0x80 | (code & 0x3f)
  }
  return at
}

/** Writes a length of four bytes and gives where it ends. */
export function writeLength(view: Uint8Array, at: number, length: number): number {
  view[at] = length
  view[at + 1] = length >>> 8
  view[at + 2] = length >>> 16
  view[at + 3] = length >>> 24
  return at + 4
}

/** The most bytes that a name takes in the input. */
export function nameBound(name: Room): number {
  if (typeof name === "string") return 5 + 3 * name.length
  return isName(name) ? 9 : NOBODY_BOUND
}

/** Whether sockets can be in a room: what names it has to be the same for every server. */
export function isName(room: unknown): boolean {
  const type = typeof room
  return room === null || !(type === "object" || type === "function" || NAMELESS.has(type))
}
