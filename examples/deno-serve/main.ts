// An unmodified Deno program, with Deno's permissions: it may read one variable and nothing else.
Deno.serve({ port: 8000 }, async (request) => {
  const { pathname } = new URL(request.url)
  if (pathname === "/")
    return new Response(`${Deno.env.get("GREETING")} from Deno.serve on Deno ${Deno.version.deno}\n`)
  if (pathname === "/secret") return new Response(await readSecret())
  return new Response("not found\n", { status: 404 })
})

async function readSecret(): Promise<string> {
  try {
    return await Deno.readTextFile("/etc/hostname")
  } catch (error) {
    return `${(error as Error).name}: this app may not read files\n`
  }
}
