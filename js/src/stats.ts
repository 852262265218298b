/** What an adapter has sent, received and dropped since it was made (or the core was built again), and how it stands now. */
export interface Stats {
  /** Messages that came in by the subscriptions, whatever became of them. */
  messagesIn: number
  /** Their bytes, without the names of channels. */
  bytesIn: number
  /** Messages that the Redis client was given to publish, whether Redis took them or not. */
  messagesOut: number
  /** Their bytes, without the names of channels. */
  bytesOut: number

  /** Broadcasts published to other servers. */
  published: number
  /** Broadcasts that could not be written as a message, and reached the sockets here alone. */
  unpublished: number
  /** Broadcasts of other servers that were delivered to at least one socket. */
  delivered: number
  /** Requests of other servers that were taken. */
  requests: number
  /** Answers of other servers that were taken. */
  answers: number

  /** Own broadcasts and requests that came back. */
  echo: number
  /** Messages for other namespaces, of other channels, and of versions that are not known here. */
  foreign: number
  /** Messages that were refused. */
  malformed: number
  /** Broadcasts that no socket of this server wants, and answers that nothing here waits for. */
  unwanted: number

  /** Requests of this server that ended because not all others answered in time. */
  timeouts: number
  /** Messages that Redis or its client did not take. */
  publishFailed: number
  /** Subscriptions that Redis or its client refused, or that were lost before they were confirmed. */
  refused: number
  /** Times that the servers could not be counted. */
  countFailed: number
  /** Times that a confirmed subscription turned out to bring nothing. */
  deaf: number
  /** Failures of this package itself. */
  unexpected: number

  /** Requests of this server that wait for answers now. */
  openRequests: number
  /** Subscriptions that stand now. */
  subscriptions: number
  /** 1 while the subscribing connection is up, otherwise 0. */
  connected: number
  /** 1 while messages of other servers may not arrive or those of this one may not leave, otherwise 0. */
  degraded: number
}
