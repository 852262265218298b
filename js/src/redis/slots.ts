import { Buffer } from "node:buffer"
import type { Address } from "./deployment.ts"

/** How many slots the channels of a Redis Cluster are spread over. */
const SLOTS = 16_384

const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1
  return crc
})

/**
 * The slot of a shard channel: CRC16/XMODEM of its UTF-8 form, or of what stands between the first "{" and
 * the next "}" where that is something (`keyHashSlot` in cluster.c of Redis 7.0).
 */
export function slotOf(channel: string): number {
  const open = channel.indexOf("{")
  const close = open < 0 ? -1 : channel.indexOf("}", open + 1)
  const hashed = close > open + 1 ? channel.slice(open + 1, close) : channel
  let crc = 0
  for (const byte of Buffer.from(hashed)) {
    crc = ((crc << 8) & 0xffff) ^ (TABLE[(crc >> 8) ^ byte] ?? 0)
  }
  return crc % SLOTS
}

/** What an address is known by. */
export function keyOf({ host, port }: Address): string {
  return `${host}:${port}`
}

/** Which master has each slot, as the cluster said last. */
export class SlotMap {
  readonly #owners: readonly (Address | undefined)[]
  readonly #moved = new Map<number, Address>()

  /**
   * Reads an answer to `CLUSTER SLOTS`: in each range, two bounds precede the master, and that its replicas.
   * A server that does not know its own name leaves it out: it is where it was asked. Throws a TypeError for
   * any other answer, and for one that names nobody.
   */
  constructor(reply: unknown, asked: string) {
    const owners: (Address | undefined)[] = []
    for (const range of listOf(reply)) {
      const [first, last, master] = listOf(range)
      const [named, port] = listOf(master)
      const host = named === null || named === undefined ? "" : String(named)
      const owner = { host: host === "" || host === "?" ? asked : host, port: Number(port) }
      for (let slot = Number(first); slot <= Number(last); slot++) owners[slot] = owner
    }
    if (owners.length === 0) throw new TypeError("CLUSTER SLOTS was not answered with slots")
    this.#owners = owners
  }

  /** The master that has a slot; none, while nobody serves it. */
  ownerOf(slot: number): Address | undefined {
    return this.#moved.get(slot) ?? this.#owners[slot]
  }

  /** Takes what an owner of old says of one slot. */
  move(slot: number, owner: Address): void {
    this.#moved.set(slot, owner)
  }
}

/** Where a channel is, as a server says that has its slot no longer: `MOVED 1234 10.0.0.1:6379`. */
export function movedTo(error: unknown, asked: string): Address | undefined {
  const message = error instanceof Error ? error.message : ""
  const [, host, port] = /^MOVED \d+ (.*):(\d+)$/.exec(message) ?? []
  return port === undefined ? undefined : { host: host || asked, port: Number(port) }
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}
