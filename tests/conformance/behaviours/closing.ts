import assert from "node:assert/strict"
import { AsyncLocalStorage, createHook } from "node:async_hooks"
import { once } from "node:events"
import type { TestContext } from "node:test"
import { reached } from "../../node/support/cluster.ts"
import { behaviour, type Stage, until } from "../stage.ts"

/** Servers that leave. */
export function closing(stage: Stage): void {
  const { environment } = stage

  behaviour("close() ends the subscriptions", async (t) => {
    const nsp = stage.fresh("/left-")
    const server = await environment.server()
    const [client] = await stage.enter(t, nsp, [server])
    await client.remote.join(["x", "y"])
    const { uid } = server.adapter()
    const ours = async () => {
      const channels = await environment.channels()
      return channels.filter((name) => name.includes(`#${nsp}#`) || name.endsWith(`#${uid}#`))
    }
    const elsewhere = `${environment.key}#${nsp}#elsewhere#`
    const during = await ours()
    assert.equal(during.includes(`${environment.key}#${nsp}#x#`), environment.subscribesToRooms)
    assert.ok(during.includes(environment.countedChannel(nsp)))
    assert.ok(during.some((name) => name.endsWith(`#${uid}#`)))
    const byPattern = stage.mode.subscriptionMode === "pattern"
    assert.equal(await environment.receivers(elsewhere), byPattern ? 1 : 0)
    assert.equal(await stage.a.adapter().serverCount(), 4)
    await Promise.all(["/", nsp].map((name) => server.adapter(name).close()))
    assert.deepEqual(await ours(), [])
    assert.equal(await environment.receivers(elsewhere), 0)
    assert.equal(await stage.a.adapter().serverCount(), 3)
    await server.close()
  })

  behaviour("close() rejects what waits for answers, and keeps no timer", async (t) => {
    const nsp = stage.fresh("/closing-")
    const timers = watchTimers(t)
    const server = await environment.server()
    t.after(() => server.close())
    const [{ remote }] = await stage.enter(t, nsp, [server])
    const unsilence = await environment.silentServer(nsp)
    const adapter = server.adapter(nsp)
    const io = server.io.of(nsp)
    const questions: [asked: Promise<unknown>, known?: unknown][] = [
      [adapter.sockets(new Set()), new Set([remote.id])],
      [adapter.count(), 1],
      [adapter.allRooms(), new Set([remote.id])],
      [io.fetchSockets(), [remote]],
      [io.serverSideEmitWithAck("ask"), []],
      [adapter.remoteJoin("nobody", "room")],
      [adapter.remoteLeave("nobody", "room")],
      [adapter.remoteDisconnect("nobody")],
    ]
    const refused = questions.map(([asked, known]) =>
      assert.rejects(asked, (error: Error & { code: string; responses: unknown }) => {
        assert.equal(error.code, "ERR_CLOSED")
        assert.match(error.message, /^the adapter was closed/)
        assert.deepEqual(error.responses, known)
        return true
      }),
    )
    // When this is known, Redis has taken all of the above.
    assert.equal(await adapter.serverCount(), 2)
    assert.ok(timers() > 0)
    await adapter.close()
    await Promise.all(refused)
    await Promise.all([unsilence(), server.adapter().close()])
    await until(() => timers() === 0)
  })

  behaviour("close() lets go of what clients are still to acknowledge", async (t) => {
    const nsp = stage.fresh("/unanswered-")
    const server = await environment.server()
    t.after(() => server.close())
    const [, far] = await stage.enter(t, nsp, [stage.a, server])
    const asked = stage.a.io.of(nsp).timeout(2_000)
    asked.emit("nobody answers", () => {})
    await far.until("nobody answers")
    const { acks } = far.remote as unknown as { acks: Map<number, unknown> }
    assert.equal(acks.size, 1)
    await server.adapter(nsp).close()
    assert.equal(acks.size, 0)
  })

  behaviour("a server that is closed is heard still, and waited for by nobody", async (t) => {
    const server = await environment.server()
    t.after(() => server.close())
    const client = await server.connect()
    await server.adapter().close()
    const names = await reached([server.io], stage.cast, () => server.io.emit("e"))
    assert.equal(names, "a1 a2 b1 b2 c1")
    assert.equal((await stage.a.io.fetchSockets()).length, 5)
    assert.deepEqual(client.take()[0], ["e"])
    const { remote } = client
    client.socket.disconnect()
    await once(remote, "disconnect")
    assert.equal(server.adapter().rooms.size, 0)
  })
}

/** How many timers of the package there are, of those that begin in what the test does from now on. */
function watchTimers(t: TestContext): () => number {
  const timers = new Set<number>()
  const ours = new AsyncLocalStorage<true>()
  const hook = createHook({
    init(id, type) {
      if (type !== "Timeout" || !ours.getStore()) return
      // The first line after this one's that is not of Node tells who asked for it.
      const lines = new Error("timer").stack?.split("\n") ?? []
      const [, caller = ""] = lines.filter(
        (line) => line.startsWith("    at") && !line.includes("node:"),
      )
      if (caller.includes("/pkg/dist/")) timers.add(id)
    },
    destroy: (id) => void timers.delete(id),
  }).enable()
  t.after(() => hook.disable())
  ours.enterWith(true)
  return () => timers.size
}
