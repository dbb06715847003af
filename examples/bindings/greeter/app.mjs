// Greets people, and has another app count their visits. It opens no connection: `env.VISITS` is that app.
export default {
  async fetch(request, { env }) {
    const name = new URL(request.url).pathname.split("/").at(-1)
    if (name === "") {
      const { keys } = await env.SEEN.list()
      return new Response(`I know ${keys.length} by name: ${keys.map((key) => key.name).join(", ")}\n`)
    }
    const answer = await env.VISITS.fetch(`/${name}`, { method: "POST" })
    if (!answer.ok) return answer
    const { visits } = await answer.json()
    return new Response(`Hello ${name}, this is your visit number ${visits}\n`)
  },
}
