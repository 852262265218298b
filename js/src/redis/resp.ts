import { Buffer } from "node:buffer"

/** An answer of Redis; texts are raw bytes, slices of what came in. */
export type Reply = Buffer | Error | number | null | Reply[]

/** A command as Redis reads it. */
export function encodeCommand(args: readonly string[]): string {
  let text = `*${args.length}\r\n`
  for (const arg of args) text += `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`
  return text
}

/**
 * Cuts what comes in on a connection into answers, of RESP2 or RESP3. What RESP3 pushes and what RESP2
 * sends to subscribers are lists alike.
 */
export class ReplyReader {
  readonly #take: (reply: Reply) => void
  #chunks: Buffer[] = []
  #length = 0
  /** How many bytes the first answer has at least: nothing is looked at again before they are there. */
  #needed = 0

  constructor(take: (reply: Reply) => void) {
    this.#take = take
  }

  write(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#length += chunk.length
    if (this.#length < this.#needed) return
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks)
    const cursor = new Cursor(bytes)
    let read = 0
    for (;;) {
      const reply = cursor.next()
      if (reply === undefined) break
      read = cursor.at
      this.#take(reply)
    }
    this.#chunks = read < bytes.length ? [bytes.subarray(read)] : []
    this.#length = bytes.length - read
    this.#needed = cursor.needed - read
  }
}

class Cursor {
  at = 0
  /** How many bytes there must be, once something was found not to be there. */
  needed = 0
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** The next answer; undefined while it is not all there. */
  next(): Reply | undefined {
    const end = this.#bytes.indexOf("\r\n", this.at, "latin1")
    if (end < 0) return this.#lacks(this.#bytes.length + 1)
    const type = String.fromCharCode(this.#bytes[this.at] ?? 0)
    const line = this.#bytes.subarray(this.at + 1, end)
    this.at = end + 2
    switch (type) {
      case "$":
      case "=":
        return this.#bulk(numberIn(line))
      case "!":
        return asError(this.#bulk(numberIn(line)))
      case "*":
      case ">":
      case "~":
        return this.#list(numberIn(line))
      case "%":
        return this.#list(2 * numberIn(line))
      case "|":
        return this.#list(2 * numberIn(line)) === undefined ? undefined : this.next()
      case ":":
        return numberIn(line)
      case "-":
        return new Error(line.toString())
      case "_":
        return null
      default:
        return line
    }
  }

  #bulk(length: number): Buffer | null | undefined {
    if (length < 0) return null
    const end = this.at + length
    if (end + 2 > this.#bytes.length) return this.#lacks(end + 2)
    const bulk = this.#bytes.subarray(this.at, end)
    this.at = end + 2
    return bulk
  }

  #list(length: number): Reply[] | null | undefined {
    if (length < 0) return null
    const list: Reply[] = []
    while (list.length < length) {
      const reply = this.next()
      if (reply === undefined) return undefined
      list.push(reply)
    }
    return list
  }

  #lacks(needed: number): undefined {
    this.needed = needed
  }
}

function numberIn(line: Buffer): number {
  return Number(line.toString("latin1"))
}

function asError(bulk: Buffer | null | undefined): Error | undefined {
  return bulk ? new Error(bulk.toString()) : undefined
}
