/** How a webhook is getting on, as far as the process knows that delivers. Times are milliseconds since the epoch. */
export interface WebhookState {
  /** Failures since the last event that it took. */
  readonly failures: number;
  readonly deliveredAt?: number;
  readonly lastFailure?: { readonly at: number; readonly event: string; readonly why: string };
  /** When it is tried again. */
  readonly pausedUntil?: number;
}

/** The state of each webhook by its name. */
export type WebhookStates = Readonly<Record<string, WebhookState>>;
