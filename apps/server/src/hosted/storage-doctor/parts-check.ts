import { createHash, randomBytes } from 'node:crypto';

import type { Bench } from './bench.js';
import type { Finding } from './check.js';

const mebibyte = 1024 * 1024;

/** Content too long for one request, made of pieces that differ. */
class Content {
  readonly size: number;
  readonly #piece = randomBytes(mebibyte);

  constructor(size: number) {
    this.size = size;
  }

  /** @param failAt bytes behind which it breaks off */
  async *bytes(failAt = Infinity): AsyncGenerator<Uint8Array, void, undefined> {
    for (let at = 0; at < this.size; at += mebibyte) {
      if (at >= failAt) throw new BrokenOff();
      this.#piece.writeUInt32BE(at);
      yield this.#piece.subarray(0, Math.min(mebibyte, this.size - at));
    }
  }

  async hash(): Promise<string> {
    return hashOf(this.bytes());
  }
}

class BrokenOff extends Error {}

/** Stores objects in parts, joins objects inside the storage, and breaks off. */
export async function checkParts(bench: Bench): Promise<Finding> {
  const { one, signal } = bench;
  const wrong = (summary: string): Finding => ({
    outcome: 'problem',
    code: 'PARTS_WRONG',
    summary,
  });
  // Two parts, of which the second is short.
  const large = new Content(8 * mebibyte + 1000);
  await one.put('parts/large', large.bytes(), { signal });
  if ((await storedHash(bench, 'parts/large', large.size)) !== (await large.hash()))
    return wrong('An object that was stored in parts has other bytes');
  const [first, last] = [new Content(5 * mebibyte), new Content(1000)];
  await one.put('parts/1', first.bytes(), { signal });
  await one.put('parts/2', last.bytes(), { signal });
  await one.join(['parts/1', 'parts/2'], 'parts/whole', { signal });
  const whole = hashOf(inTurn(first.bytes(), last.bytes()));
  if ((await storedHash(bench, 'parts/whole', first.size + last.size)) !== (await whole))
    return wrong('Objects that were joined inside the storage have other bytes');
  return checkBroken(bench, large);
}

/** A push that breaks off has to leave nothing. */
async function checkBroken({ one, two, service, signal }: Bench, large: Content): Promise<Finding> {
  await one.put('parts/broken', large.bytes(8 * mebibyte), { signal }).catch((error: unknown) => {
    if (!(error instanceof BrokenOff)) throw error;
  });
  if (await two.head('parts/broken', { signal })) {
    const summary = 'An object whose upload broke off is there';
    return { outcome: 'problem', code: 'PARTS_WRONG', summary };
  }
  const ok = { outcome: 'ok', summary: 'Large objects are stored in parts, and joined' } as const;
  if (!service) return ok;
  const left = await service
    .countOpenUploads(one.keyOf('parts/'), { signal })
    .catch(() => undefined);
  if (left === undefined)
    return {
      ...ok,
      summary: `${ok.summary}; it does not say what parts of broken uploads are left`,
    };
  if (left === 0) return ok;
  const summary = 'Parts of an upload that was aborted are left';
  return { outcome: 'warning', code: 'PARTS_LEFT', summary, evidence: { left } };
}

async function storedHash(
  { two, signal }: Bench,
  name: string,
  size: number,
): Promise<string | undefined> {
  const object = await two.get(name, { signal });
  if (!object) return undefined;
  const hash = await hashOf(object.body);
  return object.info.size === size ? hash : undefined;
}

async function hashOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of body) hash.update(chunk);
  return hash.digest('hex');
}

async function* inTurn(
  ...bodies: readonly AsyncIterable<Uint8Array>[]
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const body of bodies) yield* body;
}
