/**
 * What can go wrong at the edge between this package and its host, by stable code:
 *
 * - `ERR_CONNECTION_LOST`: the subscribing connection broke before Redis confirmed a subscription.
 * - `ERR_ENCODE`: a value that a custom parser may know, but MessagePack does not, was to be sent.
 * - `ERR_INVALID_NAMESPACE`: a namespace is not named as Socket.IO names them.
 * - `ERR_INVALID_OPTION`: an option has the wrong type or a value the wire cannot carry.
 * - `ERR_INVALID_ROOM`: a room is neither a string nor a number.
 * - `ERR_NOT_READY`: a subscription was asked for while its connection cannot take one.
 * - `ERR_NO_RANDOMNESS`: the host's `crypto` gives no random bytes.
 * - `ERR_READ_ONLY`: `adapter.rooms` or `adapter.sids` was written to; sockets join and leave instead.
 * - `ERR_TOO_LARGE`: a broadcast has more bytes than Redis takes in one message.
 * - `ERR_UNKNOWN_REDIS_CLIENT`: what was passed as a Redis client is none that we can drive.
 * - `ERR_UNSUPPORTED_OPTION`: an option of the published packages that is not there yet.
 */
export type AdapterErrorCode =
  | "ERR_CONNECTION_LOST"
  | "ERR_ENCODE"
  | "ERR_INVALID_NAMESPACE"
  | "ERR_INVALID_OPTION"
  | "ERR_INVALID_ROOM"
  | "ERR_NOT_READY"
  | "ERR_NO_RANDOMNESS"
  | "ERR_READ_ONLY"
  | "ERR_TOO_LARGE"
  | "ERR_UNKNOWN_REDIS_CLIENT"
  | "ERR_UNSUPPORTED_OPTION"

/** An error of this package. Callers branch on `code`; the text is for people and may change. */
export class AdapterError extends Error {
  override readonly name = "AdapterError"
  readonly code: AdapterErrorCode

  constructor(code: AdapterErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
