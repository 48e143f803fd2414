import type { TextStream } from './text-stream.js';

/** Where a command writes and what it may be interrupted by; tests give their own. */
export interface Terminal {
  /** A person's answers, or a secret that is piped in. */
  readonly stdin: NodeJS.ReadableStream;
  /** Data. */
  readonly stdout: TextStream;
  /** Progress, warnings, errors. */
  readonly stderr: TextStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}
