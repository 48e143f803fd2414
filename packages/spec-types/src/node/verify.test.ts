import { createHash } from 'node:crypto';

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { type Descriptor, OciError, emptyDescriptor, mediaTypes, parseDigest } from '../index.js';
import {
  Verifier,
  describeManifest,
  digestOf,
  embeddedContent,
  verified,
  verifyBytes,
  verifyManifest,
} from './index.js';

type Expected = Pick<Descriptor, 'digest' | 'size'>;

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const describing = (bytes: Uint8Array, algorithm: 'sha256' | 'sha512' = 'sha256'): Expected => ({
  digest: digestOf(bytes, algorithm),
  size: bytes.byteLength,
});

/** The bytes, cut at the given places, empty chunks included. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = places.map((place) => place % (bytes.byteLength + 1)).sort((a, b) => a - b);
  return [...at, bytes.byteLength].map((end, index) => bytes.subarray(at[index - 1] ?? 0, end));
}

async function* stream(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) {
    await Promise.resolve();
    yield chunk;
  }
}

/** What came through, and the failure behind it if there was one. */
async function read(
  chunks: Iterable<Uint8Array>,
  expected: Expected,
): Promise<{ bytes: Buffer; error?: OciError }> {
  const parts: Uint8Array[] = [];
  try {
    for await (const chunk of verified(stream(chunks), expected)) parts.push(chunk);
    return { bytes: Buffer.concat(parts) };
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
    return { bytes: Buffer.concat(parts), error };
  }
}

const content = fc.uint8Array({ maxLength: 200 });
const places = fc.array(fc.nat(), { maxLength: 8 });
const algorithm = fc.constantFrom('sha256' as const, 'sha512' as const);

