import { HOLE } from "../boundary.ts"
import { textOf } from "./host.ts"

/** From this many characters on, a string is quicker quoted by the core. */
const LONG = 256

/** What the data of an event holds, which decides how its text is made. */
export type Holding = "binary" | "long strings" | "nothing of note"

/** Whether the data holds binary anywhere, or long strings as its arguments or as members of these. */
export function holding(data: readonly unknown[]): Holding {
  let found: Holding = "nothing of note"
  for (const item of data) {
    if (typeof item === "string") {
      if (isLong(item)) found = "long strings"
    } else if (typeof item === "object" && item !== null) {
      if (!isPlain(item)) {
        if (hasBinary(item)) return "binary"
        continue
      }
      for (const name in item) {
        const member = item[name]
        if (typeof member === "string") {
          if (isLong(member)) found = "long strings"
        } else if (typeof member === "object" && hasBinary(member)) return "binary"
      }
    }
  }
  return found
}

/** An event's text, and the strings that go into its holes. */
export interface EventText {
  text: string
  strings: readonly string[]
}

/**
 * The text of an event that holds long strings: what the parser writes in front of it, then its data
 * as JSON with holes for them.
 */
export function textWithHoles(head: string, data: readonly unknown[]): EventText {
  const strings: string[] = []
  const hole = (text: string) => {
    strings.push(text)
    return HOLE
  }
  const items = data.map((item) => {
    if (isLong(item)) return hole(item)
    if (typeof item !== "object" || item === null || !isPlain(item)) {
      return JSON.stringify(item) ?? "null"
    }
    const members = Object.entries(item).flatMap(([name, value]) => {
      const json = isLong(value) ? hole(value) : JSON.stringify(value)
      return json === undefined ? [] : [`${JSON.stringify(name)}:${json}`]
    })
    return `{${members.join()}}`
  })
  return { text: `${head}[${items.join()}]`, strings }
}

/** A lone surrogate has no form in UTF-8; `JSON.stringify` escapes it. */
function isLong(value: unknown): value is string {
  return typeof value === "string" && value.length >= LONG && value.isWellFormed()
}

/** Whether JSON shows the members of an object and nothing else. */
function isPlain(value: object): value is Record<string, unknown> {
  return Object.getPrototypeOf(value) === Object.prototype && !("toJSON" in value)
}

const NativeBlob = typeof Blob === "function" ? Blob : undefined

/** Whether a value holds binary data where socket.io-parser 4 looks for it. */
function hasBinary(value: unknown, fromJson = false): boolean {
  if (typeof value !== "object" || value === null) return false
  if (Array.isArray(value)) {
    for (const element of value) {
      if (typeof element === "object" && hasBinary(element)) return true
    }
    return false
  }
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return true
  if (NativeBlob !== undefined && value instanceof NativeBlob) return true
  if (!fromJson && "toJSON" in value && typeof value.toJSON === "function") {
    return hasBinary(value.toJSON(), true)
  }
  for (const key in value) {
    const member = (value as Record<string, unknown>)[key]
    if (typeof member === "object" && hasBinary(member) && Object.hasOwn(value, key)) return true
  }
  return false
}

/**
 * A packet's text inside its frame, decoded when it is asked for: an engine that writes the frame
 * never asks. Engine.IO concatenates what it is given, so this object serves as a string.
 */
export class FrameText {
  // Plain properties: there is one of these for each message, and # ones take longer to set up.
  private readonly frame: Uint8Array
  private readonly textStart: number
  private packetText: string | undefined

  constructor(frame: Uint8Array, textStart: number) {
    this.frame = frame
    this.textStart = textStart
    this.packetText = undefined
  }

  toString(): string {
    this.packetText ??= textOf(this.frame, this.textStart, this.frame.length)
    return this.packetText
  }
}
