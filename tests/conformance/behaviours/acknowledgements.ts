import assert from "node:assert/strict"
import { Buffer } from "node:buffer"
import { behaviour, type Stage, until } from "../stage.ts"

/** Milliseconds: longer than any test lasts, as long as a busy machine needs to answer, and less. */
const [PATIENT, HASTY, SHORT] = [20_000, 400, 50]

type Failure = Error & { responses: unknown[] }

/** Broadcasts that clients acknowledge. */
export function acknowledgements(stage: Stage): void {
  /** What clients answer; those who are named, and nobody else, hear the question, and once. */
  async function asking(names: string, ask: () => Promise<unknown>): Promise<unknown> {
    let asked: PromiseSettledResult<unknown> | undefined
    const heard = await stage.reached(async () => {
      ;[asked] = await Promise.allSettled([ask()])
    })
    assert.equal(heard, names)
    if (asked?.status !== "fulfilled") throw asked?.reason
    return asked.value
  }

  const answering = async (names: string, ask: () => Promise<unknown>) =>
    assert.equal(((await asking(names, ask)) as string[]).toSorted().join(" "), names)

  behaviour("emitWithAck() gives an answer of each client it reaches", async () => {
    const { a, b, c, a1, b1, c1 } = stage
    const room = stage.fresh()
    await Promise.all([a1, b1].map(({ remote }) => remote.join(room)))
    for (const { io } of stage.servers) {
      await answering("a1 a2 b1 b2 c1", () => io.timeout(PATIENT).emitWithAck("who"))
    }
    await answering("a1 b1", () => c.io.to(room).timeout(PATIENT).emitWithAck("who"))
    await answering("c1", () => b.io.to(c1.remote.id).timeout(PATIENT).emitWithAck("who"))
    await answering("a2 b2 c1", () => a.io.except(room).timeout(PATIENT).emitWithAck("who"))
    await answering("b1", () => a1.remote.to(room).timeout(PATIENT).emitWithAck("who"))
    const called = new Promise<unknown>((resolve) => {
      a.io
        .to(room)
        .timeout(PATIENT)
        .emit("who", (...args: unknown[]) => resolve(args))
    })
    await asking("a1 b1", () => called)
    const [error, answers] = (await called) as [null, string[]]
    assert.equal(error, null)
    assert.deepEqual(answers.toSorted(), ["a1", "b1"])
  })

  behaviour("emitWithAck() carries any value there and back", async () => {
    const { a, c, b1, c1 } = stage
    const values = [{ text: "é😀", list: [1, -0.5, null] }, Buffer.from([0, 255]), [], "", false]
    for (const value of [...values, { deep: [Buffer.from("bytes")] }]) {
      for (const [io, to, name] of [
        [a.io, b1, "b1"],
        [c.io, c1, "c1"],
      ] as const) {
        const operator = io.to(to.remote.id).timeout(PATIENT)
        assert.deepEqual(await asking(name, () => operator.emitWithAck("mirror", value)), [value])
      }
    }
  })

  behaviour("emitWithAck() tells what did come when clients are silent", async () => {
    const { a, a1, a2, b1, b2, c1 } = stage
    const room = stage.fresh()
    await Promise.all([a1, b1, c1].map(({ remote }) => remote.join(room)))
    const asked = asking("a1 b1 c1", () =>
      a.io.to(room).timeout(SHORT).emitWithAck("nobody answers"),
    )
    await assert.rejects(asked, { message: "operation has timed out", responses: [] })
    b1.socket.once("sometimes", (answer: (name: string) => void) => answer("b1"))
    const some = asking("a1 b1 c1", () => a.io.to(room).timeout(HASTY).emitWithAck("sometimes"))
    await assert.rejects(some, { message: "operation has timed out", responses: ["b1"] })
    // Nothing waits for the others any more, wherever they are.
    const waiting = () => [a1, a2, b1, b2, c1].some(({ remote }) => acksOf(remote).size > 0)
    await until(() => !waiting())
  })

  behaviour("emitWithAck() gives nothing where nobody is", async () => {
    const { a } = stage
    const nobody = a.io.to(stage.fresh()).timeout(PATIENT)
    assert.deepEqual(await asking("", () => nobody.emitWithAck("who")), [])
  })

  behaviour("emitWithAck() can stay on its server", async () => {
    const { a, c, b1 } = stage
    await answering("a1 a2", () => a.io.local.timeout(PATIENT).emitWithAck("who"))
    await answering("c1", () => c.io.local.timeout(PATIENT).emitWithAck("who"))
    const nobody = a.io.local.to(b1.remote.id).timeout(PATIENT)
    assert.deepEqual(await asking("", () => nobody.emitWithAck("who")), [])
  })

  behaviour("emitWithAck() of one socket gives its answer alone", async () => {
    const { a, a1, b1 } = stage
    for (const [name, { remote }] of [
      ["a1", a1],
      ["b1", b1],
    ] as const) {
      const [found] = await a.io.in(remote.id).fetchSockets()
      assert.ok(found)
      assert.equal(await asking(name, () => found.timeout(PATIENT).emitWithAck("who")), name)
    }
    const [far] = await a.io.in(b1.remote.id).fetchSockets()
    assert.ok(far)
    const silent = asking("b1", () => far.timeout(SHORT).emitWithAck("nobody answers"))
    await assert.rejects(silent, (error: Failure) => error.responses === null)
  })

  behaviour("emitWithAck() reaches the clients here once, however short the time", async (t) => {
    const { a, b } = stage
    const nsp = stage.fresh("/hasty-")
    const [a3, b3, c3] = await stage.enter(t, nsp)
    const [near, far] = [a.io.of(nsp), b.io.of(nsp)]
    // Without a time, none is given to anybody.
    for (const operator of [near.timeout(0), far.timeout(1), near.to([])]) {
      const names = await stage.reached(
        async () => {
          const asked = operator.emitWithAck("nobody answers")
          await assert.rejects(asked, { message: "operation has timed out" })
        },
        { a3, b3, c3 },
      )
      assert.equal(names, "a3 b3 c3")
    }
  })

  behaviour("emitWithAck() carries its flags to the engines of other servers", async () => {
    const { a, b1, b2, c1 } = stage
    const { transport } = b1.remote.conn
    const writes = c1.writes()
    const heard = await stage.hear(async () => {
      transport.writable = false
      const asked = a.io.volatile.compress(false).timeout(SHORT).emitWithAck("who")
      await Promise.all([b2.until("who"), c1.until("who"), assert.rejects(asked)])
      transport.writable = true
    })
    assert.deepEqual(
      heard.map((events) => events.length),
      [1, 1, 0, 1, 1],
    )
    assert.equal(writes[0]?.volatile, true)
    assert.equal(writes[0]?.compress, false)
  })
}

/** What a socket is still to be acknowledged. */
function acksOf(socket: object): Map<number, unknown> {
  return (socket as { acks: Map<number, unknown> }).acks
}
