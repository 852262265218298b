// What a connection makes of what Redis says on it, also of what nobody asked for.
import assert from "node:assert/strict"
import { Buffer } from "node:buffer"
import { describe, it, type TestContext } from "node:test"
import { setImmediate as turn } from "node:timers/promises"
import { type Reply, ReplyReader } from "../../js/src/redis/resp.ts"
import { ShardLink } from "../../js/src/redis/shard-link.ts"
import { noop, refuseUnhandledRejections } from "./support/drivers.ts"

refuseUnhandledRejections()

/** A link whose server is the test, and what it told of. */
class Peer {
  readonly told: string[] = []
  readonly link: ShardLink
  #written = ""
  #data: (chunk: Buffer) => void = noop
  #closed: () => void = noop

  constructor(t: TestContext) {
    const wire = {
      take: (data: (chunk: Buffer) => void, closed: () => void) => {
        this.#data = data
        this.#closed = closed
      },
      write: (text: string) => void (this.#written += text),
      close: () => this.#closed(),
    }
    this.link = new ShardLink(wire, {
      receive: (channel, message) => void this.told.push(`${channel}: ${message}`),
      ended: (name) => void this.told.push(`ended ${name}`),
      lost: () => void this.told.push("lost"),
    })
    t.after(() => this.link.close())
  }

  /** The commands that were sent since this was called last. */
  async commands(): Promise<string[]> {
    await turn()
    const commands: string[] = []
    new ReplyReader((reply) => commands.push((reply as Reply[]).join(" "))).write(
      Buffer.from(this.#written),
    )
    this.#written = ""
    return commands
  }

  say(text: Buffer | string): void {
    this.#data(Buffer.from(text))
  }

  lose(): void {
    this.#closed()
  }
}

const subscribed = (name: string) =>
  `*3\r\n$10\r\nssubscribe\r\n$${name.length}\r\n${name}\r\n:1\r\n`
const ended = (name: string) => `*3\r\n$12\r\nsunsubscribe\r\n$${name.length}\r\n${name}\r\n:0\r\n`
const pong = "*2\r\n$4\r\npong\r\n$0\r\n\r\n"

describe("a link", () => {
  it("takes no sunsubscribe for the answer to a subscription", async (t) => {
    const peer = new Peer(t)
    const first = peer.link.ask("ssubscribe", "{a}1")
    await peer.commands()
    peer.say(subscribed("{a}1"))
    await first
    const [second, other] = [peer.link.ask("ssubscribe", "{a}2"), peer.link.ask("ssubscribe", "b")]
    assert.deepEqual(await peer.commands(), ["SSUBSCRIBE {a}2", "SSUBSCRIBE b"])
    peer.say(`${ended("{a}1")}-MOVED 15495 127.0.0.1:1\r\n${subscribed("b")}`)
    await assert.rejects(second, /MOVED/)
    await other
    assert.deepEqual(peer.told, ["ended {a}1"])
    assert.deepEqual(
      ["{a}1", "{a}2", "b"].map((name) => peer.link.has(name)),
      [false, false, true],
    )
  })

  it("keeps its answers apart when a slot moves while a name is given up", async (t) => {
    const peer = new Peer(t)
    const before = peer.link.ask("ssubscribe", "a")
    await peer.commands()
    peer.say(subscribed("a"))
    await before
    const leaving = peer.link.ask("sunsubscribe", "a")
    const joining = peer.link.ask("ssubscribe", "b")
    assert.deepEqual(await peer.commands(), ["SUNSUBSCRIBE a", "PING", "SSUBSCRIBE b"])
    peer.say(`${ended("a")}-MOVED 15495 127.0.0.1:1\r\n${pong}${subscribed("b")}`)
    await assert.rejects(leaving, /MOVED/)
    await joining
    const again = peer.link.ask("sunsubscribe", "b")
    await peer.commands()
    peer.say(ended("b") + pong)
    await again
    assert.deepEqual(peer.told, [])
  })

  it("asks one by one for names that were refused together", async (t) => {
    const peer = new Peer(t)
    const asked = ["{x}1", "{x}2"].map((name) => peer.link.ask("ssubscribe", name))
    const outcomes = Promise.allSettled(asked)
    assert.deepEqual(await peer.commands(), ["SSUBSCRIBE {x}1 {x}2"])
    peer.say("-NOPERM no permissions\r\n")
    assert.deepEqual(await peer.commands(), ["SSUBSCRIBE {x}1", "SSUBSCRIBE {x}2"])
    peer.say(`${subscribed("{x}1")}-NOPERM no permissions\r\n`)
    assert.deepEqual(
      (await outcomes).map(({ status }) => status),
      ["fulfilled", "rejected"],
    )
  })

  it("refuses all that is open when it is lost, and what comes later", async (t) => {
    const peer = new Peer(t)
    const open = peer.link.ask("ssubscribe", "a")
    await peer.commands()
    peer.lose()
    await assert.rejects(open, { code: "ERR_CONNECTION_LOST" })
    await assert.rejects(peer.link.ask("ssubscribe", "a"), { code: "ERR_CONNECTION_LOST" })
    assert.deepEqual(peer.told, ["lost"])
  })

  it("reads messages wherever they are cut", (t) => {
    const peer = new Peer(t)
    const text = "*3\r\n$8\r\nsmessage\r\n$2\r\né\r\n$4\r\n\r\n\r\n\r\n"
    const push = ">3\r\n$8\r\nsmessage\r\n$1\r\nb\r\n$0\r\n\r\n"
    const bytes = Buffer.from(text + push + text)
    for (let cut = 0; cut <= bytes.length; cut++) {
      peer.told.length = 0
      peer.say(bytes.subarray(0, cut))
      peer.say(bytes.subarray(cut))
      assert.deepEqual(peer.told, ["é: \r\n\r\n", "b: ", "é: \r\n\r\n"], `cut at ${cut}`)
    }
  })
})
