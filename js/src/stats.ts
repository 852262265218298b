/** What an adapter has sent, received and dropped since it was made. */
export interface Stats {
  /** Broadcasts published to other servers. */
  published: number
  /** Broadcasts that could not be written as a message, and reached the sockets here alone. */
  unpublished: number
  /** Broadcasts of other servers that were delivered to at least one socket. */
  delivered: number
  /** Own broadcasts that came back. */
  echo: number
  /** Broadcasts for other namespaces, and messages of channels that are not ours. */
  foreign: number
  /** Messages that were refused. */
  malformed: number
  /** Broadcasts that no socket of this server wants. */
  unwanted: number
  /** Subscriptions that Redis or its client refused. */
  refused: number
}
