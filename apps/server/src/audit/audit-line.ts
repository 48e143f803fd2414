import { createHmac, hash as hashAtOnce } from 'node:crypto';

/** What the audit log has a line for. */
export type AuditEvent =
  | 'pull'
  | 'push'
  | 'delete'
  | 'install'
  | 'rollback'
  | 'login'
  | 'denied'
  | 'cache'
  | 'server'
  | 'gap';

/** One operation, as it ended. */
export interface AuditEntry {
  readonly event: AuditEvent;
  readonly result: 'ok' | 'denied' | 'failed';
  /** The subject of the caller. */
  readonly who: string;
  /** Its address. */
  readonly client?: string | undefined;
  readonly request_id?: string | undefined;
  readonly repository?: string | undefined;
  /** A tag, a digest, or what else was asked for. */
  readonly reference?: string | undefined;
  readonly digest?: string | undefined;
  /** Bytes that went to the client, or came from it. */
  readonly bytes?: number | undefined;
  /** `hosted`, `cache`, or the host that it came from. */
  readonly source?: string | undefined;
  readonly duration_ms?: number | undefined;
  /** Why it was denied or failed: a code, or an action. */
  readonly detail?: string | undefined;
}

/** An operation, and when it ended: ISO 8601. */
export interface TimedEntry {
  readonly entry: AuditEntry;
  readonly time: string;
}

/** Where a chain stands: the last line's number and hash. */
export interface ChainEnd {
  readonly seq: number;
  readonly hash: string;
}

export const chainStart: ChainEnd = { seq: 0, hash: '0'.repeat(64) };

/** The line of an entry, without its line feed, and the chain behind it. */
export function auditLine(
  { entry, time }: TimedEntry,
  before: ChainEnd,
  key?: Uint8Array,
): { readonly line: string; readonly end: ChainEnd } {
  const seq = before.seq + 1;
  const what = JSON.stringify(entry).slice(1, -1);
  const body = `{"seq":${seq},"time":"${time}",${what},"prev":"${before.hash}"}`;
  const hash = hashOf(body, key);
  return { line: `${body.slice(0, -1)},"hash":"${hash}"}`, end: { seq, hash } };
}

/** What a line says of itself; undefined when its hash is not that of its text. */
export function readAuditLine(
  line: string,
  key?: Uint8Array,
): { readonly prev: string; readonly end: ChainEnd } | undefined {
  const match = /^(.*),"hash":"([0-9a-f]{64})"\}$/.exec(line);
  const body = `${match?.[1] ?? ''}}`;
  const hash = match?.[2];
  if (hash === undefined || hashOf(body, key) !== hash) return undefined;
  const { seq, prev } = JSON.parse(body) as { seq: number; prev: string };
  return { prev, end: { seq, hash } };
}

/** With a key nobody who lacks it can make a line that fits. */
function hashOf(body: string, key: Uint8Array | undefined): string {
  return key
    ? createHmac('sha256', key).update(body).digest('hex')
    : hashAtOnce('sha256', body, 'hex');
}