describe('verified', () => {
  test('passes exactly the bytes of the descriptor, however they are cut', async () => {
    await fc.assert(
      fc.asyncProperty(content, places, algorithm, async (bytes, where, hash) => {
        const result = await read(cut(bytes, where), describing(bytes, hash));
        expect(result.error).toBeUndefined();
        expect(new Uint8Array(result.bytes)).toEqual(bytes);
      }),
    );
  });

  test('refuses a byte that was changed, and never gives the last one', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        places,
        fc.nat(),
        async (bytes, where, index) => {
          const changed = Uint8Array.from(bytes);
          const at = index % bytes.length;
          changed[at] = (changed[at] ?? 0) ^ 1;
          const result = await read(cut(changed, where), describing(bytes));
          expect(result.error?.code).toBe('DIGEST_MISMATCH');
          expect(result.bytes.length).toBeLessThan(bytes.length);
        },
      ),
    );
  });

  test('refuses content that is cut short', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        places,
        fc.nat(),
        async (bytes, where, index) => {
          const at = index % bytes.length;
          const dropped = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1)]);
          const result = await read(cut(dropped, where), describing(bytes));
          expect(result.error?.code).toBe('SIZE_MISMATCH');
        },
      ),
    );
  });

  test('refuses a byte that was added, and gives no more than was asked for', async () => {
    await fc.assert(
      fc.asyncProperty(content, places, fc.nat(), async (bytes, where, index) => {
        const at = index % (bytes.length + 1);
        const added = Uint8Array.from([...bytes.subarray(0, at), 7, ...bytes.subarray(at)]);
        const result = await read(cut(added, where), describing(bytes));
        expect(['SIZE_MISMATCH', 'DIGEST_MISMATCH']).toContain(result.error?.code);
        expect(result.bytes.length).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });

  test('empty chunks before, between and behind the content change nothing', async () => {
    const bytes = bytesOf('content');
    const none = new Uint8Array();
    const result = await read(
      [none, none, bytes.subarray(0, 3), none, bytes.subarray(3), none, none],
      describing(bytes),
    );
    expect(result).toEqual({ bytes: Buffer.from(bytes) });
    expect(await read([none, none], describing(none))).toEqual({ bytes: Buffer.alloc(0) });
  });

  test('checks the content before it gives the last bytes', async () => {
    const bytes = bytesOf('content');
    const wrong = { ...describing(bytesOf('another')), size: bytes.length };
    const result = await read([bytes.subarray(0, 6), bytes.subarray(6)], wrong);
    expect(result.error?.code).toBe('DIGEST_MISMATCH');
    expect(result.bytes.toString()).toBe('conten');
  });

  test('reads no further than the first byte too many of an endless body', async () => {
    const sent = { chunks: 0 };
    const endless = (function* () {
      while (true) {
        sent.chunks += 1;
        yield new Uint8Array(10);
      }
    })();
    const result = await read(endless, { digest: digestOf(new Uint8Array(25)), size: 25 });
    expect(result.error?.code).toBe('SIZE_MISMATCH');
    expect(sent.chunks).toBe(3);
  });

  test('closes the body when the reader leaves', async () => {
    const bytes = bytesOf('content');
    const closed: string[] = [];
    const body = (async function* () {
      try {
        yield* stream([bytes.subarray(0, 1), bytes.subarray(1)]);
      } finally {
        closed.push('closed');
      }
    })();
    for await (const chunk of verified(body, describing(bytes))) {
      expect(chunk).toHaveLength(1);
      break;
    }
    expect(closed).toEqual(['closed']);
  });

  test('passes the failure of the body on', async () => {
    const failure = new OciError('NETWORK', 'x');
    const body = (async function* () {
      yield* stream([bytesOf('con')]);
      throw failure;
    })();
    const iteration = (async () => {
      for await (const chunk of verified(body, describing(bytesOf('content'))))
        expect(chunk).toHaveLength(3);
    })();
    await expect(iteration).rejects.toBe(failure);
  });

  test.each(['blake3:' + 'a'.repeat(64), 'md5:d41d8cd98f00b204e9800998ecf8427e'])(
    'refuses %s, which it can not check, before it reads',
    async (digest) => {
      const result = await read([new Uint8Array(1)], { digest: parseDigest(digest), size: 1 });
      expect(result).toMatchObject({ error: { code: 'DIGEST_UNSUPPORTED' } });
      expect(result.bytes).toHaveLength(0);
    },
  );

  test('a descriptor of 2^53 - 1 bytes allocates nothing', async () => {
    const result = await read([bytesOf('x')], {
      digest: digestOf(bytesOf('x')),
      size: Number.MAX_SAFE_INTEGER,
    });
    expect(result.error?.code).toBe('SIZE_MISMATCH');
  });
});

describe('Verifier', () => {
  test('finishes any number of times once it succeeded, and takes no bytes afterwards', () => {
    const bytes = bytesOf('content');
    const verifier = new Verifier(describing(bytes));
    verifier.update(bytes);
    verifier.finish();
    verifier.finish();
    verifier.update(new Uint8Array());
    expect(verifier.size).toBe(7);
    expect(() => verifier.update(bytesOf('x'))).toThrow(
      expect.objectContaining({ code: 'SIZE_MISMATCH' }),
    );
  });

  test('the failure names both digests', () => {
    const wrong = describing(bytesOf('another'));
    expect(() => verifyBytes(bytesOf('content'), wrong)).toThrow(
      new RegExp(`expected ${wrong.digest}, got ${digestOf(bytesOf('content'))}`),
    );
  });

  test('gives back the very bytes that it checked', () => {
    const bytes = bytesOf('content');
    expect(verifyBytes(bytes, describing(bytes))).toBe(bytes);
  });
});

test.each(['sha256', 'sha512'] as const)('digestOf agrees with %s', (hash) => {
  const bytes = bytesOf('content');
  expect(digestOf(bytes, hash)).toBe(`${hash}:${createHash(hash).update('content').digest('hex')}`);
});

describe('embeddedContent', () => {
  test('of the empty descriptor is an empty object', () => {
    expect(Buffer.from(embeddedContent(emptyDescriptor) ?? []).toString()).toBe('{}');
  });

  test('is undefined where there is none, and empty where it is of no bytes', () => {
    expect(embeddedContent(describing(bytesOf('x')))).toBeUndefined();
    expect(embeddedContent({ ...describing(new Uint8Array()), data: '' })).toHaveLength(0);
  });

  test.each([
    ['other content', 'W10=', 'DIGEST_MISMATCH'],
    ['more', 'e30K', 'SIZE_MISMATCH'],
    ['less', 'ew==', 'SIZE_MISMATCH'],
    ['nothing', '', 'SIZE_MISMATCH'],
  ])('is refused when it is %s', (_what, data, code) => {
    expect(() => embeddedContent({ ...emptyDescriptor, data })).toThrow(
      expect.objectContaining({ code }),
    );
  });
});

describe('manifests', () => {
  const document = {
    schemaVersion: 2,
    config: emptyDescriptor,
    layers: [],
    annotations: { a: 'b' },
  };
  const bytes = bytesOf(JSON.stringify(document));
  const descriptor = {
    ...describing(bytes),
    mediaType: mediaTypes.imageManifest as string,
    annotations: { c: 'd' },
  };

  test('a manifest is resolved when its bytes match; it keeps them, and the descriptor', () => {
    const manifest = verifyManifest(bytes, descriptor);
    expect(manifest).toEqual({
      kind: 'image',
      mediaType: mediaTypes.imageManifest,
      document,
      descriptor,
      bytes,
    });
    expect(manifest.bytes).toBe(bytes);
  });

  test('bytes that do not match are refused before they are parsed', () => {
    const garbage = bytesOf('x'.repeat(bytes.length));
    expect(() => verifyManifest(garbage, descriptor)).toThrow(
      expect.objectContaining({ code: 'DIGEST_MISMATCH' }),
    );
    expect(() => verifyManifest(bytes.subarray(1), descriptor)).toThrow(
      expect.objectContaining({ code: 'SIZE_MISMATCH' }),
    );
  });

  test('a descriptor of another type is refused, though the bytes match', () => {
    expect(() =>
      verifyManifest(bytes, { ...descriptor, mediaType: mediaTypes.imageIndex }),
    ).toThrow(expect.objectContaining({ code: 'DOCUMENT_INVALID' }));
  });

  test('a type that says nothing is replaced by the one of the document', () => {
    expect(
      verifyManifest(bytes, { ...descriptor, mediaType: 'application/json' }).descriptor.mediaType,
    ).toBe(mediaTypes.imageManifest);
  });

  test('describeManifest computes the descriptor that verifyManifest accepts', () => {
    const described = describeManifest(bytes, mediaTypes.dockerManifest);
    expect(described.descriptor).toEqual({
      ...describing(bytes),
      mediaType: mediaTypes.dockerManifest,
    });
    expect(verifyManifest(bytes, described.descriptor)).toEqual(described);
    expect(() => describeManifest(bytesOf('{}'))).toThrow(
      expect.objectContaining({ code: 'DOCUMENT_INVALID' }),
    );
  });
});

test('the empty descriptor is that of {}', () => {
  expect(describing(bytesOf('{}'))).toEqual({
    digest: emptyDescriptor.digest,
    size: emptyDescriptor.size,
  });
});
