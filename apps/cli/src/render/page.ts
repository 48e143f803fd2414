import { styleText } from 'node:util';

import type { Terminal, TextStream } from '../terminal.js';
import { charactersOf, stringWidth } from './string-width.js';

/** What a result is drawn on. */
export interface Page {
  /** Columns; no limit where nobody looks, so that nothing is cut off for a program. */
  readonly width: number;
  readonly colors: boolean;
  /** Whether lines and bars may be drawn with more than ASCII. */
  readonly unicode: boolean;
}

/** Text that is drawn when it is known on what. */
export type Drawing = (page: Page) => string;

export type Style = Parameters<typeof styleText>[0];

/** What a stream shows: a terminal has a width and perhaps colors (https://no-color.org). */
export function pageOf(stream: TextStream, env: Terminal['env']): Page {
  const { isTerminal, columns } = stream;
  const isDumb = env['TERM'] === 'dumb';
  return {
    width: isTerminal ? Math.max(20, columns || 80) : Number.POSITIVE_INFINITY,
    colors: isTerminal && !isDumb && !env['NO_COLOR'],
    unicode: !isDumb && speaksUtf8(env),
  };
}

export function styled(page: Pick<Page, 'colors'>, style: Style, text: string): string {
  return page.colors ? styleText(style, text) : text;
}

/** At most so many columns: the end, or for a digest or path the middle, gives way to an ellipsis. */
export function fitted(
  text: string,
  width: number,
  { unicode, keep = 'start' }: Pick<Page, 'unicode'> & { readonly keep?: 'start' | 'ends' },
): string {
  if (stringWidth(text) <= width) return text;
  const ellipsis = unicode ? '…' : '..';
  const room = Math.max(0, width - ellipsis.length);
  const characters = charactersOf(text);
  if (keep === 'start') return `${taken(characters, room)}${ellipsis}`.slice(0, Math.max(1, width));
  const tail = Math.floor(room / 2);
  const end = charactersOf(taken(characters.toReversed(), tail)).toReversed().join('');
  return `${taken(characters, room - tail)}${ellipsis}${end}`;
}

export function padded(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - stringWidth(text)));
  return align === 'right' ? `${space}${text}` : `${text}${space}`;
}

/** As many of the characters as fit into so many columns. */
function taken(characters: readonly string[], width: number): string {
  let used = 0;
  const end = characters.findIndex((character) => (used += stringWidth(character)) > width);
  return characters.slice(0, end < 0 ? undefined : end).join('');
}

function speaksUtf8(env: Terminal['env']): boolean {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'];
  // Where nobody says, as in most containers, terminals understand UTF-8.
  return locale === undefined || locale === '' || /utf-?8/i.test(locale);
}

/** Breaks a text between words where the page ends; a word that is longer stays whole, to be copied. */
export function wrapped(text: string, { width }: Pick<Page, 'width'>): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    const joined = `${last ?? ''} ${word}`;
    if (last === undefined) lines.push(word);
    else if (stringWidth(joined) <= width) lines.splice(-1, 1, joined);
    else lines.push(`  ${word}`);
  }
  return lines.join('\n');
}
