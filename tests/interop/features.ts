/** What servers and emitters can ask of each other, as the rows of the compatibility table. */
export const features = {
  broadcast: "broadcasts: to all, to rooms, volatile, in namespaces",
  socketBroadcast: "`socket.broadcast`, `socket.to()`",
  except: "`except()`",
  numericRooms: "rooms that are numbers",
  binary: "binary data",
  sockets: "`socketsJoin`, `socketsLeave`, `disconnectSockets`",
  fetchSockets: "`fetchSockets`",
  allRooms: "`allRooms`",
  allSockets: "`allSockets`, `sockets(rooms)`",
  remote: "`remoteJoin`, `remoteLeave`, `remoteDisconnect`",
  serverSideEmit: "`serverSideEmit`",
  serverSideEmitWithAck: "`serverSideEmit` with acknowledgements",
  emitWithAck: "broadcasts with acknowledgements",
  serverCount: "`serverCount`",
  additions: "`count(rooms)`, awaited `addSockets`, `delSockets`, `disconnectSockets`",
} as const

export type Feature = keyof typeof features

/** Those whose answers travel on a response channel, which options choose. */
export const answered: ReadonlySet<Feature> = new Set<Feature>([
  "fetchSockets",
  "allRooms",
  "allSockets",
  "remote",
  "serverSideEmitWithAck",
  "emitWithAck",
  "additions",
])
