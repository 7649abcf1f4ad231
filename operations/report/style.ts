/** The whole style of a report; it follows the reader's light or dark setting. */
export const style = `
:root { color-scheme: light dark; --text: #1c2330; --dim: #667085; --back: #ffffff; --box: #f5f6f8; --edge: #dfe3e8;
  --good: #18794e; --bad: #c0272d; --unsure: #9a6700; --line0: #2563eb; --line1: #d9480f; --line2: #0f766e; --line3: #7e22ce; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e9ef; --dim: #98a2b3; --back: #14171d; --box: #1c2028; --edge: #303642;
  --good: #4ade80; --bad: #f87171; --unsure: #fbbf24; --line0: #7aa7ff; --line1: #ff9a62; --line2: #4fd1c5; --line3: #c792ea; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 70rem; padding: 2rem 1.25rem 4rem; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2.25rem 0 .5rem; padding-bottom: .25rem; border-bottom: 1px solid var(--edge); }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; } p { margin: .4rem 0; } a { color: var(--line0); }
code { font: .88em ui-monospace, monospace; background: var(--box); padding: .1em .3em; border-radius: 3px; }
.dim, .unit { color: var(--dim); font-weight: 400; } .wide { overflow-x: auto; margin: .5rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .93em; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--edge); overflow-wrap: normal; }
th { color: var(--dim); font-weight: 500; white-space: nowrap; }
.badge { font-size: .85em; font-weight: 600; white-space: nowrap; } .plain { color: var(--dim); }
.good { color: var(--good); } .bad { color: var(--bad); } .unsure { color: var(--unsure); }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 1rem 0; } .facts dt { color: var(--dim); } .facts dd { margin: 0; }
.bar { width: 12rem; height: .65rem; display: block; margin-top: .4rem; } .bar rect { fill: var(--line0); } .bar .rail { fill: var(--box); }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); gap: 1rem; margin-top: 1rem; }
figure { margin: 0; padding: .75rem; background: var(--box); border-radius: 6px; } figcaption { font-weight: 600; font-size: .93em; }
.key { font-weight: 400; margin-left: .75rem; } .key::before { content: ''; display: inline-block; width: .9rem; height: .2rem; margin-right: .3rem; vertical-align: middle; background: currentColor; }
svg text { font: 11px system-ui, sans-serif; fill: var(--dim); } svg .left { text-anchor: end; dominant-baseline: middle; } svg .below { text-anchor: middle; }
.grid { stroke: var(--edge); } .line { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; }
.line-0 { color: var(--line0); } .line-1 { color: var(--line1); } .line-2 { color: var(--line2); } .line-3 { color: var(--line3); }
.chain { list-style: none; padding: 0; } .chain li { padding: .2rem 0 .2rem 1rem; border-left: 2px solid var(--edge); }
footer { margin-top: 3rem; color: var(--dim); font-size: .85em; }
`;
