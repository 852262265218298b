/**
 * The only module that touches WebAssembly memory. It copies bytes and numbers across, and decides
 * nothing; `src/wasm/mod.rs` is its other side and documents each call.
 */
import { AdapterError, type AdapterErrorCode } from "./errors.ts"
import { nameBound, writeLength, writeName } from "./names.ts"
import type { Filter, Output, Value } from "./output.ts"
import { findLock, Recovery, type Save } from "./recovery.ts"
import type { Room } from "./socket-io.ts"
import type { Stats } from "./stats.ts"
import {
  __wbg_reset_state as discard,
  encode,
  initSync,
  Core as WasmCore,
} from "../../build/wasm/core/socketio_redis_edge.js"

/** What the boundary needs of its host to hand bytes over. */
export interface Host {
  /** Memory for so many bytes; what is in it does not matter. */
  allocate(length: number): Uint8Array
  /** The UTF-8 text of a part of these bytes. */
  text(bytes: Uint8Array, start: number, end: number): string
  /** What stands for binary data in decoded values. */
  binary(bytes: Uint8Array): Uint8Array
}

/** How much of what was handed to the core is shown when it stopped, in bytes. */
const SHOWN = 65_536

/** MessagePack of binary data, which the core decodes by calling back. */
const NO_BINARY = Uint8Array.of(0xc4, 0)

/** Why `receive` dropped a message. */
export const ECHO = -1
export const FOREIGN = -2
export const UNWANTED = -3
export const MALFORMED = -4
export const PROBE = -5
/** It is no broadcast, but a request: `control` takes it. */
export const CONTROL = -6

/** Bits of what `join` and `leave` answer. */
export const CHANGED = 1
export const ROOM_CHANGED = 2
export const FREED = 4

/** Places in the array of results: `Slot` in `src/wasm/mod.rs`. */
const LIST = 0
const FRAME = 1
const FRAME_LENGTH = 2
const TEXT = 3
const CHANNEL = 4
const CHANNEL_LENGTH = 5
const MESSAGE = 6
const MESSAGE_LENGTH = 7
const FLAGS = 8
const DATA = 9
const ATTACHMENTS = 10
const ATTACHMENT_COUNT = 11
const REQUEST = 12

/**
 * Stands in a packet's text for a string that is handed over beside it: a long one, which the core quotes
 * several times as fast as `JSON.stringify`. No JSON text holds this character.
 */
export const HOLE = "\x01"

const NO_BYTES = new Uint8Array()
const NOTHING: readonly never[] = []

const encoder = new TextEncoder()

/** The core of this process: all adapters, and the memory they share. */
export class Core {
  /** The typed methods that need no memory. Another one when the core was built again. */
  wasm!: WasmCore
  readonly #host: Host
  readonly #module: WebAssembly.Module
  #memory!: WebAssembly.Memory
  readonly #headroom: number
  /** The longest buffer that is kept between messages. */
  readonly #kept: number
  /** Index of the first result in `#words`. */
  #results!: number
  #bytes = new Uint8Array()
  #words = new Uint32Array()
  /** Address and length of the input buffer, and its view. */
  #input = 0
  #capacity = 0
  #inputView = new Uint8Array()
  /** The input behind the headroom, where a packet's text goes. */
  #textView = new Uint8Array()
  /** Of the packet that was written last, in bytes. */
  #textLength = 0
  #namesLength = 0
  #flagsLength = 0

  /** Where the core notes that it is in use, in words from its own address. */
  readonly #lock: number | undefined
  readonly #recovery: Recovery
  #lastHandle = 0

