import type { CopyAllEvent } from '@oci/client/copy';
import { printable } from '@oci/spec-types/text';

import { type Page, pageOf, styled } from '../render/page.js';
import { stringWidth } from '../render/string-width.js';
import type { Terminal, TextStream } from '../terminal.js';
import type { Progress } from './progress.js';
import { doneLine, pauseLine, transferLine } from './transfer-line.js';
import { Transfers } from './transfers.js';
import { describeUnusual } from './unusual.js';

const frameMs = 100;
/** Nothing is drawn for what is over in a moment. */
const patienceMs = 400;
const mostLines = 12;

/** A line for each blob on its way, drawn over and over; what is done or unusual stays above them. */
export class TtyProgress implements Progress {
  readonly #stream: TextStream;
  readonly #env: Terminal['env'];
  readonly #now: () => number;
  readonly #transfers: Transfers;
  #timer: NodeJS.Timeout | undefined;
  #drawn: readonly string[] = [];
  #beganAt: number | undefined;

  constructor(
    stream: TextStream,
    env: Terminal['env'],
    now: () => number = () => performance.now(),
  ) {
    this.#stream = stream;
    this.#env = env;
    this.#now = now;
    this.#transfers = new Transfers(now);
  }

  add(event: CopyAllEvent): void {
    const page = this.#page();
    const ended = this.#transfers.add(event);
    if (ended && ended.size > 0) this.#above(doneLine(ended, this.#transfers, page));
    // A pause is counted down below the transfers; all else that is unusual stays.
    else if (event.type !== 'wait' && event.type !== 'retry') this.#mention(event, page);
    this.#beganAt ??= this.#now();
    this.#timer ??= setInterval(() => this.draw(), frameMs).unref();
  }

  say(line: string): void {
    this.#above(printable(line));
  }

  clear(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#beganAt = undefined;
    this.#replace([]);
  }

  /** Draws the moment, at the width that the terminal has now. */
  draw(): void {
    if (this.#now() - (this.#beganAt ?? 0) >= patienceMs) this.#replace(this.#lines(this.#page()));
  }

  #lines(page: Page): readonly string[] {
    const { active, pause } = this.#transfers;
    const rows = this.#stream.rows || 24;
    const room = Math.max(1, Math.min(mostLines, rows - 3));
    const lines = active.slice(0, room).map((one) => transferLine(one, this.#transfers, page));
    if (active.length > room) lines.push(`and ${active.length - room} more`);
    if (pause) lines.push(pauseLine(pause, this.#now(), page));
    else if (active.length === 0) lines.push('waiting for the registry');
    return lines;
  }

  #mention(event: CopyAllEvent, page: Page): void {
    const text = describeUnusual(event);
    if (text !== undefined) this.#above(styled(page, 'yellow', text));
  }

  #above(line: string): void {
    const below = this.#drawn;
    this.#stream.rewrite(
      this.#drawnRows(),
      `${line}\n${below.map((drawn) => `${drawn}\n`).join('')}`,
    );
  }

  #replace(lines: readonly string[]): void {
    if (lines.length === 0 && this.#drawn.length === 0) return;
    this.#stream.rewrite(this.#drawnRows(), lines.map((line) => `${line}\n`).join(''));
    this.#drawn = lines;
  }

  /** Rows that the drawn lines take, which a narrower terminal has wrapped. */
  #drawnRows(): number {
    const { width } = this.#page();
    return this.#drawn.reduce(
      (sum, line) => sum + Math.max(1, Math.ceil(stringWidth(line) / width)),
      0,
    );
  }

  /** A stream that is no terminal, when told to draw all the same, is taken for one of 80 columns. */
  #page(): Page {
    const page = pageOf(this.#stream, this.#env);
    return Number.isFinite(page.width) ? page : { ...page, width: 80 };
  }
}
