/** The table of commands. Their programs are loaded when they are called: `--version` reads none of them. */
import type { Command, OptionSpec } from "./command.ts"

const STATE_DIR: OptionSpec = {
  type: "string",
  value: "DIR",
  help: "state of the host (default: .polyhost beside its config)",
}
const JSON_OUTPUT: OptionSpec = { type: "boolean", help: "print the admin API's JSON" }

export const COMMANDS: readonly Command[] = [
  {
    name: "serve",
    usage: "[PATH…] [options]",
    summary: "run apps until a signal ends it",
    details: `PATH is an app's folder, an app manifest or a host config; none means the
current folder. Prints one line an app: name, runtime and exact version, URL,
state. SIGTERM and SIGINT let requests in progress finish; a second one hurries,
a third ends the host at once.`,
    options: {
      listen: {
        type: "string",
        multiple: true,
        value: "HOST:PORT",
        help: "listen here, not where the config says; TLS: https://…",
      },
      admin: { type: "string", value: "HOST:PORT", help: "admin API on TCP too, with a token" },
      "state-dir": STATE_DIR,
      log: {
        type: "string",
        value: "FORM",
        choices: ["pretty", "json"],
        help: "pretty (default), or json: an object a line",
      },
    },
    words: { min: 0, max: Number.POSITIVE_INFINITY },
    load: () => import("./serve.ts"),
    flushMs: 1000,
  },
  {
    name: "check",
    usage: "[PATH…]",
    summary: "list every problem of a configuration",
    details: `Prints file:line:column, what was seen and what is allowed. Starts nothing.
Exit code 0, or 2 when there is an error; warnings are no errors.`,
    options: {},
    words: { min: 0, max: Number.POSITIVE_INFINITY },
    load: () => import("./check.ts"),
  },
  {
    name: "init",
    usage: "[DIR]",
    summary: "write an app manifest for a folder",
    details: `Looks at what is in the folder, writes polyhost.app.json and says why it chose
each value. Never overwrites.`,
    options: {},
    words: { min: 0, max: 1 },
    load: () => import("./init.ts"),
  },
  {
    name: "status",
    usage: "[APP] [options]",
    summary: "show what a running host and its apps do",
    details: "With APP: that app alone, with its instances.",
    options: { "state-dir": STATE_DIR, json: JSON_OUTPUT },
    words: { min: 0, max: 1 },
    load: () => import("./status.ts"),
  },
  {
    name: "start",
    usage: "APP [options]",
    summary: "start an app that was stopped or failed",
    details: "Returns when the app serves or has failed.",
    options: { "state-dir": STATE_DIR, json: JSON_OUTPUT },
    words: { min: 1, max: 1 },
    load: async () => (await import("./start-stop.ts")).START,
  },
  {
    name: "stop",
    usage: "APP [options]",
    summary: "stop an app; the others go on",
    details: "Lets its requests in progress finish first.",
    options: { "state-dir": STATE_DIR, json: JSON_OUTPUT },
    words: { min: 1, max: 1 },
    load: async () => (await import("./start-stop.ts")).STOP,
  },
  {
    name: "reload",
    usage: "APP [options]",
    summary: "replace an app by a new generation of its code and manifest",
    details: `Returns when the new one serves and the old one is drained. When the new one does
not come up, the old one goes on, and the reason is printed.`,
    options: { "state-dir": STATE_DIR, json: JSON_OUTPUT },
    words: { min: 1, max: 1 },
    load: async () => (await import("./start-stop.ts")).RELOAD,
  },
  {
    name: "inspect",
    usage: "APP [options]",
    summary: "debug a running app, or take its CPU profile or heap snapshot",
    details: `Lets Chrome DevTools (chrome://inspect), editors and other debuggers of this
machine find the app, until Ctrl-C: breakpoints, console, profiles, of apps in
processes, threads and isolates alike, also of one that spins. While a debugger
is attached that instance has no deadlines and is not replaced as wedged.
An instance that can have an inspector only from its start on (bun, deno,
isolate) is replaced by one that has, and that one afterwards.

  polyhost inspect shop --profile 10 > shop.cpuprofile
  polyhost inspect shop --heap-snapshot -o shop.heapsnapshot`,
    options: {
      instance: { type: "string", value: "ID", help: "this instance (see status APP), not any" },
      listen: {
        type: "string",
        value: "HOST:PORT",
        help: "for debuggers (default: 127.0.0.1:9229, or the next free)",
      },
      profile: { type: "string", value: "SECONDS", help: "write a CPU profile and end" },
      "heap-snapshot": { type: "boolean", help: "write a heap snapshot and end" },
      output: { type: "string", short: "o", value: "FILE", help: "write there, not to standard output" },
      "state-dir": STATE_DIR,
    },
    words: { min: 1, max: 1 },
    load: () => import("./inspect.ts"),
  },
  {
    name: "runtimes",
    usage: "[ls | install SPEC… | prune]",
    summary: "list, install and remove runtimes",
    details: `ls (default)     every version that could be used now
install SPEC…    the newest published version of each, such as node@22 or bun
prune            remove cached versions that neither the current folder's
                 polyhost.lock.json names, nor a running host uses, nor any
                 app used in the last 30 days (with --all: those too)`,
    options: {
      json: { type: "boolean", help: "with ls: print JSON" },
      all: { type: "boolean", help: "with prune: also what was used in the last 30 days" },
    },
    words: { min: 0, max: Number.POSITIVE_INFINITY },
    load: () => import("./runtimes.ts"),
  },
]

/** Commands that are part of the design and come in a later version. */
export const LATER_COMMANDS: readonly string[] = ["top", "logs", "rollback", "unblock", "scale"]
