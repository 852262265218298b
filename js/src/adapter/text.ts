import { textOf } from "./host.ts"

/** From this many characters on, the core quotes a string quicker than `JSON.stringify` does. */
const LONG = 256

/**
 * The text of an event without binary data: what the parser writes in front of it, then its data as
 * JSON. Long strings among its arguments are left as they are, as every second part, for the core to
 * quote.
 */
export function eventText(head: string, data: readonly unknown[]): string | string[] {
  if (!data.some(isLong)) return head + JSON.stringify(data)
  const parts: string[] = []
  let json = `${head}[`
  data.forEach((value, index) => {
    if (index > 0) json += ","
    if (isLong(value)) {
      parts.push(json, value)
      json = ""
    } else {
      json += JSON.stringify(value) ?? "null"
    }
  })
  parts.push(`${json}]`)
  return parts
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
