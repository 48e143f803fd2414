/**
 * @param {readonly (readonly string[])[]} rows the first is the head
 */
function table(rows) {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => (row[at] ?? '').length)),
  );
  const line = (/** @type {readonly string[]} */ row) =>
    `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(rows[0] ?? []), rule, ...rows.slice(1).map(line)].join('\n');
}

/** @param {readonly import('./compare.mjs').Row[]} rows */
export function rowsTable(rows) {
  const columns = [
    column('program', ({ name }) => name),
    column('wall s', ({ wallMs }) => wallMs && spread(wallMs, (ms) => seconds(ms))),
    column('per second', ({ perSecond }) => perSecond && spread(perSecond, count)),
    column('CPU s', ({ cpuMs }) => (cpuMs === undefined ? undefined : seconds(cpuMs))),
    column('peak MiB', ({ peakBytes }) => (peakBytes ? mebibytes(peakBytes) : undefined)),
    column('requests', ({ requests }) => requests?.toString()),
    column('connections', ({ connections }) => connections?.toString()),
    column('moved', ({ bytesMoved }) => bytesMoved && size(bytesMoved)),
    ...[...new Set(rows.flatMap(({ more }) => Object.keys(more ?? {})))].map((name) =>
      column(name, ({ more }) => {
        const value = more?.[name];
        return typeof value === 'number' ? count(value) : value;
      }),
    ),
  ].filter(({ cell }) => rows.some((row) => cell(row)));
  return table([
    columns.map(({ head }) => head),
    ...rows.map((row) => columns.map(({ cell }) => cell(row) ?? '')),
  ]);
}

/**
 * @param {string} head
 * @param {(row: import('./compare.mjs').Row) => string | number | undefined} cell
 */
function column(head, cell) {
  return {
    head,
    cell: (/** @type {import('./compare.mjs').Row} */ row) => {
      const value = cell(row);
      return value === undefined ? undefined : String(value);
    },
  };
}

/** @param {readonly { name: string, verdict: import('./bench.mjs').Verdict }[]} verdicts */
export function verdictsTable(verdicts) {
  return table([
    ['case', 'target', 'ours', 'best peer', 'ratio', 'met'],
    ...verdicts.map(({ name, verdict: { target, ours, best, ratio, isMet } }) => [
      name,
      target,
      ours,
      best,
      ratio,
      isMet === undefined ? '' : isMet ? 'yes' : 'no',
    ]),
  ]);
}

/**
 * @param {import('./statistics.mjs').Spread} spread
 * @param {(value: number) => string} format
 */
function spread({ median, min, max }, format) {
  return `${format(median)} (${format(min)}–${format(max)})`;
}

/** @param {number} ms */
export function seconds(ms) {
  return (ms / 1000).toFixed(ms < 10_000 ? (ms < 100 ? 3 : 2) : 1);
}

/** @param {number} bytes */
export function mebibytes(bytes) {
  const value = bytes / 1024 / 1024;
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}

/** @param {number} bytes */
function size(bytes) {
  return bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KiB` : `${mebibytes(bytes)} MiB`;
}

/** @param {number} value */
export function count(value) {
  return value >= 100
    ? Math.round(value).toLocaleString('en-US')
    : String(Number(value.toPrecision(3)));
}
