export default {
  fetch: () => new Response("Hello, world!\n"),
  websocket: {
    message(peer, message) {
      peer.send(message.text())
    },
  },
}
