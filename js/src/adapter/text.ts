import { HOLE } from "../boundary.ts"
import { textOf } from "./host.ts"

/** From this many characters on, a string is quicker quoted by the core. */
const LONG = 256

/** An event's text, and the strings that go into its holes. */
export interface EventText {
  text: string
  strings: readonly string[]
}

const NO_STRINGS: readonly string[] = []

/**
 * The text of an event without binary data: what the parser writes in front of it, then its data as
 * JSON. Long strings that are its arguments, or members of these, are left to the core.
 */
export function eventText(head: string, data: readonly unknown[]): EventText {
  if (!data.some(holdsLong)) return { text: head + JSON.stringify(data), strings: NO_STRINGS }
  const strings: string[] = []
  const items = data.map((item) => {
    if (isLong(item)) return hole(strings, item)
    if (!holdsLong(item)) return JSON.stringify(item) ?? "null"
    const members = Object.entries(item as object).flatMap(([name, value]) => {
      const json = isLong(value) ? hole(strings, value) : JSON.stringify(value)
      return json === undefined ? [] : [`${JSON.stringify(name)}:${json}`]
    })
    return `{${members.join()}}`
  })
  return { text: `${head}[${items.join()}]`, strings }
}

function hole(strings: string[], text: string): string {
  strings.push(text)
  return HOLE
}

/** Whether a value is a long string or has one for a member. */
function holdsLong(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return isLong(value)
  // Others may show themselves otherwise in JSON.
  if (Object.getPrototypeOf(value) !== Object.prototype || "toJSON" in value) return false
  for (const name in value) {
    if (isLong((value as Record<string, unknown>)[name])) return true
  }
  return false
}

/** A lone surrogate has no form in UTF-8; `JSON.stringify` escapes it. */
function isLong(value: unknown): value is string {
  return typeof value === "string" && value.length >= LONG && value.isWellFormed()
}

const NativeBlob = typeof Blob === "function" ? Blob : undefined

/** Whether a value holds binary data where socket.io-parser 4 looks for it. */
export function hasBinary(value: unknown, fromJson = false): boolean {
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
