import { createHmac, hash as hashAtOnce } from 'node:crypto';

import { escapeHidden } from '@oci/spec-types/text';

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
  /** Work on the storage of hosted repositories. */
  | 'storage'
  | 'server'
  /** Lines were lost, or half of one was removed; not a sign that the log was altered. */
  | 'gap'
  /** What the log held when it was opened is not what was written. */
  | 'alarm';

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
  /** Requests that the line stands for; one when absent. */
  readonly count?: number | undefined;
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

/** Lines of version 2 belong to a head that is authenticated; those of version 1 have no `v`. */
export const lineVersion: number = 2;

/** Bytes of a line, of earlier versions too. */
export const maxLineBytes: number = 1024 * 1024;
/** UTF-16 units of a text in a line; the rest is left out. */
const maxTextLength = 1000;

/** The line of an entry, without its line feed, and the chain behind it. */
export function auditLine(
  { entry, time }: TimedEntry,
  before: ChainEnd,
  key?: Uint8Array,
): { readonly line: string; readonly end: ChainEnd } {
  const seq = before.seq + 1;
  const what = textOf(entry).slice(1, -1);
  const body = `{"seq":${seq},"v":${lineVersion},"time":"${time}",${what},"prev":"${before.hash}"}`;
  const hash = hashOf(body, key);
  return { line: `${body.slice(0, -1)},"hash":"${hash}"}`, end: { seq, hash } };
}

/** What a line says of itself. */
export interface ReadLine {
  /** The chain before it. */
  readonly prev: string;
  readonly end: ChainEnd;
  readonly version: number;
  readonly event: string;
  readonly detail: string;
}

const ending = /^,"hash":"([0-9a-f]{64})"\}$/;
const endingBytes = 75;

/** What the bytes of a line say; undefined when its hash is not that of its bytes. */
export function readAuditLine(line: Uint8Array, key?: Uint8Array): ReadLine | undefined {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.byteLength);
  const hash = ending.exec(bytes.toString('latin1', Math.max(0, bytes.length - endingBytes)))?.[1];
  if (hash === undefined) return undefined;
  const body = Buffer.concat([bytes.subarray(0, bytes.length - endingBytes), Buffer.from('}')]);
  if (hashOf(body, key) !== hash) return undefined;
  const { seq, prev, v = 1, event, detail } = objectOf(body);
  if (!Number.isSafeInteger(seq) || typeof prev !== 'string') return undefined;
  const end = { seq: Number(seq), hash };
  return { prev, end, version: Number(v), event: String(event), detail: String(detail) };
}

/** Without a key anybody can give any bytes a hash that fits. */
function objectOf(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(body.toString('utf8'))) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** One line of JSON, whatever callers put into names. */
function textOf(entry: AuditEntry): string {
  const text = JSON.stringify(entry);
  if (text.length <= maxTextLength) return escapeHidden(text);
  const isLong = (value: unknown): value is string =>
    typeof value === 'string' && value.length > maxTextLength;
  const clip = (_: string, value: unknown): unknown =>
    isLong(value) ? `${value.slice(0, maxTextLength)}...` : value;
  return escapeHidden(JSON.stringify(entry, clip));
}

/** With a key nobody who lacks it can make a line that fits. */
function hashOf(body: string | Uint8Array, key: Uint8Array | undefined): string {
  return key
    ? createHmac('sha256', key).update(body).digest('hex')
    : hashAtOnce('sha256', body, 'hex');
}
