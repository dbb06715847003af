// The yardstick for threads: the same server, in a worker thread of an otherwise idle process.
import { Worker } from "node:worker_threads"

new Worker(new URL("server.mjs", import.meta.url))
