import type { Core } from "../boundary.ts"
import type { Encoder, Namespace, Packet } from "../socket-io.ts"
import { bytesOf } from "./packet.ts"
import { holding, textWithHoles } from "./text.ts"

/** A packet as the core takes it, and as engines do that take no frame. */
export interface Outgoing {
  body: string | Uint8Array
  /** What goes into the holes of the body. */
  strings: readonly string[]
  attachments: readonly Uint8Array[]
  /** `undefined` where only the frame will have the text. */
  packets: readonly unknown[] | undefined
}

const NOTHING: readonly never[] = []
const NO_BYTES = new Uint8Array()

/** How the server's parser encodes packets for clients, and how the core gets them. */
export class Encoding {
  readonly encoder: Encoder
  /** Whether clients speak the default parser's protocol, which the core writes itself. */
  readonly speaksText: boolean
  readonly #core: Core
  /** What the parser writes in front of an event's data. */
  readonly #head: string

  constructor(core: Core, nsp: Namespace) {
    this.#core = core
    this.encoder = nsp.server.encoder as Encoder
    this.speaksText = speaksText(this.encoder)
    this.#head = this.speaksText ? headOf(this.encoder, nsp.name) : ""
  }

  /** An event without an id; where it is local, nothing is made for other servers. */
  event(packet: Packet, local: boolean): Outgoing {
    const held = this.speaksText ? holding(packet.data) : undefined
    if (held === "nothing of note") {
      const text = this.#head + JSON.stringify(packet.data)
      return { body: text, strings: NOTHING, attachments: NOTHING, packets: [text] }
    }
    if (held === "long strings") {
      const { text, strings } = textWithHoles(this.#head, packet.data)
      return { body: text, strings, attachments: NOTHING, packets: undefined }
    }
    return this.whole(packet, local)
  }

  /** Any event, as the parser encodes it. */
  whole(packet: Packet, local: boolean): Outgoing & { packets: readonly unknown[] } {
    const packets = this.encoder.encode(packet)
    if (!this.speaksText) {
      const body = local ? NO_BYTES : this.#core.encode(packet.data)
      return { body, strings: NOTHING, attachments: NOTHING, packets }
    }
    const [text, ...attachments] = packets
    const body = text as string
    return { body, strings: NOTHING, attachments: attachments.map(bytesOf), packets }
  }
}

/**
 * Whether an encoder is socket.io-parser's, or writes what that does: seen from what it makes of two
 * packets. One that was given a replacer or is a subclass may do more with others.
 */
function speaksText(encoder: Encoder): boolean {
  const base = Object.getPrototypeOf(Object.getPrototypeOf(encoder))
  if (base !== Object.prototype || Object.hasOwn(encoder, "encode")) return false
  if (Reflect.get(encoder, "replacer") !== undefined) return false
  try {
    const [text, ...none] = encoder.encode({ type: 2, nsp: "/a", data: ["b", { c: null }] })
    const [header, bytes, ...more] = encoder.encode({
      type: 2,
      nsp: "/",
      data: ["b", new Uint8Array([1])],
    })
    return (
      text === '2/a,["b",{"c":null}]' &&
      header === '51-["b",{"_placeholder":true,"num":0}]' &&
      bytes instanceof Uint8Array &&
      none.length + more.length === 0
    )
  } catch {
    return false
  }
}

function headOf(encoder: Encoder, nsp: string): string {
  const [text] = encoder.encode({ type: 2, nsp, data: [] })
  return (text as string).slice(0, -"[]".length)
}
