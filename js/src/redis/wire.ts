import type { Buffer } from "node:buffer"
import type { Socket } from "node:net"

/** A connection that Redis has let in, and that is written to and read as it is. */
export interface Wire {
  /** From now on, takes what comes in, and hears once that nothing will. */
  take(data: (chunk: Buffer) => void, closed: () => void): void
  write(text: string): void
  close(): void
}

/** Takes a socket on which nothing is expected, from whoever has used it until now. */
export function wireOf(socket: Socket, close: () => void): Wire {
  return {
    take(data, closed) {
      socket.removeAllListeners("data")
      socket.on("data", data)
      if (socket.destroyed) closed()
      else socket.once("close", closed)
    },
    // What follows the loss of a socket is rejected once that is told.
    write: (text) => void (socket.writable && socket.write(text)),
    close,
  }
}
