import { Buffer } from "node:buffer"
import createDebug from "debug"
import { Adapter } from "socket.io-adapter"
import { type Core, ECHO, FOREIGN, MALFORMED, PROBE, UNWANTED } from "../boundary.ts"
import { driverFor, type RedisClient, type RedisDriver } from "../redis/driver.ts"
import type {
  BroadcastFlags,
  BroadcastOptions,
  Encoder,
  Namespace,
  Packet,
  PacketOptions,
  Room,
  Socket,
} from "../socket-io.ts"
import type { Stats } from "../stats.ts"
import { processCore } from "./host.ts"
import { Link } from "./link.ts"
import { Membership } from "./membership.ts"
import { bytesOf, deliver, ReceivedPacket } from "./packet.ts"
import { FrameText, holding, textWithHoles } from "./text.ts"
import { roomsView, sidsView } from "./views.ts"

// The name that users of @socket.io/redis-adapter know.
const debug = createDebug("socket.io-redis")

/** Options of `createAdapter`, with the names and defaults of @socket.io/redis-adapter 8.3.0. */
export interface RedisAdapterOptions {
  /** Prefix of every channel; the same on all servers and emitters of a cluster. Default "socket.io". */
  key?: string
  /** How long answers of other servers are waited for, in milliseconds. Default 5,000. */
  requestsTimeout?: number
  /** Without effect yet: it concerns answers to requests, which are not there. */
  publishOnSpecificResponseChannel?: boolean
}

/** A packet as the core takes it, and as engines do that take no frame. */
interface Outgoing {
  body: string | Uint8Array
  /** What goes into the holes of the body. */
  strings: readonly string[]
  attachments: readonly Uint8Array[]
  /** `undefined` where only the frame will have the text. */
  packets: readonly unknown[] | undefined
}

const NOTHING: readonly never[] = []
const NO_BYTES = new Uint8Array()
const NOBODY: ReadonlySet<Room> = new Set()

/**
 * One namespace of one server: passes its broadcasts to the other servers through Redis, and theirs
 * to its sockets. Rooms are kept by the core; `rooms` and `sids` show them, live and read-only.
 */
export class RedisAdapter extends Adapter {
  /** This adapter's name among the servers of the cluster. */
  readonly uid: string
  /** The option `key`. */
  readonly prefix: string
  readonly pubClient: RedisClient
  readonly subClient: RedisClient
  /** The option `requestsTimeout`, in milliseconds. */
  readonly requestsTimeout: number

  readonly #core: Core
  readonly #handle: number
  readonly #nsp: Namespace
  readonly #encoder: Encoder
  /** The channel of broadcasts that are not to exactly one room. */
  readonly #channel: string
  readonly #channelLength: number
  /** Whether clients speak the default parser's protocol, which the core writes itself. */
  readonly #speaksText: boolean
  /** What the parser writes in front of an event's data. */
  readonly #head: string
  readonly #membership: Membership<Socket>
  readonly #driver: RedisDriver
  readonly #link: Link
  readonly #publishFailed = (error: unknown): void => this.#failed("publish", error)
  #whenSubscribed: (() => void)[] = []
  #closed: Promise<void> | undefined

