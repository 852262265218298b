import { Buffer } from "node:buffer"
import createDebug from "debug"
import { Adapter } from "socket.io-adapter"
import { CONTROL, type Core, ECHO, FOREIGN, MALFORMED, PROBE, UNWANTED } from "../boundary.ts"
import { AdapterError, type FaultCode, type RequestError, type TrapError } from "../errors.ts"
import { isName } from "../names.ts"
import type { Save } from "../recovery.ts"
import type { RedisDriver } from "../redis/driver.ts"
import type {
  BroadcastFlags,
  BroadcastOptions,
  Namespace,
  Packet,
  Room,
  Socket,
  SocketDescription,
} from "../socket-io.ts"
import type { Stats } from "../stats.ts"
import { Answers } from "./answers.ts"
import { Cluster, filterOf } from "./cluster.ts"
import { Encoding } from "./encoding.ts"
import { Faults } from "./faults.ts"
import { guarded } from "./guarded.ts"
import { processCore, textOf } from "./host.ts"
import { Lazy } from "./lazy.ts"
import { Link } from "./link.ts"
import { type Members, Membership } from "./membership.ts"
import { deliver, optionsOf, ReceivedPacket } from "./packet.ts"
import type { Parser } from "./options.ts"
import { Wire } from "./parser.ts"
import { Questions } from "./questions.ts"
import { FrameText } from "./text.ts"
import { Values } from "./values.ts"
import { roomsView, sidsView } from "./views.ts"

// The name that users of @socket.io/redis-adapter know.
const debug = createDebug("socket.io-redis")

const NOTHING: readonly never[] = []
const NOBODY: ReadonlySet<Room> = new Set()

/** What an adapter is made of. */
export interface Setup {
  readonly driver: RedisDriver
  /** Whether it speaks the sharded dialect instead of the classic one. */
  readonly sharded: boolean
  /** As the core takes them, and `partial`. */
  readonly options: { readonly partial?: boolean | undefined }
  /** Of the classic dialect. */
  readonly parser?: Parser | undefined
}

/**
 * One namespace of one server: passes its broadcasts to the other servers through Redis, and theirs
 * to its sockets. Rooms are kept by the core; `rooms` and `sids` show them, live and read-only.
 */
export abstract class CoreAdapter extends Adapter {
  /** This adapter's name among the servers of the cluster. */
  readonly uid: string
  /** What the names of all channels begin with: the option `key` or `channelPrefix`. */
  readonly prefix: string
  /** The option `requestsTimeout`, in milliseconds. */
  readonly requestsTimeout: number

  readonly #core: Core
  readonly #handle: number
  readonly #nsp: Namespace
  readonly #encoding: Encoding
  /** The channel of broadcasts that are not to exactly one room. */
  readonly #channel: string
  readonly #channelLength: number
  readonly #sharded: boolean
  readonly #options: object
  readonly #membership: Membership<Socket>
  readonly #driver: RedisDriver
  readonly #link: Link
  readonly #wire: Wire
  readonly #questions: Questions
  readonly #cluster: Cluster
  readonly #answers: Answers
  readonly #subscribesToRooms: boolean
  readonly #requestChannel: string
  readonly #faults: Faults
  readonly #publishFailed = (error: unknown): void => this.#refused("publish", error)
  /** How many servers the acknowledgements just asked for will come from. */
  #counting: Promise<number> | undefined
  #whenSubscribed: (() => void)[] = []
  #closed: Promise<void> | undefined

