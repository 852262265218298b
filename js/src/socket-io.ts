/** The part of Socket.IO that an adapter meets, as types: no version of socket.io is imported for them. */

/** The name of a room or socket. Strings and numbers, as Socket.IO has them, and what JavaScript lets through. */
export type Room = string | number | boolean | null | undefined

/** A packet as Socket.IO hands it to an adapter. */
export interface Packet {
  readonly type: number
  readonly data: unknown[]
  nsp?: string | undefined
  id?: number | undefined
}

/** Whom a packet is for, as socket.io-adapter has it. */
export interface BroadcastOptions {
  rooms: ReadonlySet<Room>
  except?: ReadonlySet<Room> | undefined
  flags?: BroadcastFlags | undefined
}

/** The flags of a broadcast that its delivery depends on; others travel along. */
export interface BroadcastFlags {
  volatile?: boolean | undefined
  compress?: boolean | undefined
  local?: boolean | undefined
  /** How long acknowledgements are waited for, in milliseconds. */
  timeout?: number | undefined
}

/** What an engine needs to send a packet that is encoded already. */
export interface PacketOptions {
  preEncoded: true
  volatile: boolean | undefined
  compress: boolean | undefined
  /** The WebSocket frame, in one piece: two would cost each client a second write. */
  wsPreEncodedFrame: [Uint8Array] | undefined
}

/** The part of a Socket.IO socket that an adapter uses. */
export interface Socket {
  id: string
  handshake: object
  rooms: ReadonlySet<Room>
  data: unknown
  /** What to call with the arguments of a client's acknowledgement, by the packet's id. */
  acks: Map<number, (...args: unknown[]) => void>
  join(rooms: readonly Room[]): unknown
  leave(room: Room): unknown
  disconnect(close: boolean): unknown
  notifyOutgoingListeners?(packet: Packet): void
  client: {
    conn?: { transport?: { name?: string }; listenerCount?(event: string): number }
    writeToEngine(packets: readonly unknown[], options: PacketOptions): void
  }
}

/** A socket of another server, as it is told of there. */
export interface SocketDescription {
  readonly id: string
  readonly handshake: unknown
  readonly rooms: readonly Room[]
  readonly data: unknown
}

/** The part of a Socket.IO namespace that an adapter uses. */
export interface Namespace {
  name: string
  sockets: Map<string, unknown>
  /** The id of the next packet that is to be acknowledged. */
  _ids: number
  /** Calls the listeners of `io.on(event)` for what another server emitted. */
  _onServerSideEmit(args: unknown[]): void
  listenerCount(event: string): number
  /** What it takes differs from one minor version of socket.io to the next; see `Encoder`. */
  server: { encoder: { encode(packet: never): unknown[] } }
}

/** A Socket.IO parser's encoder. */
export interface Encoder {
  encode(packet: Packet): unknown[]
}