  static {
    // socket.io-adapter declares it private, and its other methods find sockets by it.
    Object.defineProperty(this.prototype, "apply", {
      configurable: true,
      value(this: RedisAdapter, options: BroadcastOptions, callback: (socket: Socket) => void) {
        const except = options.except ?? NOBODY
        const count = this.#core.find(this.#handle, options.rooms, except)
        for (const socket of this.#targets(count)) callback(socket)
      },
      writable: true,
    })
  }

  /**
   * Throws an `AdapterError` with a `code` for clients that are none, and for options that cannot be.
   */
  constructor(
    nsp: Namespace,
    pubClient: RedisClient,
    subClient: RedisClient,
    options: RedisAdapterOptions = {},
  ) {
    super(nsp)
    this.#driver = driverFor(pubClient, subClient)
    this.#core = processCore()
    this.#nsp = nsp
    this.#encoder = nsp.server.encoder as Encoder
    this.#speaksText = speaksText(this.#encoder)
    this.#head = this.#speaksText ? headOf(this.#encoder, nsp.name) : ""
    this.#handle = this.#core.open(nsp.name, options, this.#speaksText)
    closedAdapters.register(this, this.#handle)
    const { wasm } = this.#core
    this.uid = wasm.uid(this.#handle) as string
    this.prefix = wasm.key(this.#handle) as string
    this.requestsTimeout = wasm.requestsTimeout(this.#handle) as number
    this.#channel = wasm.channel(this.#handle) as string
    this.#channelLength = Buffer.byteLength(this.#channel)
    this.pubClient = pubClient
    this.subClient = subClient
    this.#membership = new Membership<Socket>(
      this.#core,
      this.#handle,
      this,
      (sid) => nsp.sockets.get(sid) as Socket | undefined,
    )
    this.rooms = roomsView(this.#membership) as Map<string, Set<string>>
    this.sids = sidsView(this.#membership) as Map<string, Set<string>>
    this.#link = new Link(
      this.#core,
      this.#handle,
      this.#driver,
      (channel, message) => this.#receive(channel, message),
      (what, error) => this.#failed(what, error),
    )
  }

  /**
   * Resolves when messages of other servers arrive for certain: a probe has come back through Redis.
   * Stays open while Redis is away, and for good once the adapter is closed.
   */
  subscribed(): Promise<void> {
    if (this.#core.wasm.isSubscribed(this.#handle)) return Promise.resolve()
    return new Promise((resolve) => this.#whenSubscribed.push(resolve))
  }

  /** What was sent, received and dropped so far. */
  stats(): Stats {
    return this.#core.stats(this.#handle)
  }

  /** Ends the subscription; resolves when Redis has been told. Sockets that are left are still served. */
  override close(): Promise<void> {
    this.#closed ??= this.#link.close()
    return this.#closed
  }

  override addAll(id: string, rooms: Set<string>): void {
    this.#membership.join(id, rooms)
  }

  override del(id: string, room: string): void {
    this.#membership.leave(id, room)
  }

  override delAll(id: string): void {
    this.#membership.leaveAll(id)
  }

  override socketRooms(id: string): Set<string> | undefined {
    return this.sids.get(id)
  }

  /** Throws what the parser throws for data that it cannot encode (a bigint, a cycle). */
  override broadcast(packet: Packet, options: BroadcastOptions): void {
    const core = this.#core
    packet.nsp = this.#nsp.name
    const { rooms, except = NOBODY, flags = {} } = options
    const local = flags.local === true
    const { body, strings, attachments, packets } = this.#encode(packet, local)
    const count = core.broadcast(
      this.#handle,
      body,
      strings,
      attachments,
      rooms,
      except,
      local ? "" : flagsText(flags),
      local,
    )
    const sockets = this.#targets(count)
    const framed = count > 0 && this.#speaksText && attachments.length === 0
    const frame = framed ? core.frame() : undefined
    const inFrame = frame === undefined ? NOTHING : [new FrameText(frame, core.textStart)]
    if (!local) this.#publish()
    core.settle()
    const packetOptions = optionsOf(flags.volatile, flags.compress, frame)
    const failure = deliver(sockets, packet, packets ?? inFrame, packetOptions)
    if (failure !== undefined) throw failure
  }

  #encode(packet: Packet, local: boolean): Outgoing {
    const held = this.#speaksText ? holding(packet.data) : undefined
    if (held === "nothing of note") {
      const text = this.#head + JSON.stringify(packet.data)
      return { body: text, strings: NOTHING, attachments: NOTHING, packets: [text] }
    }
    if (held === "long strings") {
      const { text, strings } = textWithHoles(this.#head, packet.data)
      return { body: text, strings, attachments: NOTHING, packets: undefined }
    }
    const packets = this.#encoder.encode(packet)
    if (!this.#speaksText) {
      const body = local ? NO_BYTES : this.#core.encode(packet.data)
      return { body, strings: NOTHING, attachments: NOTHING, packets }
    }
    const [text, ...attachments] = packets
    const body = text as string
    return { body, strings: NOTHING, attachments: attachments.map(bytesOf), packets }
  }

  #publish(): void {
    const message = this.#core.message()
    if (message === undefined) return this.#publishFailed(this.#core.wasm.reason())
    this.#driver.publish(this.#core.channel(this.#channel), message).catch(this.#publishFailed)
  }

  #receive(channel: Uint8Array, message: Uint8Array): void {
    const core = this.#core
    const count = core.receive(this.#handle, this.#channelLength, channel, message)
    if (count < 0) {
      this.#dropped(count)
      core.settle()
      return
    }
    const sockets = this.#targets(count)
    const frame = core.frame()
    const packet = new ReceivedPacket(core, this.#nsp.name, message, frame)
    const attachments = core.attachments(message)
    const framed = this.#speaksText && attachments.length === 0
    const options = optionsOf(core.volatile, core.compress, framed ? frame : undefined)
    core.settle()
    try {
      const packets = this.#speaksText
        ? withAttachments(packet, attachments)
        : this.#encoder.encode(packetOf(this.#nsp.name, core.wasm.takeData()))
      const failure = deliver(sockets, packet, packets, options)
      if (failure !== undefined) throw failure
    } catch (error) {
      // It is a user's, and goes where an error in a listener of Node goes; Redis' client must not see it.
      process.nextTick(() => {
        throw error
      })
    }
  }

  #dropped(why: number): void {
    if (why === PROBE) this.#noticeSubscribed()
    if (why === MALFORMED) debug("ignoring malformed message: %s", this.#core.wasm.reason())
    else if (debug.enabled) debug("ignoring message: %s", DROPPED.get(why))
  }

  #noticeSubscribed(): void {
    if (!this.#core.wasm.isSubscribed(this.#handle)) return
    this.#link.drain()
    const waiting = this.#whenSubscribed
    this.#whenSubscribed = []
    for (const resolve of waiting) resolve()
  }

  /** The sockets that the core listed, taken before anything is called that could change the list. */
  #targets(count: number): Socket[] {
    const sockets: Socket[] = []
    for (let at = 0; at < count; at++) {
      const socket = this.#membership.socketOf(this.#core.listed(at))
      if (socket !== undefined) sockets.push(socket)
    }
    return sockets
  }

  #failed(what: string, error: unknown): void {
    debug("%s failed on %s: %o", what, this.#nsp.name, error)
  }
}

/** Gives the core's memory back when nobody can use an adapter any more. */
const closedAdapters = new FinalizationRegistry<number>((handle) => {
  processCore().wasm.dispose(handle)
})

const DROPPED = new Map([
  [PROBE, "probe of a subscription"],
  [ECHO, "same uid"],
  [FOREIGN, "different namespace"],
  [UNWANTED, "no socket here is in its rooms"],
])

function optionsOf(
  volatile: boolean | undefined,
  compress: boolean | undefined,
  frame: Uint8Array | undefined,
): PacketOptions {
  const wsPreEncodedFrame: [Uint8Array] | undefined = frame === undefined ? frame : [frame]
  return { preEncoded: true, volatile, compress, wsPreEncodedFrame }
}

function withAttachments(packet: ReceivedPacket, attachments: readonly Uint8Array[]): unknown[] {
  return attachments.length === 0 ? [packet] : [packet, ...attachments]
}

function packetOf(nsp: string, data: unknown): Packet {
  return { type: 2, data: data as unknown[], nsp }
}

/** The flags as JSON, empty if there are none. */
function flagsText(flags: BroadcastFlags): string {
  for (const flag in flags) {
    if (flags[flag as keyof BroadcastFlags] !== undefined) return JSON.stringify(flags)
  }
  return ""
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
