import type { CopyAllEvent } from '@oci/client/copy';
import { printable } from '@oci/spec-types/text';

import { durationText, shortDigest, sizeText } from '../render/quantity.js';
import type { TextStream } from '../terminal.js';
import type { Progress } from './progress.js';
import { type Transfer, Transfers, nameOf } from './transfers.js';
import { describeUnusual } from './unusual.js';

const betweenMs = 10_000;

/** A line for what happens, and one now and then for a blob that takes long. */
export class PlainProgress implements Progress {
  readonly #stream: TextStream;
  readonly #everything: boolean;
  readonly #now: () => number;
  readonly #transfers: Transfers;
  readonly #saidAt = new Map<string, number>();
  readonly #retriedAt = new Map<string, number>();

  /** @param options.everything false for warnings, retries and pauses alone */
  constructor(
    stream: TextStream,
    {
      everything,
      now = () => performance.now(),
    }: { readonly everything: boolean; readonly now?: () => number },
  ) {
    this.#stream = stream;
    this.#everything = everything;
    this.#now = now;
    this.#transfers = new Transfers(now);
  }

  add(event: CopyAllEvent): void {
    const ended = this.#transfers.add(event);
    const unusual = describeUnusual(event);
    if (event.type === 'retry' && this.#isToldOf(event.host ?? '')) return;
    if (unusual !== undefined) this.say(unusual);
    else if (!this.#everything) return;
    else if (ended) this.say(`${nameOf(ended)}: done, ${this.#figures(ended)}`);
    else if (event.type === 'cached')
      this.say(`${shortDigest(event.digest)}: in the cache, ${sizeText(event.size)}`);
    else if (event.type === 'mount')
      this.say(`${shortDigest(event.digest)}: mounted, ${sizeText(event.size)}`);
    else if (event.type === 'tag')
      this.say(`tag ${event.tag}: ${event.outcome}, ${event.done} of ${event.total}`);
    else this.#follow(event);
  }

  clear(): void {}

  /** A host that fails does so on all its connections: one line is enough, and another when it lasts. */
  #isToldOf(host: string): boolean {
    const now = this.#now();
    if (now - (this.#retriedAt.get(host) ?? Number.NEGATIVE_INFINITY) < betweenMs) return true;
    this.#retriedAt.set(host, now);
    return false;
  }

  #follow(event: CopyAllEvent): void {
    if (event.type !== 'start' && event.type !== 'bytes') return;
    const transfer = this.#transfers.active.find(({ digest }) => digest === event.digest);
    if (!transfer) return;
    const now = this.#now();
    if (event.type === 'start') this.say(`${nameOf(transfer)}: ${sizeText(transfer.size)}`);
    else if (now - (this.#saidAt.get(event.digest) ?? now) >= betweenMs)
      this.say(this.#standing(transfer));
    else return;
    this.#saidAt.set(event.digest, now);
  }

  #standing(transfer: Transfer): string {
    const { size, done } = transfer;
    const left = this.#transfers.leftMs(transfer);
    return [
      `${nameOf(transfer)}: ${Math.floor((done / Math.max(1, size)) * 100)} %`,
      `${sizeText(done)} of ${sizeText(size)}`,
      `${sizeText(this.#transfers.rate(transfer))}/s`,
      ...(left === undefined ? [] : [`${durationText(left)} left`]),
    ].join(', ');
  }

  #figures(transfer: Transfer): string {
    return `${sizeText(transfer.size)} in ${durationText(this.#transfers.elapsedMs(transfer))}`;
  }

  say(line: string): void {
    this.#stream.write(`${printable(line)}\n`);
  }
}
