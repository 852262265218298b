/**
 * What can go wrong at the edge between this package and its host, by stable code:
 *
 * - `ERR_CLOSED`: the adapter was closed while a request waited for answers.
 * - `ERR_CONNECTION_LOST`: the subscribing connection broke before Redis confirmed a subscription.
 * - `ERR_ENCODE`: a value that a custom parser may know, but MessagePack does not, was to be sent.
 * - `ERR_INVALID_NAMESPACE`: a namespace is not named as Socket.IO names them.
 * - `ERR_INVALID_OPTION`: an option has the wrong type or a value the wire cannot carry.
 * - `ERR_INVALID_ROOM`: a room is named by an object, a function or a symbol.
 * - `ERR_INVALID_SOCKET_ID`: the id of a socket is no string.
 * - `ERR_NOT_READY`: a subscription was asked for while its connection cannot take one, or no server of a
 *   cluster answers.
 * - `ERR_NO_RANDOMNESS`: the host's `crypto` gives no random bytes.
 * - `ERR_READ_ONLY`: `adapter.rooms` or `adapter.sids` was written to; sockets join and leave instead.
 * - `ERR_REQUEST_FAILED`: Redis did not take a request, or did not count the servers; `cause` is why.
 * - `ERR_REQUEST_TIMEOUT`: not all servers answered a request in time; `responses` holds what came.
 * - `ERR_TOO_LARGE`: a broadcast has more bytes than Redis takes in one message.
 * - `ERR_UNKNOWN_REDIS_CLIENT`: what was passed as a Redis client is none that we can drive.
 */
export type AdapterErrorCode =
  | "ERR_CLOSED"
  | "ERR_CONNECTION_LOST"
  | "ERR_ENCODE"
  | "ERR_INVALID_NAMESPACE"
  | "ERR_INVALID_OPTION"
  | "ERR_INVALID_ROOM"
  | "ERR_INVALID_SOCKET_ID"
  | "ERR_NOT_READY"
  | "ERR_NO_RANDOMNESS"
  | "ERR_READ_ONLY"
  | "ERR_REQUEST_FAILED"
  | "ERR_REQUEST_TIMEOUT"
  | "ERR_TOO_LARGE"
  | "ERR_UNKNOWN_REDIS_CLIENT"

/** An error of this package. Callers branch on `code`; the text is for people and may change. */
export class AdapterError extends Error {
  override readonly name = "AdapterError"
  readonly code: AdapterErrorCode

  constructor(code: AdapterErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** A request to the other servers that did not end well; what did come is not thrown away. */
export class RequestError<Response = unknown> extends AdapterError {
  /** What is known: what this server has, and what those said that answered. */
  readonly responses: Response
  /** How many servers have not answered; `undefined` if they could not be counted. */
  readonly missing: number | undefined

  constructor(
    code: "ERR_CLOSED" | "ERR_REQUEST_FAILED" | "ERR_REQUEST_TIMEOUT",
    message: string,
    responses: Response,
    missing: number | undefined,
    cause: unknown,
  ) {
    super(code, message, cause === undefined ? undefined : { cause })
    this.responses = responses
    this.missing = missing
  }
}
