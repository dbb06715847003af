// The page's style sheet. One accent a runtime; colours follow the reader's light or dark setting.
export const style = `
:root {
  color-scheme: light dark;
  --bg: light-dark(#f6f7f9, #111318);
  --card: light-dark(#fff, #1a1d24);
  --line: light-dark(#e1e4ea, #2b303b);
  --text: light-dark(#1b1f27, #e8eaf0);
  --soft: light-dark(#5d6675, #9aa3b4);
  --good: light-dark(#16803c, #4ade80);
  --wait: light-dark(#9a6700, #fbbf24);
  --bad: light-dark(#c02434, #f87171);
  --accent: light-dark(#3b5bdb, #8ea6ff);
}
* { box-sizing: border-box; margin: 0 }
body {
  background: var(--bg); color: var(--text); font: 16px/1.5 system-ui, sans-serif;
  max-width: 66rem; margin: 0 auto; padding: clamp(1.25rem, 5vw, 3.5rem) clamp(1rem, 4vw, 2rem);
}
h1 { font-size: 2rem; letter-spacing: -.03em; line-height: 1.2 }
header p, footer { color: var(--soft) }
footer { font-size: .875rem; margin-top: 2rem }
.facts { display: flex; flex-wrap: wrap; gap: .75rem 2.5rem; margin: 1.75rem 0 1.5rem }
dt { color: var(--soft); font-size: .8125rem }
dd { font-size: 1.125rem; font-weight: 600; font-variant-numeric: tabular-nums }
small { color: var(--soft); font-size: .875rem; font-weight: 400 }
.apps { list-style: none; padding: 0; display: grid; gap: .875rem; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)) }
.app {
  --brand: var(--soft);
  position: relative; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1rem 1.125rem;
  transition: border-color .15s;
}
.app.node { --brand: light-dark(#3c7a2e, #7cc66a) }
.app.bun { --brand: light-dark(#b3406f, #f29abf) }
.app.deno { --brand: light-dark(#1f6f8b, #6cc7e4) }
.app:hover, .app:focus-within { border-color: var(--brand) }
.top { display: flex; justify-content: space-between; align-items: center; gap: .5rem }
.name { font-size: 1.0625rem; font-weight: 650; color: inherit; text-decoration: none }
a.name::after { content: ""; position: absolute; inset: 0; border-radius: inherit }
a.name:focus-visible { outline: none }
a.name:focus-visible::after { outline: 2px solid var(--accent); outline-offset: 2px }
.app:hover a.name { text-decoration: underline; text-underline-offset: .2em }
.state { font-size: .8125rem; color: var(--wait); display: flex; align-items: center; gap: .375rem }
.state::before { content: ""; width: .5rem; height: .5rem; border-radius: 50%; background: currentColor }
.state.running { color: var(--good) }
.state.failed, .state.degraded { color: var(--bad) }
.state.idle, .state.stopped { color: var(--soft) }
.runtime { margin-top: .375rem; font-variant-numeric: tabular-nums }
.runtime b { color: var(--brand); font-weight: 650 }
.meta { display: flex; flex-wrap: wrap; gap: 0 .875rem; margin-top: .5rem; color: var(--soft); font-size: .8125rem; font-variant-numeric: tabular-nums }
.error { color: var(--bad); font-size: .8125rem; margin-top: .25rem }
.trouble { margin-top: 2rem; background: var(--card); border: 1px solid var(--bad); border-radius: .75rem; padding: 1.25rem 1.5rem; display: grid; gap: .5rem; max-width: 44rem }
.trouble h2 { font-size: 1.125rem }
code { font: .875em ui-monospace, monospace; overflow-wrap: anywhere }
.stale { opacity: .45 }
`
