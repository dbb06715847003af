/** Entry of the script that these tests run in a bare context: the web APIs and the guest's seam, and `ops` of the test. */
import {
  makeHeaders,
  makeResponse,
  receiveRequest,
  responseParts,
} from "../../runtimes/isolate/web/fetch/index.ts"
import { installWeb } from "../../runtimes/isolate/web/index.ts"
import { inspect } from "../../runtimes/isolate/web/inspect.ts"
import type { WebOps } from "../../runtimes/isolate/web/ops.ts"
import { installWasmStreaming } from "../../runtimes/isolate/web/wasm.ts"

interface Outside {
  testOps: WebOps
  seam: object
}

const outside = globalThis as unknown as Outside
const core = installWeb(globalThis, () => outside.testOps)
installWasmStreaming(globalThis)
outside.seam = { inspect, makeHeaders, makeResponse, receiveRequest, responseParts, core }
