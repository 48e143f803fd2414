/** Where a command writes and what it may be interrupted by; tests give their own. */
export interface Terminal {
  /** A person's answers, or a secret that is piped in. */
  readonly stdin: NodeJS.ReadableStream;
  /** Data. */
  readonly stdout: NodeJS.WritableStream;
  /** Progress, warnings, errors. */
  readonly stderr: NodeJS.WritableStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}
