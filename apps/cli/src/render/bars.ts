import { printable } from '@oci/spec-types/text';

import { type Drawing, type Page, padded, styled } from './page.js';
import { stringWidth } from './string-width.js';

export interface Bar {
  readonly label: string;
  /** From 0. */
  readonly value: number;
  /** The value for people, e.g. `12 MB`. */
  readonly text: string;
}

const widest = 40;
const narrowest = 4;

/** A bar a line, the longest for the greatest value; on a page too narrow for bars, the values alone. */
export function bars(rows: readonly Bar[]): Drawing {
  const clean = rows.map((row) => ({ ...row, label: printable(row.label) }));
  return (page) => draw(clean, page);
}

function draw(rows: readonly Bar[], page: Page): string {
  const label = Math.max(0, ...rows.map((row) => stringWidth(row.label)));
  const text = Math.max(0, ...rows.map((row) => stringWidth(row.text)));
  const room = Math.min(widest, page.width - label - text - 4);
  const most = Math.max(0, ...rows.map(({ value }) => value));
  return rows
    .map((row) => {
      const figures = `${padded(row.label, label, 'left')}  ${padded(row.text, text, 'right')}`;
      if (room < narrowest) return figures;
      const length = most === 0 ? 0 : (row.value / most) * room;
      return `${figures}  ${styled(page, 'cyan', blocks(length, page))}`.trimEnd();
    })
    .join('\n');
}

/** A bar of so many columns, eighths of one included; what is more than nothing is seen. */
export function blocks(length: number, { unicode }: Pick<Page, 'unicode'>): string {
  if (!unicode) return '#'.repeat(length > 0 ? Math.max(1, Math.round(length)) : 0);
  const eighths = length > 0 ? Math.max(1, Math.round(length * 8)) : 0;
  const part = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8] ?? '';
  return '█'.repeat(Math.floor(eighths / 8)) + part;
}
