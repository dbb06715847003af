/** The program of a cell of threads: built to `dist/cell/thread.mjs`. */
import { runCell } from "../../cell/inside/run-cell.ts"
import { createThreads } from "./threads.ts"

runCell(createThreads)
