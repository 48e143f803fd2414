import type { CopyAllEvent } from '@oci/client/copy';
import { printable } from '@oci/spec-types/text';

import type { TextStream } from '../terminal.js';

/** Shows on stderr what happens. */
export interface Progress {
  add(event: CopyAllEvent): void;
  /** Prints a line of its own, whatever is shown. */
  say(line: string): void;
  /** Takes away what is only of the moment; what comes later begins anew. */
  clear(): void;
}

/** Shows nothing but the lines that are to be said. */
export class NoProgress implements Progress {
  readonly #stream: TextStream;

  constructor(stream: TextStream) {
    this.#stream = stream;
  }

  add(): void {}

  say(line: string): void {
    this.#stream.write(`${printable(line)}\n`);
  }

  clear(): void {}
}
