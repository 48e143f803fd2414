import fc from 'fast-check';
import { expect, test } from 'vitest';

import { plainHead } from './answer-head.js';

const plain =
  'HTTP/1.1 206 Partial Content\r\nDate: x\r\nContent-Length: 300000\r\netag: "1"\r\n\r\nbody';

test('finds the length and the beginning of a large body', () => {
  const head = plainHead(Buffer.from(plain));
  expect(head).toMatchObject({ size: 300_000, end: plain.length - 4 });
  expect(plain.slice(head?.digits.start, head?.digits.end)).toBe('300000');
});

test.each([
  ['is not whole', plain.slice(0, -5)],
  ['of another status', plain.replace('206', '307')],
  ['of HTTP/1.0', plain.replace('HTTP/1.1', 'HTTP/1.0')],
  ['of a small body', plain.replace('300000', '200000')],
  ['without a length', plain.replace('Content-Length', 'Content-Lengths')],
  ['with a length that is no number', plain.replace('300000', '300000, 300000')],
  ['with two lengths', plain.replace('etag: "1"', 'content-length: 300000')],
  ['with a transfer coding', plain.replace('etag: "1"', 'Transfer-Encoding: chunked')],
  ['with a name of ours', plain.replace('etag', 'X-Oci-Tapped-Body')],
  ['behind an interim answer', `HTTP/1.1 103 Early Hints\r\n\r\n${plain}`],
  ['with a length in a folded line', plain.replace('\r\nContent', '\r\n Content')],
])('leaves an answer to others whose head is %s', (_, text) => {
  expect(plainHead(Buffer.from(text))).toBeUndefined();
});

test('takes nothing for plain that is not', () => {
  const line = fc.constantFrom(
    'a: b',
    'content-length: 300000',
    'transfer-encoding: x',
    'HTTP/1.1 200 OK',
  );
  fc.assert(
    fc.property(fc.array(line), fc.string(), (lines, rest) => {
      const text = ['HTTP/1.1 200 OK', ...lines, '', rest].join('\r\n');
      const lengths = lines.filter((each) => each.startsWith('content-length'));
      const isPlain = lengths.length === 1 && !lines.some((each) => each.startsWith('transfer'));
      expect(plainHead(Buffer.from(text)) !== undefined).toBe(isPlain);
    }),
  );
});
