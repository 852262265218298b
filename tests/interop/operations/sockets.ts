import assert from "node:assert/strict"
import { event, type Filter, numericRoom, type Operation } from "../scene.ts"

const anotherNumber = 7 as unknown as string

/** What servers have done to sockets, whichever server these are on. */
export const sockets: readonly Operation[] = [
  {
    feature: "sockets",
    name: "socketsJoin of all",
    async run(scene) {
      scene.io.socketsJoin("new")
      await scene.inRoom("new", "s1 s2 r1 r2 b")
      await scene.hears("s1 s2 r1 r2 b", () => scene.receiver.io.to("new").emit(...event))
    },
  },
  {
    feature: "sockets",
    name: "socketsJoin with a filter, several rooms",
    async run(scene) {
      scene.io.in("x").except("y").socketsJoin(["new", "newer"])
      await scene.inRoom("new", "s1 b")
      await scene.inRoom("newer", "s1 b")
    },
  },
  {
    feature: "sockets",
    name: "socketsJoin of one socket",
    async run(scene) {
      scene.io.in(scene.member("r2").id).socketsJoin("new")
      await scene.inRoom("new", "r2")
      await scene.hears("r2", () => scene.io.to("new").emit(...event))
    },
  },
  {
    feature: "sockets",
    name: "socketsJoin of a room that is a number",
    async run(scene) {
      scene.io.in(numericRoom).socketsJoin(anotherNumber)
      await scene.inRoom(anotherNumber, "s1 r2")
    },
  },
  {
    feature: "sockets",
    name: "socketsLeave of all, several rooms",
    async run(scene) {
      scene.io.socketsLeave(["x", "nobody's", "y"])
      await scene.inRoom("x", "")
      await scene.inRoom("y", "")
      await scene.inRoom("z", "r2")
      await scene.hears("", () => scene.io.to("x").emit(...event))
    },
  },
  {
    feature: "sockets",
    name: "socketsLeave with a filter",
    async run(scene) {
      scene.io.in("x").except("y").socketsLeave("x")
      await scene.inRoom("x", "r1")
    },
  },
  {
    feature: "sockets",
    name: "disconnectSockets with a filter",
    async run(scene) {
      scene.io.in("x").except("y").disconnectSockets()
      await scene.connected("s2 r1 r2")
    },
  },
  {
    feature: "sockets",
    name: "disconnectSockets of all",
    async run(scene) {
      scene.io.disconnectSockets()
      await scene.connected("")
    },
  },
  {
    feature: "sockets",
    name: "disconnectSockets leaves the connection open",
    async run(scene) {
      await scene.add("chat", scene.member("r2").multiplex("/chat"))
      scene.io.in("z").disconnectSockets()
      await scene.connected("s1 s2 r1 b chat")
      await scene.hears("chat", () => scene.receiver.io.of("/chat").emit(...event))
    },
  },
  {
    feature: "sockets",
    name: "disconnectSockets(true) closes the connection",
    async run(scene) {
      const chat = await scene.add("chat", scene.member("r2").multiplex("/chat"))
      scene.io.in("z").disconnectSockets(true)
      await chat.gone
      await scene.connected("s1 s2 r1 b")
    },
  },
  {
    feature: "remote",
    name: "remoteJoin",
    async run(scene) {
      await scene.adapter.remoteJoin(scene.member("r2").id, "new")
      await scene.adapter.remoteJoin(scene.member("s1").id, "new")
      await scene.inRoom("new", "s1 r2")
      await scene.hears("s1 r2", () => scene.io.to("new").emit(...event))
    },
  },
  {
    feature: "remote",
    name: "remoteLeave",
    async run(scene) {
      await scene.adapter.remoteLeave(scene.member("r1").id, "x")
      await scene.adapter.remoteLeave(scene.member("s1").id, "x")
      await scene.inRoom("x", "b")
    },
  },
  {
    feature: "remote",
    name: "remoteDisconnect",
    async run(scene) {
      await scene.adapter.remoteDisconnect(scene.member("r1").id, false)
      await scene.adapter.remoteDisconnect(scene.member("s2").id, false)
      await scene.connected("s1 r2 b")
    },
  },
  {
    feature: "remote",
    name: "remoteDisconnect that closes the connection",
    async run(scene) {
      const chat = await scene.add("chat", scene.member("r2").multiplex("/chat"))
      await scene.adapter.remoteDisconnect(scene.member("r2").id, true)
      await chat.gone
      await scene.connected("s1 s2 r1 b")
    },
  },
  {
    feature: "additions",
    name: "awaited joins, leaves and disconnections",
    async run(scene) {
      const inside = () =>
        scene.members.filter(([, { rooms }]) => rooms.includes("new")).map(([name]) => name)
      await scene.adapter.addSockets(inRooms("x", "z"), ["new"])
      assert.deepEqual(inside(), scene.named("s1 r1 r2 b"))
      await scene.adapter.delSockets(inRooms("y"), ["new"])
      assert.deepEqual(inside(), scene.named("s1 r2 b"))
      await scene.adapter.disconnectSockets(inRooms("new"), false)
      await scene.connected("s2 r1")
    },
  },
]

function inRooms(...rooms: string[]): Filter {
  return { rooms: new Set(rooms), except: new Set() }
}
