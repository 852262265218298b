import assert from "node:assert/strict"
import type { Operation, Scene } from "../scene.ts"

type Listener = (...args: unknown[]) => void

const args = [1, "é", null, { list: [true, 0.5], empty: {} }]

/** Events from server to server. */
export const serverSide: readonly Operation[] = [
  {
    feature: "serverSideEmit",
    name: "to the other servers, once",
    async run(scene) {
      const heard = listen(scene, "/", "hello")
      scene.io.serverSideEmit("hello", ...args)
      scene.io.serverSideEmit("hello")
      await scene.settle()
      assert.deepEqual(heard, others(scene, [args, []]))
    },
  },
  {
    feature: "serverSideEmit",
    name: "in another namespace",
    async run(scene) {
      const [there, elsewhere] = [listen(scene, "/chat", "hello"), listen(scene, "/", "hello")]
      await scene.add("chat", scene.receiver.connect("/chat"))
      scene.io.of("/chat").serverSideEmit("hello", ...args)
      await scene.settle()
      assert.deepEqual(there, others(scene, [args]))
      assert.deepEqual(elsewhere, others(scene, []))
    },
  },
  {
    feature: "serverSideEmitWithAck",
    name: "with a callback",
    async run(scene) {
      answer(scene, (name, text) => `${name} hears ${String(text)}`)
      const answers = await new Promise((resolve, reject) => {
        scene.io.serverSideEmit("ask", "é", (error: Error | null, responses: unknown[]) =>
          error ? reject(error) : resolve(responses.toSorted()),
        )
      })
      assert.deepEqual(
        answers,
        otherNames(scene).map((name) => `${name} hears é`),
      )
    },
  },
  {
    feature: "serverSideEmitWithAck",
    name: "with a promise",
    async run(scene) {
      answer(scene, (_, value) => value)
      for (const value of [...args, undefined]) {
        const answers = await scene.io.serverSideEmitWithAck("ask", value)
        // JSON has no undefined among the arguments, and none at the end of an answer.
        const expected = value === undefined ? null : value
        assert.deepEqual(
          answers,
          otherNames(scene).map(() => expected),
        )
      }
    },
  },
  {
    feature: "serverSideEmitWithAck",
    name: "of servers that say nothing",
    async run(scene) {
      answer(scene, () => undefined)
      const answers = await scene.io.serverSideEmitWithAck("ask", 1)
      assert.deepEqual(
        answers,
        otherNames(scene).map(() => undefined),
      )
    },
  },
]

/** The servers that are not the sender's, by name. */
function otherNames(scene: Scene): string[] {
  return scene.servers
    .filter(([, site]) => site !== scene.sender)
    .map(([name]) => name)
    .toSorted()
}

/** The same heard by every server but the sender's, which hears nothing. */
function others(scene: Scene, heard: unknown[][]): Record<string, unknown[][]> {
  const names = otherNames(scene)
  return Object.fromEntries(
    scene.servers.map(([name]) => [name, names.includes(name) ? heard : []]),
  )
}

/** What the servers hear of an event from now on, by the servers' names. */
function listen(scene: Scene, nsp: string, event: string): Record<string, unknown[][]> {
  const heard: Record<string, unknown[][]> = {}
  for (const [name, { io }] of scene.servers) {
    const own: unknown[][] = []
    heard[name] = own
    on(scene, io.of(nsp), event, (...received) => void own.push(received))
  }
  return heard
}

/** Has all servers answer "ask" with what this makes of their name and of the question. */
function answer(scene: Scene, make: (name: string, question: unknown) => unknown): void {
  for (const [name, { io }] of scene.servers) {
    on(scene, io.of("/"), "ask", (question, callback) =>
      (callback as Listener)(make(name, question)),
    )
  }
}

/** Listens until the end of the scene. */
function on(scene: Scene, nsp: object, event: string, listener: Listener): void {
  const emitter = nsp as NodeJS.EventEmitter
  emitter.on(event, listener)
  scene.atEnd(() => emitter.off(event, listener))
}
