import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { isMissing, replaceFile } from '@oci/files';

import { type ChainEnd, chainStart } from './audit-line.js';

export const headFile = 'audit-head.json';

/** The chain before the first line that is kept (older ones were removed by age), and after the last one. */
export interface AuditHead {
  readonly before: ChainEnd;
  readonly end: ChainEnd;
}

/**
 * A head as it was found:
 *
 * - `valid`: its HMAC is made with the key, or there is neither
 * - `old`: of version 1, which has no HMAC
 * - `forged`: its HMAC is missing, or made with another key
 * - `unreadable`: no head; nor is what is `missing`
 */
export type FoundHead =
  | { readonly state: 'valid' | 'old'; readonly head: AuditHead; readonly text: string }
  | { readonly state: 'forged' | 'unreadable' | 'missing'; readonly text: string };

export const emptyHead: AuditHead = { before: chainStart, end: chainStart };

/** The format of the file: `{"v":2,"before":{seq,hash},"end":{seq,hash},"mac"}`, the last with a key only. */
const version = 2;

export async function readHead(dir: string, key: Uint8Array | undefined): Promise<FoundHead> {
  try {
    return judged(await readFile(join(dir, headFile), 'utf8'), key);
  } catch (error) {
    if (isMissing(error)) return { state: 'missing', text: '' };
    throw error;
  }
}

export async function writeHead(
  dir: string,
  head: AuditHead,
  key: Uint8Array | undefined,
): Promise<void> {
  const mac = key && macOf(head, key);
  const text = `${JSON.stringify({ v: version, ...head, mac })}\n`;
  await replaceFile(join(dir, headFile), text, { mode: 0o600, sync: 'content' });
}

function judged(text: string, key: Uint8Array | undefined): FoundHead {
  const { v, before, end, mac } = parsed(text);
  if (!isChainEnd(before) || !isChainEnd(end)) return { state: 'unreadable', text };
  const head = { before: endOf(before), end: endOf(end) };
  if (v === undefined) return { state: 'old', head, text };
  const isMade = key ? isSame(String(mac), macOf(head, key)) : mac === undefined;
  return isMade ? { state: 'valid', head, text } : { state: 'forged', text };
}

/** Both ends, and with them how many lines there are; the text before keeps it from being a line's hash. */
function macOf({ before, end }: AuditHead, key: Uint8Array): string {
  const text = `audit head ${version} ${before.seq} ${before.hash} ${end.seq} ${end.hash}`;
  return createHmac('sha256', key).update(text).digest('hex');
}

function isSame(found: string, expected: string): boolean {
  const [a, b] = [Buffer.from(found), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function isChainEnd(value: unknown): value is ChainEnd {
  const { seq, hash } = Object(value) as Partial<ChainEnd>;
  return Number.isSafeInteger(seq) && typeof hash === 'string' && /^[0-9a-f]{64}$/.test(hash);
}

function endOf({ seq, hash }: ChainEnd): ChainEnd {
  return { seq, hash };
}