  static readonly #save: Save<CoreAdapter> = (adapter, unlock) => {
    const members = adapter.#membership.save(unlock)
    return (trap) => adapter.#restore(members, trap)
  }

  static {
    // socket.io-adapter declares it private, and its other methods find sockets by it.
    Object.defineProperty(this.prototype, "apply", {
      configurable: true,
      value(this: CoreAdapter, options: BroadcastOptions, callback: (socket: Socket) => void) {
        const count = this.#core.find(this.#handle, filterOf(options))
        for (const socket of this.#targets(count)) callback(socket)
      },
      writable: true,
    })
  }

  /** Throws an `AdapterError` with a `code` for options that cannot be. */
  protected constructor(nsp: Namespace, { driver, sharded, options, parser }: Setup) {
    super(nsp)
    this.#driver = driver
    this.#sharded = sharded
    const core = processCore()
    this.#core = core
    this.#nsp = nsp
    this.#encoding = new Encoding(core, nsp)
    // What is asked for later must not change what was checked.
    this.#options = { ...options }
    const { speaksText } = this.#encoding
    this.#handle = core.open(nsp.name, sharded, this.#options, speaksText)
    closedAdapters.register(this, this.#handle)
    this.#faults = new Faults(core, this.#handle, nsp.name, this)
    const { wasm } = core
    this.uid = wasm.uid(this.#handle) as string
    this.prefix = wasm.key(this.#handle) as string
    this.requestsTimeout = wasm.requestsTimeout(this.#handle) as number
    this.#subscribesToRooms = wasm.subscribesToRooms(this.#handle)
    this.#channel = wasm.channel(this.#handle) as string
    this.#channelLength = Buffer.byteLength(this.#channel)
    this.#requestChannel = wasm.requestChannel(this.#handle) as string
    const find = (sid: string) => nsp.sockets.get(sid) as Socket | undefined
    this.#membership = new Membership<Socket>(core, this.#handle, this, find, (room) => {
      const text = `a room is named by a string or a number, not by a ${typeof room}`
      this.#faults.tell("ERR_INVALID_ROOM", text)
    })
    this.rooms = roomsView(this.#membership) as Map<string, Set<string>>
    this.sids = sidsView(this.#membership) as Map<string, Set<string>>
    this.#wire = new Wire(core, parser)
    const drain = () => this.#link.drain()
    this.#questions = new Questions(core, Boolean(options.partial))
    const values = new Values(core, sharded)
    this.#cluster = new Cluster(core, this.#handle, this.uid, this.#questions, values, drain)
    this.#answers = new Answers(
      core,
      this.#handle,
      nsp,
      this.#encoding.encoder,
      values,
      (id) => this.#membership.socketOf(id),
      drain,
    )
    this.#link = new Link(core, this.#handle, this.#driver, this.#wire, {
      listeners: {
        broadcasts: (channel, message) => {
          try {
            this.#receive(channel, message)
          } catch (error) {
            this.#faults.unexpected("receive", error)
          }
        },
        control: (channel, message) => {
          try {
            this.#receiveControl(channel, message)
          } catch (error) {
            this.#faults.unexpected("receive", error)
          }
        },
      },
      perform: (output) => {
        try {
          if ("request" in output) this.#questions.perform(output)
          else this.#answers.perform(output)
        } catch (error) {
          this.#faults.unexpected(output.type, error)
        }
      },
      drained: () => this.#noticeSubscribed(),
      refused: (what, error, request) => {
        this.#refused(what, error)
        if (request !== undefined) this.#questions.blame(request, error)
      },
      deaf: (name) => {
        const text = `nothing comes in by the subscription to ${name}; it is made anew`
        this.#faults.tell("ERR_DEAF_SUBSCRIPTION", text)
      },
      failed: (error) => this.#faults.unexpected("the loop", error),
    })
    core.keep(this.#handle, this, CoreAdapter.#save)
  }

  /**
   * Resolves when messages of other servers arrive for certain: a probe has come back through Redis.
   * Stays open while Redis is away, and for good once the adapter is closed.
   */
  subscribed(): Promise<void> {
    if (this.#core.wasm.isSubscribed(this.#handle)) return Promise.resolve()
    return new Promise((resolve) => this.#whenSubscribed.push(resolve))
  }

  /** What was sent, received and dropped so far, and how things stand. */
  stats(): Stats {
    return this.#core.stats(this.#handle)
  }

  /**
   * Ends the subscriptions and rejects what still waits for answers; resolves when Redis has been told.
   * Sockets that are left are still served.
   */
  override close(): Promise<void> {
    this.#closed ??= this.#link.close()
    return this.#closed
  }

  /** Where rooms have subscriptions of their own, resolves when what other servers send to these arrives. */
  override addAll(id: string, rooms: Set<string>): Promise<void> | void {
    this.#membership.join(id, rooms)
    if (!this.#subscribesToRooms) return
    this.#link.drain()
    return new Lazy(() => this.#roomsHeard(rooms))
  }

  override del(id: string, room: string): void {
    this.#membership.leave(id, room)
    if (this.#subscribesToRooms) this.#link.drain()
  }

  override delAll(id: string): void {
    this.#membership.leaveAll(id)
    if (this.#subscribesToRooms) this.#link.drain()
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
    const { body, strings, attachments, packets } = this.#encoding.event(packet, local)
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
    const framed = count > 0 && this.#encoding.speaksText && attachments.length === 0
    const frame = framed ? core.frame() : undefined
    const inFrame = frame === undefined ? NOTHING : [new FrameText(frame, core.textStart)]
    if (frame?.length === 0) {
      core.settle()
      throw new AdapterError("ERR_TOO_LARGE", "the event's text is longer than a string can be")
    }
    if (!local) this.#publish()
    core.settle()
    const packetOptions = optionsOf(flags.volatile, flags.compress, frame)
    const failure = deliver(sockets, packet, packets ?? inFrame, packetOptions)
    if (failure !== undefined) throw failure
  }

  /**
   * Broadcasts a packet that clients acknowledge. `clientCountCallback` is called with the number of
   * clients of each server, `ack` with the first argument of each acknowledgement; how many servers there
   * are, the next call of `serverCount()` tells, as socket.io 4 asks for it.
   */
  override broadcastWithAck(
    packet: Packet,
    options: BroadcastOptions,
    clientCountCallback: (clientCount: number) => void,
    ack: (...args: unknown[]) => void,
  ): void {
    const core = this.#core
    packet.nsp = this.#nsp.name
    packet.id = this.#nsp._ids++
    const flags = options.flags ?? {}
    const local = flags.local === true
    const { body, attachments, packets } = this.#encoding.whole(packet, local)
    const { count, request } = core.broadcastWithAck(
      this.#handle,
      body,
      attachments,
      filterOf(options),
      flagsText(flags),
      local,
      flags.timeout,
    )
    const refused = core.wasm.reason()
    if (request === 0 && refused !== "") this.#publishFailed(refused)
    const sockets = this.#targets(count)
    const framed = typeof body === "string" && attachments.length === 0 && count > 1
    const frame = framed ? core.frameAround(body) : undefined
    const counting =
      request === 0
        ? Promise.resolve(1)
        : this.#questions.acknowledgements(request, clientCountCallback, ack)
    this.#link.drain()
    for (const socket of sockets) socket.acks.set(packet.id, ack)
    const packetOptions = optionsOf(flags.volatile, flags.compress, frame)
    const failure = deliver(sockets, packet, packets, packetOptions)
    clientCountCallback(sockets.length)
    this.#announce(counting)
    if (failure !== undefined) throw failure
  }

  /**
   * How many servers there are, as Redis counts them: this one is among them while it is subscribed.
   * Rejects as the Redis client does.
   */
  override async serverCount(): Promise<number> {
    const counting = this.#counting
    this.#counting = undefined
    if (counting !== undefined) return counting
    const [count] = await this.#driver.count([this.#requestChannel])
    return count as number
  }

  /** The ids of the sockets of all servers in any of the rooms (all sockets if there is none). */
  override async sockets(rooms: Set<string>): Promise<Set<string>> {
    return this.#cluster.sockets(rooms, await super.sockets(rooms))
  }

  /** How many sockets of all servers are in any of the rooms (all sockets if there is none). */
  async count(rooms: Iterable<Room> | Room = NOBODY): Promise<number> {
    const several = typeof rooms === "object" && rooms !== null
    const filter = { rooms: new Set(several ? rooms : [rooms]), except: NOBODY }
    return this.#cluster.count(filter.rooms, this.#core.find(this.#handle, filter))
  }

  /** The rooms of all servers. */
  async allRooms(): Promise<Set<Room>> {
    return this.#cluster.allRooms(new Set(this.rooms.keys()))
  }

  /**
   * The sockets of all servers that match: those of this one themselves, of the others what describes them.
   * `flags.timeout` takes the place of the option `requestsTimeout`.
   */
  override async fetchSockets(options: BroadcastOptions): Promise<(Socket | SocketDescription)[]> {
    const here: Socket[] = await super.fetchSockets(options as never)
    if (options.flags?.local) return here
    return this.#cluster.fetchSockets(filterOf(options), options.flags?.timeout, here)
  }

  /** Lets the sockets that match join; resolves when every server has done so. */
  override addSockets(options: BroadcastOptions, rooms: readonly Room[]): Promise<void> {
    const local = options.flags?.local === true
    if (!local) this.#cluster.joinSockets(filterOf(options), rooms.filter(isName))
    const joins = this.#each(options, (socket) => socket.join(rooms))
    return new Lazy(async () => {
      await Promise.all(local ? joins : [...joins, this.#cluster.settled()])
    })
  }

  /** Lets the sockets that match leave; resolves when every server has done so. */
  override delSockets(options: BroadcastOptions, rooms: readonly Room[]): Promise<void> {
    const local = options.flags?.local === true
    if (!local) this.#cluster.leaveSockets(filterOf(options), rooms)
    this.#each(options, (socket) => rooms.forEach((room) => socket.leave(room)))
    return new Lazy(async () => (local ? undefined : this.#cluster.settled()))
  }

  /** Disconnects the sockets that match; resolves when every server has done so. */
  override disconnectSockets(options: BroadcastOptions, close: boolean): Promise<void> {
    const local = options.flags?.local === true
    if (!local) this.#cluster.disconnectSockets(filterOf(options), close)
    this.#each(options, (socket) => socket.disconnect(close))
    return new Lazy(async () => (local ? undefined : this.#cluster.settled()))
  }

  /** Lets one socket join a room, on whichever server it is; rejects if none has it. */
  async remoteJoin(id: string, room: Room): Promise<void> {
    const socket = this.#socket(id)
    if (socket === undefined) return this.#cluster.joinSocket(id, room)
    await socket.join([room])
  }

  /** Lets one socket leave a room, on whichever server it is; rejects if none has it. */
  async remoteLeave(id: string, room: Room): Promise<void> {
    const socket = this.#socket(id)
    if (socket === undefined) return this.#cluster.leaveSocket(id, room)
    socket.leave(room)
  }

  /** Disconnects one socket, on whichever server it is; rejects if none has it. */
  async remoteDisconnect(id: string, close = false): Promise<void> {
    const socket = this.#socket(id)
    if (socket === undefined) return this.#cluster.disconnectSocket(id, close)
    socket.disconnect(close)
  }

  /**
   * Calls the listeners of the other servers. If the last argument is a function, it is called with an
   * error or null, and with what they called back with.
   */
  override serverSideEmit(packet: unknown[]): void {
    const ack = packet.at(-1)
    if (typeof ack !== "function") return this.#cluster.serverSideEmit(packet)
    this.#cluster.serverSideEmitWithAck(packet.slice(0, -1)).then(
      (responses) => guarded(() => ack(null, responses)),
      (error: RequestError<unknown[]>) => guarded(() => ack(error, error.responses)),
    )
  }

  #publish(): void {
    const message = this.#core.message()
    if (message === undefined) return this.#publishFailed(this.#core.wasm.reason())
    const channel = this.#core.channel(this.#channel)
    try {
      this.#driver.publish(channel, this.#wire.outgoing(message)).catch(this.#publishFailed)
    } catch (error) {
      this.#publishFailed(error) // The parser refused it; the clients here can have it all the same.
    }
  }

  #receive(channel: Uint8Array, received: Uint8Array): void {
    const core = this.#core
    if (!core.wants(this.#handle, this.#channelLength, channel, received.length)) {
      return this.#dropped(UNWANTED, channel)
    }
    const sent = this.#wire.broadcast(received)
    const count = core.receive(this.#handle, sent)
    if (count === CONTROL) return this.#receiveControl(channel, sent)
    if (count < 0) {
      this.#dropped(count, channel)
      core.settle()
      return
    }
    const message = core.asMessagePack(this.#handle, sent)
    const sockets = this.#targets(count)
    const frame = core.frame()
    const packet = new ReceivedPacket(core, this.#nsp.name, message, frame)
    const attachments = core.attachments(message)
    const framed = this.#encoding.speaksText && attachments.length === 0
    const options = optionsOf(core.volatile, core.compress, framed ? frame : undefined)
    core.settle()
    guarded(() => {
      const packets = this.#encoding.speaksText
        ? withAttachments(packet, attachments)
        : this.#encoding.encoder.encode(packetOf(this.#nsp.name, core.wasm.takeData()))
      const failure = deliver(sockets, packet, packets, options)
      if (failure !== undefined) throw failure
    })
  }

  #receiveControl(channel: Uint8Array, message: Uint8Array): void {
    const core = this.#core
    if (!core.control(this.#handle, channel, this.#wire.control(message))) this.#malformed(channel)
    this.#link.drain()
  }

  /** Lets the next call of `serverCount()` tell how many servers acknowledgements come from. */
  #announce(counting: Promise<number>): void {
    this.#counting = counting
    // socket.io asks at once; whoever asks later means something else.
    queueMicrotask(() => {
      if (this.#counting === counting) this.#counting = undefined
    })
  }

  async #roomsHeard(rooms: ReadonlySet<Room>): Promise<void> {
    const ids = [...rooms].map((room) => this.#membership.idOf(room))
    await this.#cluster.roomsHeard(ids.filter((id) => id !== undefined))
  }

  #socket(id: string): Socket | undefined {
    return this.#nsp.sockets.get(id) as Socket | undefined
  }

  /** Does something to each socket here that matches. */
  #each(options: BroadcastOptions, action: (socket: Socket) => unknown): unknown[] {
    return this.#targets(this.#core.find(this.#handle, filterOf(options))).map(action)
  }

  #dropped(why: number, channel: Uint8Array): void {
    if (why === PROBE) this.#link.drain()
    if (why === MALFORMED) this.#malformed(channel)
    else if (debug.enabled) debug("ignoring message: %s", DROPPED.get(why))
  }

  #malformed(channel: Uint8Array): void {
    const name = textOf(channel, 0, Math.min(channel.length, SHOWN))
    const text = `ignoring malformed message: ${this.#core.wasm.reason()}, on ${name}`
    this.#faults.tell("ERR_MALFORMED_MESSAGE", text)
  }

  #noticeSubscribed(): void {
    if (this.#whenSubscribed.length === 0) return
    if (!this.#core.wasm.isSubscribed(this.#handle)) return
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

  #refused(what: "count" | "publish" | "subscribe", error: unknown): void {
    if (what === "subscribe") return this.#faults.refused(error)
    const [code, text] = REFUSED[what]
    this.#faults.tell(code, text, error)
    // The core may want to find out when that is over.
    queueMicrotask(() => this.#link.wake())
  }

  /** Goes on with a core that was built again. */
  #restore(members: Members, trap: TrapError): void {
    const [sharded, { speaksText }] = [this.#sharded, this.#encoding]
    const { wasm } = this.#core
    wasm.reopen(this.#handle, this.uid, this.#nsp.name, sharded, this.#options, speaksText)
    this.#membership.restore(members)
    this.#questions.fail(trap)
    this.#answers.forgetAll()
    // Whatever was being done when the core stopped comes to its end first.
    queueMicrotask(() => {
      this.#link.restart()
      this.#faults.trapped(trap)
    })
  }
}

/** How much of a channel's name is shown, in bytes. */
const SHOWN = 100

const REFUSED = {
  count: ["ERR_COUNT_FAILED", "Redis did not count the servers"],
  publish: ["ERR_PUBLISH_FAILED", "Redis did not take a message for the other servers"],
} as const satisfies Record<string, [FaultCode, string]>

/** Gives the core's memory back when nobody can use an adapter any more. */
const closedAdapters = new FinalizationRegistry<number>((handle) => {
  guarded(() => processCore().dispose(handle))
})

const DROPPED = new Map([
  [PROBE, "probe of a subscription"],
  [ECHO, "same uid"],
  [FOREIGN, "different namespace"],
  [UNWANTED, "no socket here is in its rooms"],
])

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
