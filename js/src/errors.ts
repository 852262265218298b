/**
 * What can go wrong at the edge between this package and its host, by stable code. Those of a `FaultError`
 * are told by the adapter's event "error":
 *
 * - `ERR_CLOSED`: the adapter was closed while a request waited for answers.
 * - `ERR_CORE_TRAPPED`: the core stopped, which must not happen; it was built again (`TrapError`).
 * - `ERR_COUNT_FAILED`: Redis did not count the servers (`FaultError`).
 * - `ERR_CONNECTION_LOST`: the subscribing connection broke before Redis confirmed a subscription, or could not be
 *   made to the server of a cluster that has the slot of a shard channel.
 * - `ERR_DEAF_SUBSCRIPTION`: a subscription that Redis had confirmed brought nothing; it is made anew
 *   (`FaultError`).
 * - `ERR_ENCODE`: a value that a custom parser may know, but MessagePack does not, was to be sent.
 * - `ERR_INVALID_NAMESPACE`: a namespace is not named as Socket.IO names them.
 * - `ERR_INVALID_OPTION`: an option has the wrong type or a value the wire cannot carry.
 * - `ERR_INVALID_ROOM`: a socket was to join a room named by an object, a function or a symbol; nobody can be in
 *   one (`FaultError`).
 * - `ERR_INVALID_SOCKET_ID`: the id of a socket is no string.
 * - `ERR_MALFORMED_MESSAGE`: a message that came in was refused (`FaultError`).
 * - `ERR_NOT_READY`: a subscription was asked for while its connection cannot take one, or no server of a
 *   cluster answers.
 * - `ERR_NO_RANDOMNESS`: the host's `crypto` gives no random bytes.
 * - `ERR_PUBLISH_FAILED`: Redis or its client did not take a message, or the option `parser` could not encode it;
 *   the sockets here have it all the same (`FaultError`).
 * - `ERR_READ_ONLY`: `adapter.rooms` or `adapter.sids` was written to; sockets join and leave instead.
 * - `ERR_REQUEST_FAILED`: Redis did not take a request, or did not count the servers; `cause` is why.
 * - `ERR_REQUEST_TIMEOUT`: not all servers answered a request in time; `responses` holds what came.
 * - `ERR_SUBSCRIBE_FAILED`: Redis refused a subscription; it is asked for again (`FaultError`).
 * - `ERR_TOO_LARGE`: a broadcast has more bytes than Redis takes in one message.
 * - `ERR_UNEXPECTED`: something failed here that must not; nothing else was touched by it (`FaultError`).
 * - `ERR_UNKNOWN_REDIS_CLIENT`: what was passed as a Redis client is none that we can drive.
 * - `ERR_UNSUPPORTED_CLIENT`: a Redis client that we know cannot do what was asked for; the text says what can.
 */
export type AdapterErrorCode =
  | FaultCode
  | "ERR_CLOSED"
  | "ERR_CONNECTION_LOST"
  | "ERR_CORE_TRAPPED"
  | "ERR_ENCODE"
  | "ERR_INVALID_NAMESPACE"
  | "ERR_INVALID_OPTION"
  | "ERR_INVALID_SOCKET_ID"
  | "ERR_NOT_READY"
  | "ERR_NO_RANDOMNESS"
  | "ERR_READ_ONLY"
  | "ERR_REQUEST_FAILED"
  | "ERR_REQUEST_TIMEOUT"
  | "ERR_TOO_LARGE"
  | "ERR_UNKNOWN_REDIS_CLIENT"
  | "ERR_UNSUPPORTED_CLIENT"

/** What goes wrong while an adapter runs, and is got over. */
export type FaultCode =
  | "ERR_COUNT_FAILED"
  | "ERR_DEAF_SUBSCRIPTION"
  | "ERR_INVALID_ROOM"
  | "ERR_MALFORMED_MESSAGE"
  | "ERR_PUBLISH_FAILED"
  | "ERR_SUBSCRIBE_FAILED"
  | "ERR_UNEXPECTED"

/** An error of this package. Callers branch on `code`; the text is for people and may change. */
export class AdapterError extends Error {
  override readonly name: string = "AdapterError"
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

/**
 * Something that went wrong and was got over, as the adapter's event "error" tells it: at most once a minute
 * for each code. `cause` is what the Redis client, the parser or the core said, where there is that.
 */
export class FaultError extends AdapterError {
  override readonly name = "FaultError"
  declare readonly code: FaultCode
  /** How often it has happened since it was told of last, this time included. */
  readonly occurrences: number

  constructor(code: FaultCode, message: string, occurrences: number, cause: unknown) {
    super(code, message, cause === undefined ? undefined : { cause })
    this.occurrences = occurrences
  }
}

/**
 * The core stopped in the middle of a call, by a fault of ours or because the application had used up the stack:
 * whoever called got this error. It was built again, with the sockets and those of their rooms that could still be read;
 * requests that waited for answers failed with this error as `cause`. `cause` is what stopped it. Please tell us of it.
 */
export class TrapError extends AdapterError {
  override readonly name = "TrapError"
  /** The call. */
  readonly call: string
  /** What had been handed to the core, for finding out what led to it: at most the first 64 KB. */
  readonly input: Uint8Array

  constructor(call: string, input: Uint8Array, cause: unknown) {
    super("ERR_CORE_TRAPPED", `the core stopped in ${call} and was built again; see the cause`, {
      cause,
    })
    this.call = call
    this.input = input
  }
}
