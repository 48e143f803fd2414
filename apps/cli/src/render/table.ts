import { printable } from '@oci/spec-types/text';

import { type Drawing, type Page, fitted, padded, styled } from './page.js';
import { stringWidth } from './string-width.js';

export interface Column {
  readonly heading: string;
  readonly align?: 'left' | 'right';
  /** The width down to which it gives way on a narrow terminal; without it, it never does. */
  readonly shrinksTo?: number;
  /** What is left when it gives way: the start, or (digests, paths) both ends. */
  readonly keeps?: 'start' | 'ends';
  /** Columns with the highest number go first when shrinking is not enough; without it, it stays. */
  readonly leaves?: number;
}

type Row = readonly string[];

const gap = 2;

/** Rows below headings, as wide as the page allows. */
export function table(columns: readonly (Column | string)[], rows: readonly Row[]): Drawing {
  const named = columns.map((column) =>
    typeof column === 'string' ? { heading: column } : column,
  );
  const clean = rows.map((row) => row.map(printable));
  return (page) => draw({ columns: named, rows: clean }, page);
}

interface Grid {
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
}

function draw(grid: Grid, page: Page): string {
  const { columns, rows } = fit(grid, page.width);
  const widths = shrunk({ columns, rows }, page.width);
  const line = (row: Row): string =>
    row
      .map((cell, at) => {
        const { align = 'left', keeps = 'start' } = columns[at] ?? {};
        const width = widths[at] ?? 0;
        return padded(fitted(cell, width, { unicode: page.unicode, keep: keeps }), width, align);
      })
      .join(' '.repeat(gap))
      .trimEnd();
  const headings = line(columns.map(({ heading }) => heading));
  return [styled(page, 'bold', headings), ...rows.map(line)].join('\n');
}

/** Leaves out columns, the least important first, until the others can fit. */
function fit(grid: Grid, width: number): Grid {
  const least = total(grid.columns.map((column, at) => Math.min(natural(grid, at), floor(column))));
  const last = Math.max(...grid.columns.map(({ leaves = 0 }) => leaves));
  if (least <= width || last === 0) return grid;
  const gone = grid.columns.findIndex(({ leaves }) => leaves === last);
  const rest = {
    columns: grid.columns.toSpliced(gone, 1),
    rows: grid.rows.map((row) => row.toSpliced(gone, 1)),
  };
  return fit(rest, width);
}

/** The widths of all columns when those that can have given way, the widest first. */
function shrunk(grid: Grid, width: number): readonly number[] {
  const widths = grid.columns.map((_, at) => natural(grid, at));
  let excess = total(widths) - width;
  while (excess > 0) {
    const room = grid.columns.map((column, at) => (widths[at] ?? 0) - floor(column));
    const most = Math.max(...room);
    if (most <= 0) break;
    const at = room.indexOf(most);
    const next = Math.max(0, ...room.filter((_, other) => other !== at));
    const cut = Math.min(excess, Math.max(1, most - next));
    widths[at] = (widths[at] ?? 0) - cut;
    excess -= cut;
  }
  return widths;
}

function floor({ shrinksTo = Number.POSITIVE_INFINITY, heading }: Column): number {
  return Math.max(shrinksTo, heading.length);
}

function natural({ columns, rows }: Grid, at: number): number {
  const heading = columns[at]?.heading.length ?? 0;
  return rows.reduce((width, row) => Math.max(width, stringWidth(row[at] ?? '')), heading);
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + gap * (widths.length - 1);
}
