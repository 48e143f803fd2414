import { randomBytes } from 'node:crypto';

import type { ByteRange } from '@oci/spec-types';

import { longestKeys } from '../keys.js';
import { type Bench, bodyOf } from './bench.js';
import type { Finding } from './check.js';

const rounds = 10;

/** Reads by one client what another has just written, replaced and removed. */
export async function checkReads({ one, two, signal }: Bench): Promise<Finding> {
  const stale = (what: string): Finding => ({
    outcome: 'problem',
    code: 'READ_STALE',
    summary: what,
  });
  for (let round = 0; round < rounds; round += 1) {
    const name = `reads/${round}`;
    // What is asked for before it is there must not be remembered as missing.
    if (await two.read(name, { signal })) return stale('It has an object that nobody wrote');
    for (const text of ['first', 'the second']) {
      await one.put(name, bodyOf(text), { signal });
      if ((await two.read(name, { signal }))?.toString() !== text)
        return stale('A read behind a write gives what was there before');
      if ((await two.head(name, { signal }))?.size !== text.length)
        return stale('A question for the size behind a write is answered with what was before');
    }
    await one.delete(name, { signal });
    if (await two.read(name, { signal })) return stale('A read behind a deletion finds the object');
  }
  return { outcome: 'ok', summary: 'What was written is read at once', evidence: { rounds } };
}

/** Reads parts of an object. */
export async function checkRanges({ one, two, signal }: Bench): Promise<Finding> {
  const bytes = randomBytes(10_000);
  await one.put('ranges', inOne(bytes), { signal });
  const ranges: readonly (readonly [ByteRange, Buffer])[] = [
    [{ first: 0, last: 0 }, bytes.subarray(0, 1)],
    [{ first: 4000, last: 4999 }, bytes.subarray(4000, 5000)],
    [{ first: 9990 }, bytes.subarray(9990)],
    [{ first: 9990, last: 20_000 }, bytes.subarray(9990)],
    [{ first: 10_000 }, bytes.subarray(10_000)],
  ];
  for (const [range, expected] of ranges) {
    const part = await two.read('ranges', { range, signal });
    if (part?.equals(expected)) continue;
    const asked = `${range.first}-${range.last ?? ''}`;
    const summary = `Bytes ${asked} of an object are answered with ${part?.length ?? 'no'} others`;
    return { outcome: 'problem', code: 'RANGE_WRONG', summary };
  }
  return { outcome: 'ok', summary: 'It gives parts of objects' };
}

/** Removes an object, and one that is not there. */
export async function checkDeletion({ one, two, signal }: Bench): Promise<Finding> {
  await one.put('deletion', bodyOf('gone soon'), { signal });
  await one.delete('deletion', { signal });
  await one.delete('deletion', { signal });
  if (await two.head('deletion', { signal })) {
    const summary = 'An object is still there when it was deleted';
    return { outcome: 'problem', code: 'DELETE_INEFFECTIVE', summary };
  }
  return { outcome: 'ok', summary: 'It deletes objects' };
}

/** Writes objects with the longest keys that the format has. */
export async function checkLongKeys({ one, two, signal }: Bench): Promise<Finding> {
  const longest = Math.max(...longestKeys().map((key) => one.keyOf(key).length));
  for (const key of longestKeys()) {
    try {
      await one.put(key, bodyOf('long'), { signal });
      const [listed] = await two.list(key.slice(0, -1), { signal });
      if ((await two.head(key, { signal })) && listed?.key === key) continue;
    } catch (error) {
      signal.throwIfAborted();
      const summary = `It refuses a key of ${one.keyOf(key).length} characters: ${messageOf(error)}`;
      return { outcome: 'problem', code: 'KEY_TOO_LONG', summary };
    }
    const summary = `It loses an object whose key has ${one.keyOf(key).length} characters`;
    return { outcome: 'problem', code: 'KEY_TOO_LONG', summary };
  }
  return {
    outcome: 'ok',
    summary: `It takes keys of ${longest} characters`,
    evidence: { longest },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function* inOne(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
