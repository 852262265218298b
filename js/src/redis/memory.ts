import type { MessageListener, RedisDriver, SubscriptionKind } from "./driver.ts"

/**
 * What takes the place of both Redis clients among the Socket.IO servers of one process: in the tests
 * of an application, or to try things out. Servers that share a bus are a cluster.
 */
export interface MemoryBus extends RedisDriver {
  /** What a bus is known by: the package has one copy of this module for `import`, one for `require()`. */
  readonly isMemoryBus: true
  /** Its shard channels, which are no others' even where they have the same names, as in Redis. */
  readonly sharded: RedisDriver
}

interface Subscriber {
  readonly listener: MessageListener
  subscribed: boolean
}

interface Name {
  /** What a channel must look like; of patterns only. */
  readonly glob: RegExp | undefined
  readonly subscribers: Map<MessageListener, Subscriber>
}

/**
 * A new bus. It delivers as Redis does: in the order of publishing, to whoever was subscribed at that
 * time, also to the publisher; never inside `publish`, whose promise settles after the delivery. Bytes
 * are not copied: what a listener gets is what was published.
 */
export function memoryBus(): MemoryBus {
  return Object.assign(memoryDriver(), { isMemoryBus: true, sharded: memoryDriver() } as const)
}

function memoryDriver(): RedisDriver {
  const names: Record<SubscriptionKind, Map<string, Name>> = {
    channel: new Map(),
    pattern: new Map(),
  }

  function* subscribersOf(channel: string): Iterable<Subscriber> {
    yield* names.channel.get(channel)?.subscribers.values() ?? []
    const bytes = binaryText(channel)
    for (const { glob, subscribers } of names.pattern.values()) {
      if (glob?.test(bytes)) yield* subscribers.values()
    }
  }

  let heard = 0

  return {
    ordered: true,
    ready: true,
    reconnect: () => {},

    get heard() {
      return heard
    },

    async publish(channel, message) {
      const subscribers = [...subscribersOf(channel)]
      const name = encoder.encode(channel)
      const bytes = typeof message === "string" ? encoder.encode(message) : message
      await undefined
      for (const { listener, subscribed } of subscribers) {
        if (!subscribed) continue
        heard++
        listener(name, bytes)
      }
      return subscribers.length
    },

    async subscribe(kind, name, listener) {
      const glob = kind === "pattern" ? globExpression(name) : undefined
      const entry = names[kind].get(name) ?? { glob, subscribers: new Map() }
      names[kind].set(name, entry)
      if (!entry.subscribers.has(listener)) {
        entry.subscribers.set(listener, { listener, subscribed: true })
      }
    },

    async unsubscribe(kind, name, listener) {
      const subscribers = names[kind].get(name)?.subscribers
      const subscriber = subscribers?.get(listener)
      if (!subscribers || !subscriber) return
      subscriber.subscribed = false
      subscribers.delete(listener)
      if (subscribers.size === 0) names[kind].delete(name)
    },

    count: async (channels) =>
      channels.map((channel) => names.channel.get(channel)?.subscribers.size ?? 0),

    watch: () => () => {},
  }
}

/** Whether a value is a bus, of whatever copy of this module. */
export function isMemoryBus(value: unknown): value is MemoryBus {
  return typeof value === "object" && value !== null && Reflect.get(value, "isMemoryBus") === true
}

const encoder = new TextEncoder()

/** One character for each byte of the UTF-8 form, since Redis matches bytes. */
function binaryText(text: string): string {
  return Array.from(encoder.encode(text), (byte) => String.fromCharCode(byte)).join("")
}

// The end of a range can be any byte, even "]", and what is open at the end of the pattern ends there
// (`stringmatchlen` in util.c of Redis 7.0).
const CLASS_MEMBER = /\\([^])|([^\]])-([^])|[^\]]/g
const GLOB_PART = /\*+|\?|\[(\^?)((?:\\[^]|[^\]]-[^]|[^\]])*)\]?|\\([^])|[^]/g

/** The regular expression, over binary text, of what a pattern matches. */
function globExpression(pattern: string): RegExp {
  const source = binaryText(pattern).replace(GLOB_PART, (part, not, members, escaped) => {
    if (members !== undefined) return `[${not}${classMembers(members)}]`
    if (part.startsWith("*")) return "[^]*"
    return part === "?" ? "[^]" : literal(escaped ?? part)
  })
  return new RegExp(`^${source}$`)
}

function classMembers(members: string): string {
  return members.replace(CLASS_MEMBER, (member, escaped, first, last) => {
    if (first === undefined) return literal(escaped ?? member)
    return [first, last].toSorted().map(literal).join("-")
  })
}

function literal(char: string): string {
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`
}
