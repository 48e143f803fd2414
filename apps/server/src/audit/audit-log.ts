import type { AuditEntry, TimedEntry } from './audit-line.js';
import { type AuditFileOptions, AuditWriter } from './audit-writer.js';

export interface AuditOptions extends AuditFileOptions {
  /** Refuse what can not be logged, instead of logging it later. Default false. */
  readonly required?: boolean | undefined;
  /** Hears when lines can not be written, and when they can again. */
  readonly onTrouble?: ((trouble: AuditTrouble) => void) | undefined;
}

/** `error` is absent once lines are written again. */
export interface AuditTrouble {
  readonly error?: unknown;
  readonly pending: number;
  readonly lost: number;
}

/** Entries that wait in memory while the disk is full; more are counted, and said to be lost. */
const maxPending = 50_000;
const batchSize = 1000;
const retryMs = 1000;

/** Between two batches under load, so that each write through to the disk is for many lines. */
const batchEveryMs = 10;

/** Takes entries without making anybody wait, and writes them in order. */
export class AuditLog {
  readonly #options: AuditOptions;
  readonly #writer: AuditWriter;
  #queue: TimedEntry[] = [];
  #writing: Promise<void> | undefined;
  #error: unknown;
  #lost = 0;
  #lostInAll = 0;
  #failures = 0;
  #closing = false;
  #wake: () => void = () => {};

  constructor(options: AuditOptions) {
    this.#options = options;
    this.#writer = new AuditWriter(options);
  }

  get stats(): {
    readonly pending: number;
    readonly lost: number;
    readonly failures: number;
    readonly lines: number;
  } {
    return {
      pending: this.#queue.length,
      lost: this.#lostInAll,
      failures: this.#failures,
      lines: this.#writer.end.seq,
    };
  }

  /**
   * Opens the files, so that what is wrong with them is told before anything is to be written.
   *
   * @returns whether the log is a new one
   * @throws OciError
   */
  async open(): Promise<boolean> {
    return this.#writer.open();
  }

  /** Why lines can not be written at the moment; undefined while they can. */
  get trouble(): unknown {
    return this.#error;
  }

  /** Whether operations have to be refused, because they could not be logged. */
  get refuses(): boolean {
    return this.#options.required === true && this.#error !== undefined;
  }

  record(entry: AuditEntry): void {
    if (this.#queue.length >= maxPending) {
      this.#lost += 1;
      this.#lostInAll += 1;
      return;
    }
    this.#queue.push({ entry, time: now() });
    this.#writing ??= this.#write();
  }

  /** Until all entries are on the disk. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  /** Lets another program move the file away: the next line makes a new one. */
  async reopen(): Promise<void> {
    if (this.#error !== undefined) return;
    await this.#writing;
    // One that writes again looks itself whether its file was moved.
    if (!this.#writing) await this.#writer.close();
  }

  /** Writes what waits; what the disk still refuses is given up. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#wake();
    await this.#writing;
    await this.#writer.close();
  }

  async #write(): Promise<void> {
    // One turn later, so that entries of the same moment are one batch.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const batch = this.#queue.slice(0, batchSize);
      try {
        const lost = this.#lost;
        await this.#writer.append(lost > 0 ? [...batch, gap(lost)] : batch);
        this.#lost -= lost;
        this.#queue = this.#queue.slice(batch.length);
        this.#recovered();
        if (this.#queue.length > 0 && !this.#closing) await this.#pause(batchEveryMs);
      } catch (error) {
        this.#failed(error);
        if (this.#closing) break;
        await this.#pause(retryMs);
      }
    }
    this.#writing = undefined;
  }

  #failed(error: unknown): void {
    this.#failures += 1;
    const isNew = this.#error === undefined;
    this.#error = error;
    if (isNew) this.#tell();
  }

  #recovered(): void {
    const wasFailing = this.#error !== undefined;
    this.#error = undefined;
    if (wasFailing) this.#tell();
  }

  #tell(): void {
    this.#options.onTrouble?.({
      error: this.#error,
      pending: this.#queue.length,
      lost: this.#lost,
    });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** A silent gap would look like nothing had happened. */
function gap(lost: number): TimedEntry {
  const detail = `${lost} lines lost`;
  return { entry: { event: 'gap', result: 'failed', who: 'server', detail }, time: now() };
}

let told = { at: 0, text: '' };

/** Now, written once for all that happens in the same millisecond. */
function now(): string {
  const at = Date.now();
  if (at !== told.at) told = { at, text: new Date(at).toISOString() };
  return told.text;
}
