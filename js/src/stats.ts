/** What an adapter has sent, received and dropped since it was made. */
export interface Stats {
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
  /** Subscriptions that Redis or its client refused. */
  refused: number
}
