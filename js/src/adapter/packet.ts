import type { Core } from "../boundary.ts"
import type { Packet, PacketOptions, Socket } from "../socket-io.ts"
import { FrameText } from "./text.ts"

/** A packet of another server on its way to the sockets here; what nobody asks for is not made. */
export class ReceivedPacket extends FrameText implements Packet {
  readonly type = 2
  readonly nsp: string
  private readonly core: Core
  private readonly message: Uint8Array
  private readonly dataStart: number
  private values: unknown[] | undefined

  /** Takes from `core` what it made of `message`; the frame is empty for a custom parser. */
  constructor(core: Core, nsp: string, message: Uint8Array, frame: Uint8Array) {
    super(frame, core.textStart)
    this.nsp = nsp
    this.core = core
    this.message = message
    this.dataStart = core.dataStart
    this.values = undefined
  }

  /** The event's name and its arguments, as listeners of outgoing packets see them. */
  get data(): unknown[] {
    this.values ??= this.core.decode(this.message.subarray(this.dataStart)) as unknown[]
    return this.values
  }
}

/**
 * Gives a packet to sockets. A socket's listener that throws keeps no other socket from getting it;
 * the first error is given back.
 */
export function deliver(
  sockets: readonly Socket[],
  packet: Packet,
  packets: readonly unknown[],
  options: PacketOptions,
): unknown {
  let failure: unknown
  let strings: readonly unknown[] | undefined
  for (const socket of sockets) {
    try {
      socket.notifyOutgoingListeners?.(packet)
      socket.client.writeToEngine(
        takesObjects(socket) ? packets : (strings ??= packets.map(plain)),
        options,
      )
    } catch (error) {
      failure ??= error
    }
  }
  return failure
}

/** Whether an engine writes frames, and nobody looks at its packets, who would expect strings. */
function takesObjects(socket: Socket): boolean {
  const { conn } = socket.client
  return conn?.transport?.name === "websocket" && conn.listenerCount?.("packetCreate") === 0
}

function plain(packet: unknown): unknown {
  return packet instanceof FrameText ? packet.toString() : packet
}

/** What engines need to know of a packet that is encoded; with its frame, if one was made. */
export function optionsOf(
  volatile: boolean | undefined,
  compress: boolean | undefined,
  frame: Uint8Array | undefined,
): PacketOptions {
  const wsPreEncodedFrame: [Uint8Array] | undefined = frame === undefined ? frame : [frame]
  return { preEncoded: true, volatile, compress, wsPreEncodedFrame }
}

/** Any form of binary data, as the bytes that it shows. */
export function bytesOf(binary: unknown): Uint8Array {
  if (binary instanceof Uint8Array) return binary
  if (ArrayBuffer.isView(binary)) {
    return new Uint8Array(binary.buffer, binary.byteOffset, binary.byteLength)
  }
  return new Uint8Array(binary as ArrayBuffer)
}
