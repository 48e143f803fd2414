import { printable } from '@oci/spec-types/text';

import { blocks } from '../render/bars.js';
import { type Page, fitted, padded, styled } from '../render/page.js';
import { stringWidth } from '../render/string-width.js';
import { clockText, durationText, sizeText } from '../render/quantity.js';
import { type Pause, type Transfer, type Transfers, nameOf } from './transfers.js';

/** After so long without a byte, a line says so. */
const stallMs = 3_000;
const narrowestBar = 8;
const widestBar = 30;
/** A short digest. */
const nameWidth = 19;

/** A blob on its way: name, bar, share, bytes, rate and time left, as many as there is room for. */
export function transferLine(transfer: Transfer, transfers: Transfers, page: Page): string {
  const { size, done } = transfer;
  const share = size === 0 ? 1 : Math.min(1, done / size);
  const name = nameOf(transfer);
  // The last column stays free: a terminal may break the line when it is written.
  const width = Math.min(page.width, 120) - 1;
  const least = Math.min(nameWidth, stringWidth(name));
  const figures = [
    { rank: 1, text: `${Math.floor(share * 100)} %`.padStart(5) },
    { rank: 5, text: progressText(done, size).padStart(14) },
    ...movement(transfer, transfers),
  ];
  const { shown, room } = chosen(figures, width - least);
  const barRoom = Math.min(widestBar, room - 4);
  if (barRoom >= narrowestBar) {
    shown.unshift(`[${padded(blocks(share * barRoom, page), barRoom, 'left')}]`);
  }
  const column = barRoom >= narrowestBar ? least : Math.min(least + room, nameWidth);
  return [padded(fitted(name, column, page), column, 'left'), ...shown].join('  ').trimEnd();
}

interface Part {
  /** The least important has the greatest. */
  readonly rank: number;
  readonly text: string;
}

function movement(transfer: Transfer, transfers: Transfers): readonly Part[] {
  if (transfer.state === 'verifying') return [{ rank: 2, text: 'verifying' }];
  if (transfer.state === 'joined') return [{ rank: 2, text: 'another download of it' }];
  const stalled = transfers.stalledMs(transfer);
  if (stalled > stallMs) return [{ rank: 2, text: `nothing for ${durationText(stalled)}` }];
  const left = transfers.leftMs(transfer);
  return [
    { rank: 2, text: `${sizeText(transfers.rate(transfer))}/s`.padStart(10) },
    { rank: 3, text: `${left === undefined ? '--:--' : clockText(left)} left`.padStart(10) },
  ];
}

/** The most important parts that fit, in their order, and what room they leave. */
function chosen(parts: readonly Part[], width: number): { shown: string[]; room: number } {
  const taken = new Set<Part>();
  let room = width;
  for (const part of parts.toSorted((a, b) => a.rank - b.rank)) {
    if (part.text.length + 2 > room) break;
    taken.add(part);
    room -= part.text.length + 2;
  }
  return { shown: parts.filter((part) => taken.has(part)).map(({ text }) => text), room };
}

/** `5/10 MB`: the first in the unit of the second. */
function progressText(done: number, size: number): string {
  const whole = sizeText(size);
  const [figure = '', unit = ''] = whole.split(' ');
  const scale = Number(figure) > 0 ? size / Number(figure) : 1;
  return `${(done / scale).toFixed(figure.includes('.') ? 1 : 0)}/${figure} ${unit}`;
}

/** What is left of a blob when it has arrived. */
export function doneLine(transfer: Transfer, transfers: Transfers, page: Page): string {
  const elapsed = transfers.elapsedMs(transfer);
  const moved = transfer.size - transfer.from;
  const rate = elapsed > 0 ? `, ${sizeText((moved * 1000) / elapsed)}/s` : '';
  const mark = styled(page, 'green', page.unicode ? '✓' : 'ok');
  const figures = `${sizeText(transfer.size)} in ${durationText(elapsed)}${rate}`;
  const room = page.width - stringWidth(figures) - 6;
  return `${mark} ${fitted(nameOf(transfer), Math.max(8, room), page)}  ${figures}`;
}

/** What is waited for, and how long still. */
export function pauseLine(pause: Pause, now: number, page: Page): string {
  const text = `waiting ${durationText(pause.until - now)}: ${printable(pause.reason)}`;
  return styled(page, 'yellow', fitted(text, page.width - 1, page));
}
