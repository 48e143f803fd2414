import type { CopyAllEvent } from '@oci/client/copy';
import { printableJson } from '@oci/spec-types/text';

import type { TextStream } from '../terminal.js';
import type { Progress } from './progress.js';

const betweenMs = 250;

/** One event a line, keys in snake_case; bytes of a blob at most four times a second. */
export class JsonProgress implements Progress {
  readonly #stream: TextStream;
  readonly #now: () => number;
  readonly #saidAt = new Map<string, number>();

  constructor(stream: TextStream, now: () => number = () => performance.now()) {
    this.#stream = stream;
    this.#now = now;
  }

  add(event: CopyAllEvent): void {
    if (event.type === 'bytes' && event.done < event.size) {
      const now = this.#now();
      if (now - (this.#saidAt.get(event.digest) ?? Number.NEGATIVE_INFINITY) < betweenMs) return;
      this.#saidAt.set(event.digest, now);
    }
    const entries = Object.entries(event).map(([key, value]) => [snakeCase(key), value as unknown]);
    this.#stream.write(`${printableJson(Object.fromEntries(entries))}\n`);
  }

  /** A line that is no JSON would be a trap for who reads them. */
  say(line: string): void {
    this.#stream.write(`${printableJson({ type: 'message', message: line })}\n`);
  }

  clear(): void {}
}

function snakeCase(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
