import assert from "node:assert/strict"
import { Buffer } from "node:buffer"
import type { Operation, Scene } from "../scene.ts"

/** How long answers are waited for where all come, and where some do not, in milliseconds. */
const patient = 5_000
const brief = 300

type Callback = (answer?: unknown) => void

/** Events to clients, which answer. */
export const acknowledgements: readonly Operation[] = [
  {
    feature: "emitWithAck",
    name: "to all, with a promise",
    async run(scene) {
      const asked = answer(scene, (name, text) => `${name} hears ${String(text)}`)
      const answers = await scene.io.timeout(patient).emitWithAck("ask", "é")
      const names = scene.named("s1 s2 r1 r2 b")
      assert.deepEqual(answers.toSorted(), names.map((name) => `${name} hears é`).toSorted())
      await scene.settle()
      assert.deepEqual(asked.toSorted(), names.toSorted())
    },
  },
  {
    feature: "emitWithAck",
    name: "to all, with a callback",
    async run(scene) {
      answer(scene, (name) => name)
      const answers = await new Promise<string[]>((resolve, reject) => {
        scene.io
          .timeout(patient)
          .emit("ask", 1, (error: Error | null, responses: string[]) =>
            error ? reject(error) : resolve(responses),
          )
      })
      assert.deepEqual(answers.toSorted(), scene.named("s1 s2 r1 r2 b").toSorted())
    },
  },
  {
    feature: "emitWithAck",
    name: "with a filter",
    async run(scene) {
      answer(scene, (name) => name)
      const { io } = scene
      for (const [names, some] of [
        ["s1 r1 b", io.to("x")],
        ["s1 b", io.to("x").except("y")],
        ["r2", io.to("z")],
        ["", io.to("nobody's")],
      ] as const) {
        const answers = await some.timeout(patient).emitWithAck("ask", 1)
        assert.deepEqual(answers.toSorted(), scene.named(names).toSorted())
      }
    },
  },
  {
    feature: "emitWithAck",
    name: "answers of every kind",
    async run(scene) {
      const kinds = [null, true, 0, -1.5, "é", "", [1, [2]], { a: { b: null } }]
      answer(scene, (_, index) => kinds[Number(index)])
      for (const [index, kind] of kinds.entries()) {
        assert.deepEqual(await scene.io.to("z").timeout(patient).emitWithAck("ask", index), [kind])
      }
    },
  },
  {
    feature: "emitWithAck",
    name: "binary answers",
    async run(scene) {
      answer(scene, (name) => ({ name, bytes: Buffer.from(name) }))
      const answers: { name: string; bytes: Buffer }[] = await scene.io
        .timeout(patient)
        .emitWithAck("ask", 1)
      assert.deepEqual(
        answers.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
        scene
          .named("s1 s2 r1 r2 b")
          .toSorted()
          .map((name) => ({ name, bytes: Buffer.from(name) })),
      )
    },
  },
  {
    feature: "emitWithAck",
    name: "binary questions",
    async run(scene) {
      answer(scene, (_, data) => data)
      const question = { bytes: Buffer.from([0, 127, 128, 255]) }
      const answers = await scene.io.to(["x", "z"]).timeout(patient).emitWithAck("ask", question)
      assert.deepEqual(
        answers,
        scene.named("s1 r1 r2 b").map(() => question),
      )
    },
  },
  {
    feature: "emitWithAck",
    name: "clients that stay silent",
    async run(scene) {
      answer(scene, (name) => name, "s1 r1 b")
      await assert.rejects(
        scene.io.timeout(brief).emitWithAck("ask", 1),
        ({ responses }: { responses: string[] } & Error) => {
          assert.deepEqual(responses.toSorted(), scene.named("s1 r1 b").toSorted())
          return true
        },
      )
    },
  },
  {
    feature: "emitWithAck",
    name: "counts of clients, one of each server",
    async run(scene) {
      answer(scene, (name) => name)
      const counts: number[] = []
      const answers: unknown[] = []
      await new Promise<void>((resolve) => {
        const wanted = scene.named("s1 r1 b").length
        const note = () => {
          if (answers.length === wanted && counts.length === scene.servers.length) resolve()
        }
        scene.adapter.broadcastWithAck(
          { type: 2, data: ["ask", 1] },
          { rooms: new Set(["x"]), except: new Set(), flags: { timeout: patient } },
          (count) => {
            counts.push(count)
            note()
          },
          (answered) => {
            answers.push(answered)
            note()
          },
        )
      })
      assert.deepEqual(
        counts,
        scene.servers.map(() => 1),
      )
      assert.deepEqual(answers.toSorted(), scene.named("s1 r1 b").toSorted())
    },
  },
  {
    feature: "emitWithAck",
    name: "of a socket that was fetched",
    async run(scene) {
      answer(scene, (name) => name)
      const [found] = await scene.io.in("z").fetchSockets()
      assert.ok(found)
      assert.equal(await found.timeout(patient).emitWithAck("ask", 1), "r2")
    },
  },
]

/** Has these clients (all, if none are named) answer "ask"; gives the names of those that were asked. */
function answer(
  scene: Scene,
  make: (name: string, question: unknown) => unknown,
  names?: string,
): string[] {
  const asked: string[] = []
  const answering = names === undefined ? undefined : scene.named(names)
  for (const [name, { socket }] of scene.members) {
    socket.on("ask", (question: unknown, callback: Callback) => {
      asked.push(name)
      if (answering === undefined || answering.includes(name)) callback(make(name, question))
    })
  }
  return asked
}
