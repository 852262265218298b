import assert from "node:assert/strict"
import type { RemoteSocket } from "socket.io"
import { event, numericRoom, type Operation, type Scene } from "../scene.ts"

/** What servers ask each other. */
export const requests: readonly Operation[] = [
  {
    feature: "fetchSockets",
    name: "of all: rooms, data, handshake",
    async run(scene) {
      const found = await scene.io.fetchSockets()
      const seen = found.map(({ id, rooms, data, handshake }) => [
        id,
        {
          rooms: Array.from(rooms),
          data,
          handshake: plain(handshake),
        },
      ])
      const there = scene.members.map(([, { id, remote }]) => [
        id,
        {
          rooms: Array.from(remote.rooms),
          data: remote.data,
          handshake: plain(remote.handshake),
        },
      ])
      assert.equal(found.length, there.length)
      assert.deepEqual(Object.fromEntries(seen), Object.fromEntries(there))
    },
  },
  {
    feature: "fetchSockets",
    name: "with a filter",
    async run(scene) {
      const { io } = scene
      finds(scene, await io.in("x").fetchSockets(), "s1 r1 b")
      finds(scene, await io.in("x").except("y").fetchSockets(), "s1 b")
      finds(scene, await io.in(["x", "z"]).fetchSockets(), "s1 r1 r2 b")
      finds(scene, await io.except("x").fetchSockets(), "s2 r2")
      finds(scene, await io.in(scene.member("r2").id).fetchSockets(), "r2")
      finds(scene, await io.in(numericRoom).fetchSockets(), "s1 r2")
    },
  },
  {
    feature: "fetchSockets",
    name: "of a room that nobody is in",
    async run(scene) {
      finds(scene, await scene.io.in("nobody's").fetchSockets(), "")
    },
  },
  {
    feature: "fetchSockets",
    name: "of its own sockets only",
    async run(scene) {
      finds(scene, await scene.io.local.fetchSockets(), "s1 s2")
    },
  },
  {
    feature: "fetchSockets",
    name: "in another namespace",
    async run(scene) {
      const chat = await scene.add("chat", scene.receiver.connect("/chat"))
      const found = await scene.io.of("/chat").fetchSockets()
      assert.deepEqual(ids(found), [chat.id])
    },
  },
  {
    feature: "fetchSockets",
    name: "and what is done to the sockets then",
    async run(scene) {
      const [found] = await scene.io.in("z").fetchSockets()
      assert.ok(found)
      await scene.hears("r2", () => found.emit(...event))
      found.join("new")
      await scene.inRoom("new", "r2")
      found.leave("z")
      await scene.inRoom("z", "")
      found.disconnect()
      await scene.connected("s1 s2 r1 b")
    },
  },
  {
    feature: "allRooms",
    name: "of all servers",
    async run(scene) {
      const rooms = await scene.adapter.allRooms()
      const there = scene.members.flatMap(([, { remote }]) => Array.from(remote.rooms))
      assert.deepEqual(sorted(rooms), sorted(new Set(there)))
    },
  },
  {
    feature: "allSockets",
    name: "allSockets",
    async run(scene) {
      same(scene, await scene.io.allSockets(), "s1 s2 r1 r2 b")
    },
  },
  {
    feature: "allSockets",
    name: "sockets of rooms",
    async run(scene) {
      same(scene, await scene.adapter.sockets(new Set(["x", "z"])), "s1 r1 r2 b")
      same(scene, await scene.adapter.sockets(new Set(["nobody's"])), "")
      same(scene, await scene.adapter.sockets(new Set()), "s1 s2 r1 r2 b")
    },
  },
  {
    feature: "additions",
    name: "count",
    async run(scene) {
      const count = (...rooms: string[]) => scene.adapter.count(rooms)
      assert.equal(await count(), scene.members.length)
      assert.equal(await count("x", "z"), scene.named("s1 r1 r2 b").length)
      assert.equal(await count("nobody's"), 0)
    },
  },
  {
    feature: "serverCount",
    name: "of all servers",
    async run(scene) {
      assert.equal(await scene.adapter.serverCount(), scene.servers.length)
    },
  },
]

function finds(scene: Scene, found: readonly { id: string }[], names: string): void {
  assert.deepEqual(ids(found), idsOf(scene, names))
}

function same(scene: Scene, found: ReadonlySet<string>, names: string): void {
  assert.deepEqual(sorted(found), idsOf(scene, names))
}

/** The ids of these clients, in order. */
function idsOf(scene: Scene, names: string): string[] {
  return sorted(scene.named(names).map((name) => scene.member(name).id))
}

function ids(found: readonly { id: string }[]): string[] {
  return sorted(found.map(({ id }) => id))
}

function sorted<T>(items: Iterable<T>): T[] {
  return Array.from(items).toSorted((a, b) => (String(a) < String(b) ? -1 : 1))
}

/** A handshake as JSON carries it. */
function plain(handshake: RemoteSocket<never, never>["handshake"]): unknown {
  return JSON.parse(JSON.stringify(handshake))
}
