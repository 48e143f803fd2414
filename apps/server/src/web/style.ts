/** The look of the pages, light and dark. */
export const style = `
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #2a6fdb; }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 72rem; padding: 1rem 1.5rem 4rem; }
header { display: flex; flex-wrap: wrap; gap: 1rem; align-items: baseline; border-bottom: 1px solid var(--line); }
header h1 { font-size: 1.25rem; margin: .5rem 0; }
nav { display: flex; gap: 1rem; margin-left: auto; }
a { color: var(--accent); }
form { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; margin: 1rem 0; }
label { display: grid; font-size: .875rem; }
input, select, button { font: inherit; padding: .35rem .6rem; border: 1px solid var(--line); border-radius: .3rem; background: Field; color: FieldText; }
button { background: var(--accent); color: #fff; border-color: transparent; cursor: pointer; }
button:disabled { opacity: .5; cursor: default; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
th { white-space: nowrap; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
code, pre { font-family: ui-monospace, monospace; font-size: .875em; }
pre { background: var(--soft); padding: .75rem; overflow: auto; max-height: 24rem; border-radius: .3rem; }
.tiles { display: flex; flex-wrap: wrap; gap: .75rem; padding: 0; list-style: none; }
.tiles li { background: var(--soft); padding: .5rem 1rem; border-radius: .3rem; }
.tiles strong { display: block; font-size: 1.25rem; }
.message { min-height: 1.5em; }
.error { color: #c62828; }
details { border: 1px solid var(--line); border-radius: .3rem; margin: .5rem 0; padding: .25rem .75rem; }
summary { cursor: pointer; padding: .25rem 0; }
.method { display: inline-block; min-width: 4.5rem; font-weight: 600; }
`;