  constructor(module: WebAssembly.Module, host: Host) {
    this.#module = module
    this.#host = host
    this.#start()
    this.#headroom = WasmCore.headroom()
    this.#kept = WasmCore.kept()
    this.#reserve(1 << 16)
    this.#lock = this.#findLock()
    this.#recovery = new Recovery({
      input: () => this.#shown(),
      try: () => this.wasm.inputLength(),
      unlock: () => this.#unlock(),
      replace: () => {
        discard()
        this.#start()
        // Whoever has an old one, and be it to dispose of it, must not mean another's adapter.
        this.wasm.skipHandles(this.#lastHandle)
        this.#reserve(1 << 16)
      },
    })
    this.#recovery.watch(WasmCore.prototype)
  }

  // --- packet path ---------------------------------------------------------------------------

  /**
   * Whether a message of so many bytes on this channel can concern a socket here. `main` is the length of the
   * namespace's main channel: the names of all others are longer, and tell whom they are for.
   */
  wants(adapter: number, main: number, channel: Uint8Array, bytes: number): boolean {
    if (channel.length === main) return true
    this.#reserve(channel.length)
    this.#bytes.set(channel, this.#input)
    return this.wasm.wants(adapter, channel.length, bytes)
  }

  /** Takes a message; gives how many sockets want it, or why it was dropped. */
  receive(adapter: number, message: Uint8Array): number {
    const { length } = message
    this.#reserve(length)
    this.#bytes.set(message, this.#input)
    const count = this.wasm.receive(adapter, length)
    this.#refresh()
    return count
  }

  /**
   * Broadcasts a packet's text, with `texts` for the holes in it (see `HOLE`), or (as bytes) its data in
   * MessagePack; gives how many sockets here it is for. `flags` is JSON text or empty.
   */
  broadcast(
    adapter: number,
    packet: string | Uint8Array,
    texts: readonly string[],
    attachments: readonly Uint8Array[],
    rooms: ReadonlySet<Room>,
    except: ReadonlySet<Room>,
    flags: string,
    local: boolean,
  ): number {
    this.#writePacket(packet, texts, attachments, rooms, except, flags)
    const count = this.wasm.broadcast(
      adapter,
      this.#textLength,
      rooms.size,
      except.size,
      this.#namesLength,
      this.#flagsLength,
      texts.length,
      attachments.length,
      typeof packet !== "string",
      local,
    )
    this.#refresh()
    return count
  }

  /** Finds the sockets in any of the rooms (all sockets if there is none) and in none of `except`. */
  find(adapter: number, { rooms, except }: Filter): number {
    const length = this.writeNames(rooms, except)
    const count = this.wasm.find(adapter, rooms.size, except.size, length)
    this.#refresh()
    return count
  }

  /** A number of the list that the last call filled. */
  listed(index: number): number {
    return this.#words[((this.#words[this.#results + LIST] as number) >>> 2) + index] as number
  }

  /** The first `count` numbers of the list that the last call filled. */
  list(count: number): Uint32Array {
    const start = (this.#words[this.#results + LIST] as number) >>> 2
    return this.#words.slice(start, start + count)
  }

  /** The frame that the last call wrote; empty if it wrote none. */
  frame(): Uint8Array {
    const words = this.#words
    const address = words[this.#results + FRAME] as number
    if (address === 0) return NO_BYTES
    return this.#copy(address, words[this.#results + FRAME_LENGTH] as number)
  }

  /** Where in that frame the packet's text starts. */
  get textStart(): number {
    const words = this.#words
    return (words[this.#results + TEXT] as number) - (words[this.#results + FRAME] as number)
  }

  /** The channel that the last broadcast goes to; `main` is the one without a room, which is the shortest. */
  channel(main: string): string {
    const length = this.#words[this.#results + CHANNEL_LENGTH] as number
    if (length === main.length) return main
    const address = this.#words[this.#results + CHANNEL] as number
    return this.#host.text(this.#bytes, address, address + length)
  }

  /** The message that the last broadcast publishes; `undefined` if it publishes none. */
  message(): Uint8Array | undefined {
    const address = this.#words[this.#results + MESSAGE] as number
    if (address === 0) return undefined
    return this.#copy(address, this.#words[this.#results + MESSAGE_LENGTH] as number)
  }

  /** Whether the last received packet is volatile. */
  get volatile(): boolean {
    return ((this.#words[this.#results + FLAGS] as number) & 1) !== 0
  }

  /** Whether the last received packet may be compressed; `undefined` if its sender did not say. */
  get compress(): boolean | undefined {
    const flags = this.#words[this.#results + FLAGS] as number
    return (flags & 2) === 0 ? undefined : (flags & 4) !== 0
  }

  /** Where in the last received message the packet's data starts. */
  get dataStart(): number {
    return this.#words[this.#results + DATA] as number
  }

  /** The last received message as MessagePack, where it was JSON; else the message itself. */
  asMessagePack(adapter: number, message: Uint8Array): Uint8Array {
    const flags = this.#words[this.#results + FLAGS] as number
    if ((flags & 8) === 0) return message
    const converted = this.wasm.converted(adapter)
    this.#refresh()
    return converted
  }

  /** The attachments of the last received packet, as parts of the message. */
  attachments(message: Uint8Array): readonly Uint8Array[] {
    const words = this.#words
    const count = words[this.#results + ATTACHMENT_COUNT] as number
    if (count === 0) return NOTHING
    const start = (words[this.#results + ATTACHMENTS] as number) >>> 2
    const attachments: Uint8Array[] = []
    for (let at = start; at < start + 2 * count; at += 2) {
      attachments.push(message.subarray(words[at], words[at + 1]))
    }
    return attachments
  }

  /** Gives back what a huge message made the buffers grow to; what it left there is gone then. */
  settle(): void {
    if (this.#capacity <= this.#kept) return
    this.wasm.shrink()
    this.#capacity = 0
    this.#reserve(1 << 16)
  }

  // --- everything rarer ------------------------------------------------------------------------

  /** Makes the adapter of a namespace and gives its handle; throws an `AdapterError`. */
  open(nsp: string, sharded: boolean, options: unknown, text: boolean): number {
    this.#lastHandle = rethrown(() => this.wasm.open(nsp, sharded, options, text))
    return this.#lastHandle
  }

  /** Lets an adapter survive the core, from now on. */
  keep<Adapter extends object>(handle: number, adapter: Adapter, save: Save<Adapter>): void {
    this.#recovery.add(handle, adapter, save)
  }

  /** Forgets an adapter that nobody has any more. */
  dispose(handle: number): void {
    this.#recovery.remove(handle)
    this.wasm.dispose(handle)
  }

  /** The id of a name, made if it has none. */
  intern(adapter: number, name: Room): number {
    this.#reserve(nameBound(name))
    return this.wasm.intern(adapter, writeName(this.#inputView, 0, name))
  }

  /**
   * Broadcasts a packet that clients acknowledge: as `broadcast`, without holes. Gives how many sockets
   * here it is for, and the number of the request (0 if it stays here).
   */
  broadcastWithAck(
    adapter: number,
    packet: string | Uint8Array,
    attachments: readonly Uint8Array[],
    { rooms, except }: Filter,
    flags: string,
    local: boolean,
    timeout: number | undefined,
  ): { count: number; request: number } {
    this.#writePacket(packet, NOTHING, attachments, rooms, except, flags)
    const count = this.wasm.broadcastWithAck(
      adapter,
      this.#textLength,
      rooms.size,
      except.size,
      this.#namesLength,
      this.#flagsLength,
      attachments.length,
      typeof packet !== "string",
      local,
      timeout,
      performance.now(),
    )
    this.#refresh()
    return { count, request: this.#words[this.#results + REQUEST] as number }
  }

  /** The frame around a packet's text. */
  frameAround(packet: string): Uint8Array {
    this.#reserve(this.#headroom + 3 * packet.length)
    this.wasm.frame(this.#write(packet, this.#headroom))
    this.#refresh()
    return this.frame()
  }

  /** Takes a message of a request or response channel; whether it was one. */
  control(adapter: number, channel: Uint8Array, message: Uint8Array): boolean {
    this.#reserve(channel.length + message.length)
    this.#bytes.set(channel, this.#input)
    this.#bytes.set(message, this.#input + channel.length)
    const taken = this.wasm.control(adapter, channel.length, message.length, performance.now())
    this.#refresh()
    return taken
  }

  /** What a value stands for; throws an `AdapterError`. */
  value(value: Value): unknown {
    if (value.form === "messagePack") return this.decode(value.bytes)
    const { object, member } = value
    return JSON.parse(this.#host.text(object, 0, object.length))[member]
  }

  /** Makes a name a connected socket's and gives its id. */
  connect(adapter: number, sid: string): number {
    this.#reserve(nameBound(sid))
    return this.wasm.connect(adapter, writeName(this.#inputView, 0, sid))
  }

  /**
   * Takes a socket out of all rooms and gives their number, -1 for a socket that is not connected; the
   * list holds each room's id and the bits of `leave`, then 1 if the socket's own id is free.
   */
  disconnect(adapter: number, socket: number): number {
    const count = this.wasm.disconnect(adapter, socket)
    this.#refresh()
    return count
  }

  members(adapter: number, room: number): Uint32Array {
    const count = this.wasm.members(adapter, room)
    this.#refresh()
    return this.list(count)
  }

  roomsOf(adapter: number, socket: number): Uint32Array {
    const count = this.wasm.roomsOf(adapter, socket)
    this.#refresh()
    return this.list(count)
  }

  pollOutput(adapter: number, now: number): Output | undefined {
    return this.wasm.pollOutput(adapter, now) as Output | undefined
  }

  stats(adapter: number): Stats {
    return this.wasm.stats(adapter) as Stats
  }

  /** The JavaScript values that MessagePack stands for; throws an `AdapterError`. */
  decode(data: Uint8Array): unknown {
    return rethrown(() => this.wasm.decode(data))
  }

  /** JavaScript values as MessagePack; throws an `AdapterError`. */
  encode(value: unknown): Uint8Array {
    return rethrown(() => this.#recovery.guard("encode", () => encode(value)))
  }

  // --- when the core stopped -------------------------------------------------------------------

  #start(): void {
    this.#memory = initSync({ module: this.#module }).memory
    this.wasm = new WasmCore(this.#host.binary)
    this.#results = this.wasm.results() >>> 2
    this.#capacity = 0
    this.#bytes = NO_BYTES
  }

  /** What was handed to the core last. */
  #shown(): Uint8Array {
    this.#refresh()
    return this.#bytes.slice(this.#input, this.#input + Math.min(this.#capacity, SHOWN))
  }

  /** Lets a core be asked that is in use for ever: the call that uses it was cut off and never goes on. */
  #unlock(): void {
    if (this.#lock !== undefined) this.#words[addressOf(this.wasm) + this.#lock] = 0
  }

  #findLock(): number | undefined {
    let look: (() => void) | undefined
    const core = new WasmCore((bytes: Uint8Array) => {
      look?.()
      return bytes
    })
    const words = () => new Uint32Array(this.#memory.buffer)
    const lock = findLock(addressOf(core), words, (callback) => {
      look = callback
      core.decode(NO_BINARY)
    })
    core.free()
    return lock
  }

  // --- memory ----------------------------------------------------------------------------------

  #copy(address: number, length: number): Uint8Array {
    const copy = this.#host.allocate(length)
    copy.set(this.#bytes.subarray(address, address + length))
    return copy
  }

  /** Makes the input hold so many bytes. */
  #reserve(length: number): void {
    if (length > this.#capacity) {
      this.#input = rethrown(() => this.wasm.input(length))
      this.#capacity = this.wasm.inputLength()
      this.#bytes = new Uint8Array()
    }
    this.#refresh()
  }

  /** Takes new views after the memory has grown, which empties the old ones. */
  #refresh(): void {
    if (this.#bytes.length !== 0) return
    this.#bytes = new Uint8Array(this.#memory.buffer)
    this.#words = new Uint32Array(this.#memory.buffer)
    this.#inputView = this.#bytes.subarray(this.#input, this.#input + this.#capacity)
    this.#textView = this.#inputView.subarray(this.#headroom)
  }

  /** Writes a packet into the input as `broadcast` of `src/wasm/packets.rs` reads it, and notes its lengths. */
  #writePacket(
    packet: string | Uint8Array,
    texts: readonly string[],
    attachments: readonly Uint8Array[],
    rooms: ReadonlySet<Room>,
    except: ReadonlySet<Room>,
    flags: string,
  ): void {
    const start = this.#headroom
    let bound = start + 3 * (packet.length + flags.length)
    for (const room of rooms) bound += nameBound(room)
    for (const room of except) bound += nameBound(room)
    for (const text of texts) bound += 4 + 3 * text.length
    for (const attachment of attachments) bound += 4 + attachment.byteLength
    this.#reserve(bound)

    const view = this.#inputView
    const raw = typeof packet !== "string"
    if (raw) view.set(packet, start)
    this.#textLength = raw ? packet.length : encoder.encodeInto(packet, this.#textView).written
    let at = start + this.#textLength
    for (const room of rooms) at = writeName(view, at, room)
    for (const room of except) at = writeName(view, at, room)
    this.#namesLength = at - start - this.#textLength
    this.#flagsLength = flags === "" ? 0 : this.#write(flags, at)
    at += this.#flagsLength
    // First all lengths, then what they are of.
    let end = at + 4 * (texts.length + attachments.length)
    for (const text of texts) {
      const length = this.#write(text, end)
      at = writeLength(view, at, length)
      end += length
    }
    for (const attachment of attachments) {
      view.set(attachment, end)
      at = writeLength(view, at, attachment.byteLength)
      end += attachment.byteLength
    }
  }

  /** Writes text into the input and gives its length in bytes. */
  #write(text: string, at: number): number {
    return encoder.encodeInto(text, this.#inputView.subarray(at)).written
  }

  /** Writes a text to the start of the input, and gives its length in bytes. */
  writeText(text: string): number {
    this.#reserve(3 * text.length)
    return this.#write(text, 0)
  }

  /** Writes bytes to the start of the input. */
  writeBytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#inputView.set(bytes)
  }

  /** Writes lists of names to the start of the input, and gives their length in bytes. */
  writeNames(...lists: readonly Iterable<Room>[]): number {
    let bound = 0
    for (const names of lists) for (const name of names) bound += nameBound(name)
    this.#reserve(bound)
    const view = this.#inputView
    let at = 0
    for (const names of lists) for (const name of names) at = writeName(view, at, name)
    return at
  }
}

/** Where an object of wasm-bindgen is, in words. */
function addressOf(object: WasmCore): number {
  return (Reflect.get(object, "__wbg_ptr") as number) >>> 2
}

function rethrown<T>(call: () => T): T {
  try {
    return call()
  } catch (error) {
    if (error instanceof AdapterError) throw error
    const code = error instanceof Error ? Reflect.get(error, "code") : undefined
    if (typeof code !== "string") throw error
    throw new AdapterError(code as AdapterErrorCode, (error as Error).message)
  }
}
