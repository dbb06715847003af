// An unmodified Fastify program in TypeScript. Node 24 strips the types itself: no build step.
import Fastify from "fastify"

interface Note {
  readonly id: number
  readonly text: string
}

const notes: Note[] = [{ id: 1, text: "types are stripped when the file is loaded" }]
const app = Fastify()

app.get("/", () => `Hello from Fastify on Node ${process.versions.node}\n`)
app.get("/notes", (): readonly Note[] => notes)
app.get<{ Params: { id: string } }>("/notes/:id", (request, reply) => {
  const note = notes.find((one) => one.id === Number(request.params.id))
  return note ?? reply.code(404).send({ error: "no such note" })
})

await app.listen({ port: Number(process.env.PORT ?? 3000) })
