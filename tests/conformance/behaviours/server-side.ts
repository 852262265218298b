import assert from "node:assert/strict"
import { behaviour, type Stage } from "../stage.ts"

type Answer = (value?: unknown) => void
/** The part of a namespace that is used here, with events of any kind. */
interface Meeting {
  on(event: string, listener: (...args: never[]) => void): unknown
  serverSideEmit(event: string, ...args: unknown[]): unknown
  serverSideEmitWithAck(event: string, ...args: unknown[]): Promise<unknown[]>
}

type Failure = Error & { code: string; missing: number; responses: unknown[] }

/** What servers say to each other. */
export function serverSide(stage: Stage): void {
  /** A namespace of the first servers, each of which hears the others. */
  async function meet(
    prefix: string,
    servers: number = stage.servers.length,
  ): Promise<[Meeting, Meeting, Meeting]> {
    const nsp = stage.fresh(prefix)
    const here = stage.servers.slice(0, servers)
    const namespaces = here.map(({ io }) => io.of(nsp))
    await Promise.all(here.map((server) => server.adapter(nsp).subscribed()))
    return namespaces as unknown as [Meeting, Meeting, Meeting]
  }

  behaviour("serverSideEmit() reaches the listeners of the other servers", async () => {
    const [a, b, c] = await meet("/side-")
    const heard: unknown[] = []
    const ended = [b, c].map((nsp) => new Promise((resolve) => nsp.on("end", resolve)))
    for (const [name, nsp] of Object.entries({ a, b, c })) {
      nsp.on("said", (...args: unknown[]) => heard.push([name, ...args]))
    }
    a.serverSideEmit("said", 1, "é", { list: [null] })
    a.serverSideEmit("said")
    a.serverSideEmit("end")
    await Promise.all(ended)
    const event = [1, "é", { list: [null] }]
    assert.deepEqual(heard.toSorted(), [["b"], ["b", ...event], ["c"], ["c", ...event]])
  })

  behaviour("serverSideEmit() gives what the other servers call back with", async () => {
    const [a, b, c] = await meet("/side-")
    a.on("ask", (_: number, answer: Answer) => answer("a"))
    b.on("ask", (number: number, answer: Answer) => answer(number + 1))
    c.on("ask", (number: number, answer: Answer) => answer({ c: number }))
    const answers = await a.serverSideEmitWithAck("ask", 1)
    assert.deepEqual(answers.toSorted(), [2, { c: 1 }])
    const called = await new Promise((resolve) => {
      b.serverSideEmit("ask", 7, (...args: unknown[]) => resolve(args))
    })
    assert.ok(Array.isArray(called))
    assert.equal(called[0], null)
    assert.deepEqual((called[1] as unknown[]).toSorted(), ["a", { c: 7 }].toSorted())
  })

  behaviour("serverSideEmit() gives nothing where there is no other server", async () => {
    const [a] = await meet("/side-", 1)
    a.on("ask", (answer: Answer) => answer("oneself"))
    assert.deepEqual(await a.serverSideEmitWithAck("ask"), [])
  })

  behaviour("serverSideEmit() takes one answer of a listener that calls back twice", async () => {
    const [a, b, c] = await meet("/side-")
    b.on("ask", (answer: Answer) => {
      answer("first")
      answer("second")
    })
    const asked = new Promise<Answer>((resolve) => c.on("ask", resolve))
    const answers = a.serverSideEmitWithAck("ask")
    const later = await asked
    later(undefined)
    assert.deepEqual((await answers).toSorted(), ["first", undefined])
    later("late")
  })

  behaviour("serverSideEmit() tells who did answer when a listener never does", async () => {
    const [a, b, c] = await meet("/hasty-")
    b.on("ask", (answer: Answer) => answer("b"))
    c.on("ask", () => {})
    await assert.rejects(a.serverSideEmitWithAck("ask"), (error: Failure) => {
      assert.equal(error.code, "ERR_REQUEST_TIMEOUT")
      assert.equal(error.message, "timeout reached: only 1 responses received out of 2")
      assert.deepEqual(error.responses, ["b"])
      assert.equal(error.missing, 1)
      return true
    })
  })
}
