import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { OciError, isOciError } from './index.js';
import { parseStrictJson } from './schemas.js';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const parse = (text: string): unknown => parseStrictJson(encode(text));

describe('agrees with JSON.parse', () => {
  test('on every JSON text without duplicate names', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'grapheme', maxDepth: 5 }), (text) => {
        fc.pre(!text.includes('__proto__'));
        expect(parse(text)).toEqual(JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  test('on whether a text is JSON at all', () => {
    const token = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"a"',
      '"b"',
      '"',
      '\\',
      '1',
      '-',
      'null',
      ' ',
      '\n',
    );
    const text = fc.array(token, { maxLength: 12 }).map((tokens) => tokens.join(''));
    fc.assert(
      fc.property(text, (candidate) => {
        const ours = attempt(() => parse(candidate));
        const theirs = attempt((): unknown => JSON.parse(candidate));
        if (isOciError(ours.error) && ours.error.message.includes('twice')) return;
        expect('value' in ours).toBe('value' in theirs);
        expect(ours.value).toEqual(theirs.value);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('refuses a name that comes twice', () => {
  test('however either is spelled, wherever the object is', () => {
    const name = fc
      .string({ unit: 'grapheme', maxLength: 6 })
      .filter((text) => text !== '__proto__');
    const others = fc.dictionary(
      fc.stringMatching(/^k[a-z]{1,5}$/),
      fc.jsonValue({ maxDepth: 2 }),
      { maxKeys: 3 },
    );
    const spelling = fc.constantFrom(JSON.stringify, escaped);
    const wrap = fc.constantFrom(
      (text: string) => text,
      (text: string) => `[0,${text}]`,
      (text: string) => `{"x":{"y":[{"z":1},${text}]},"w":"}"}`,
    );
    fc.assert(
      fc.property(
        name,
        others,
        fc.tuple(spelling, spelling),
        wrap,
        (text, rest, [first, second], inside) => {
          fc.pre(!JSON.stringify(rest).includes('__proto__') && !Object.hasOwn(rest, text));
          const members = Object.entries(rest).map(
            ([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`,
          );
          const object = `{${[`${first(text)}:1`, ...members, `${second(text)} : {"a":[]}`].join(' , ')}}`;
          expect(() => JSON.parse(inside(object)) as unknown).not.toThrow();
          expect(() => parse(inside(object))).toThrow(/twice in one object/);
        },
      ),
      { numRuns: 500 },
    );
  });

  test.each([
    '{"a":1,"a":1}',
    String.raw`{"a":1,"\u0061":1}`,
    String.raw`{"\u0061":1,"a":1}`,
    String.raw`{"/":1,"\/":1}`,
    String.raw`{"\u00e9":1,"é":1}`,
    String.raw`{"\u00E9":1,"\u00e9":1}`,
    String.raw`{"\ud83d\ude00":1,"😀":1}`,
    '{"":1,"":1}',
    '{"a":{},"b":[{"a":1}],"a":2}',
    '{"a":"{\\"a\\":1","a":2}',
    '{"a":"\\\\","a":2}',
    '{"a":1,"constructor":1,"constructor":1}',
    '[{"x":1},{"x":1,"y":{"z":1,"z":1}}]',
  ])('%s', (text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'DOCUMENT_INVALID' }));
    expect(() => parse(text)).toThrow(/twice in one object/);
  });

  test.each([
    '{"a":"a","b":"a"}',
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":1}]',
    '{"a":["a","a",{"a":"a"}],"b":1}',
    '{"a":1,"A":1,"á":1,"a\u0301":1}',
    String.raw`{"a":"\"a\":1,\"a\":1"}`,
    String.raw`{"a\\":1,"a":1,"\"a":1}`,
    '{"constructor":1,"toString":1,"hasOwnProperty":1}',
  ])('but not %s', (text) => {
    expect(parse(text)).toEqual(JSON.parse(text));
  });

  test('and shows no more than the beginning of a long one', () => {
    const name = JSON.stringify('n'.repeat(100_000));
    expect(attempt(() => parse(`{${name}:1,${name}:2}`)).error?.message.length).toBeLessThan(200);
  });
});

describe('refuses', () => {
  test.each(['{"__proto__":1}', '{"a":[{"__proto__":{"x":1}}]}', String.raw`{"\u005f_proto__":1}`])(
    'the name __proto__ in %s',
    (text) => {
      expect(() => parse(text)).toThrow(/__proto__/);
    },
  );

  test.each([
    ['a byte order mark', [0xef, 0xbb, 0xbf, 0x7b, 0x7d]],
    ['a byte that is not UTF-8', [0x22, 0xff, 0x22]],
    ['an overlong encoding', [0x22, 0xc0, 0xaf, 0x22]],
    ['an encoded surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a truncated character', [0x22, 0xe2, 0x82, 0x22]],
    ['UTF-16', [0x7b, 0x00, 0x7d, 0x00]],
    ['nothing', []],
    ['a raw control character', [0x22, 0x0a, 0x22]],
    ['a NUL behind the value', [0x7b, 0x7d, 0x00]],
  ])('%s', (_what, bytes) => {
    expect(() => parseStrictJson(new Uint8Array(bytes))).toThrow(
      expect.objectContaining({ code: 'DOCUMENT_INVALID' }),
    );
  });

  test('a document that is nested more than 64 deep, of arrays and of objects', () => {
    expect(parse('['.repeat(64) + ']'.repeat(64))).toBeDefined();
    expect(() => parse('['.repeat(65) + ']'.repeat(65))).toThrow(/nested/);
    expect(() => parse('{"a":'.repeat(64) + '{}' + '}'.repeat(64))).toThrow(/nested/);
  });

  test('a bomb of brackets before anything is built of it', () => {
    expect(() => parse('['.repeat(2_000_000) + ']'.repeat(2_000_000))).toThrow(/nested/);
    expect(() => parse('['.repeat(4_000_000))).toThrow(/nested/);
  });
});

describe('long documents are read in one pass', () => {
  const long = 3 * 1024 * 1024;

  test.each([
    ['a plain string', 'x'.repeat(long)],
    ['a string of quotes', '"'.repeat(long / 2)],
    ['a string of backslashes', '\\'.repeat(long / 2)],
    ['a string of brackets and commas', '{"a":[,'.repeat(long / 8)],
    ['a string of characters beyond the first plane', '😀'.repeat(long / 4)],
  ])('%s of 3 MiB', (_what, text) => {
    expect(parse(JSON.stringify({ a: text, b: [text.length] }))).toEqual({
      a: text,
      b: [text.length],
    });
  });

  test('a name of 3 MiB', () => {
    const name = 'n'.repeat(long);
    expect(parse(JSON.stringify({ [name]: 1 }))).toEqual({ [name]: 1 });
  });

  test('a string without an end', () => {
    expect(() => parse(`{"a":"${'x'.repeat(long)}`)).toThrow(/not JSON/);
    expect(() => parse(`"${'\\'.repeat(long)}`)).toThrow(/not JSON/);
  });

  test('a million empty objects, and an object of 200000 names', () => {
    expect(parse(`[${'{},'.repeat(1_000_000)}{}]`)).toHaveLength(1_000_001);
    const members = Array.from({ length: 200_000 }, (_, index) => `"k${index}":${index}`).join(',');
    expect(Object.keys(parse(`{${members}}`) as object)).toHaveLength(200_000);
    expect(() => parse(`{${members},"k199999":0}`)).toThrow(/"k199999" twice/);
  });
});

/** A JSON string in which every character is an escape. */
function escaped(text: string): string {
  const units = Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
  return `"${units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')}"`;
}

function attempt(work: () => unknown): { value?: unknown; error?: Error } {
  try {
    return { value: work() };
  } catch (error) {
    if (!(error instanceof OciError) && !(error instanceof SyntaxError)) throw error;
    return { error };
  }
}
