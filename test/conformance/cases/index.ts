/** All cases, in the order of the table. */
import type { Case } from "../case.ts"
import { BODY_CASES } from "./bodies.ts"
import { CONNECTION_CASES } from "./connections.ts"
import { FAILURE_CASES } from "./failures.ts"
import { INTERIM_CASES } from "./interim.ts"
import { LEAVING_CASES } from "./leaving.ts"
import { REQUEST_CASES } from "./requests.ts"
import { RESPONSE_CASES } from "./responses.ts"
import { STREAM_CASES } from "./streams.ts"

export const CASES: readonly { readonly topic: string; readonly cases: readonly Case[] }[] = [
  { topic: "Requests", cases: REQUEST_CASES },
  { topic: "Request bodies", cases: BODY_CASES },
  { topic: "Responses", cases: RESPONSE_CASES },
  { topic: "Interim answers", cases: INTERIM_CASES },
  { topic: "Connections", cases: CONNECTION_CASES },
  { topic: "Streams", cases: STREAM_CASES },
  { topic: "Clients that leave", cases: LEAVING_CASES },
  { topic: "Apps that fail", cases: FAILURE_CASES },
]

export const ALL_CASES: readonly Case[] = CASES.flatMap(({ cases }) => cases)
