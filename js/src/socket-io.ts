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
  notifyOutgoingListeners?(packet: Packet): void
  client: {
    conn?: { transport?: { name?: string }; listenerCount?(event: string): number }
    writeToEngine(packets: readonly unknown[], options: PacketOptions): void
  }
}

/** The part of a Socket.IO namespace that an adapter uses. */
export interface Namespace {
  name: string
  sockets: Map<string, unknown>
  /** What it takes differs from one minor version of socket.io to the next; see `Encoder`. */
  server: { encoder: { encode(packet: never): unknown[] } }
}

/** A Socket.IO parser's encoder. */
export interface Encoder {
  encode(packet: Packet): unknown[]
}
