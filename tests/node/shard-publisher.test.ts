// What a publisher to shard channels does while slots move: nothing is lost, and no order.
import assert from "node:assert/strict"
import { describe, it } from "node:test"
import type { RedisConnection } from "../../js/src/redis/connection.ts"
import type { Address } from "../../js/src/redis/deployment.ts"
import { ShardPublisher } from "../../js/src/redis/shard-publisher.ts"
import { SlotMap } from "../../js/src/redis/slots.ts"
import { noop } from "./support/drivers.ts"

const timeout = 10_000

/** A master that notes what it is given, and answers when it is told. */
class Master {
  readonly port: number
  readonly given: string[] = []
  readonly #answers: ((outcome: number | Error) => void)[] = []

  constructor(port: number) {
    this.port = port
  }

  readonly connection = {
    ready: true,
    attach: noop,
    publish: (_: string, message: string) => {
      this.given.push(message)
      return new Promise<number>((resolve, reject) => {
        this.#answers.push((outcome) =>
          outcome instanceof Error ? reject(outcome) : resolve(outcome),
        )
      })
    },
  } as unknown as RedisConnection

  /** Answers what it was given first, of what is open. */
  async answer(outcome: number | Error): Promise<void> {
    this.#answers.shift()?.(outcome)
    await new Promise(setImmediate)
  }

  async holds(...messages: string[]): Promise<void> {
    await new Promise(setImmediate)
    assert.deepEqual(this.given, messages)
  }
}

function stage() {
  const masters = [new Master(1), new Master(2)] as const
  const publisher = new ShardPublisher({
    open: () => true,
    slots: async () => new SlotMap([[0, 16_383, ["127.0.0.1", masters[0].port]]], "127.0.0.1"),
    satelliteTo: async ({ port }: Address) => {
      const { connection } = masters[port - 1] as Master
      return { connection, opened: Promise.resolve(), close: noop }
    },
  })
  const publish = (message: string) => publisher.publish("channel", message)
  return { masters, publish }
}

const moved = (to: Master) => new Error(`MOVED 1 127.0.0.1:${to.port}`)

describe("messages to a slot that moves", () => {
  it("follow it in the order in which they were published", { timeout }, async () => {
    const { masters, publish } = stage()
    const [old, next] = masters
    const first = publish("first")
    await old.holds("first")
    await old.answer(1)
    assert.equal(await first, 1)
    const sent = [publish("a"), publish("b")]
    await old.holds("first", "a", "b")
    await old.answer(moved(next))
    sent.push(publish("c"))
    // Where b goes is not known yet.
    await next.holds()
    await old.answer(moved(next))
    await next.holds("a", "b", "c")
    for (const _ of sent) await next.answer(2)
    assert.deepEqual(await Promise.all(sent), [2, 2, 2])
  })

  it("follow it also if it was not known where it is", { timeout }, async () => {
    const { masters, publish } = stage()
    const [old, next] = masters
    const sent = publish("a")
    await old.holds("a")
    await old.answer(moved(next))
    await next.holds("a")
    await next.answer(3)
    assert.equal(await sent, 3)
  })

  it("are refused where two masters send them to each other", { timeout }, async () => {
    const { masters, publish } = stage()
    const [one, other] = masters
    const refused = assert.rejects(publish("a"), /^Error: MOVED/)
    await one.holds("a")
    for (let turn = 0; turn < 3; turn++) {
      await one.answer(moved(other))
      await other.answer(moved(one))
    }
    await refused
  })
})
