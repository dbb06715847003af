// One source for every runtime: change the one word "runtime" in the manifest. The hooks are those of crossws.
const nameOf = (peer) => new URL(peer.request.url).searchParams.get("name") || "somebody"

export default {
  // The page comes from public/, without this app: see the manifest.
  fetch: () => new Response("speak WebSocket here: /room?name=YOU\n", { status: 426 }),

  websocket: {
    open(peer) {
      peer.subscribe("room")
      peer.send(`welcome, ${nameOf(peer)}`)
      peer.publish("room", `${nameOf(peer)} came in`)
    },
    message(peer, message) {
      const line = `${nameOf(peer)}: ${message.text()}`
      peer.send(line)
      peer.publish("room", line)
    },
    close(peer) {
      peer.publish("room", `${nameOf(peer)} left`)
    },
  },
}
