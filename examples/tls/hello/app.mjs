export default {
  fetch: (request) => new Response(`hello over ${new URL(request.url).protocol.slice(0, -1)}\n`),
}
