import fc from 'fast-check';
import { expect, test } from 'vitest';

import { maxHeadBytes, parseHead } from './response-head.js';

const plain = 'HTTP/1.1 206 Partial Content\r\nContent-Length: 12\r\n';
const parse = (text: string): ReturnType<typeof parseHead> =>
  parseHead(Buffer.from(`${text}\r\n`, 'latin1'));

test('parses a plain head', () => {
  const head = parse(`${plain}Content-Range: bytes 0-11/20 \r\nSet-Cookie: a\r\nset-cookie: b\r\n`);
  expect(head).toEqual({
    status: 206,
    headers: {
      'content-length': '12',
      'content-range': 'bytes 0-11/20',
      'set-cookie': ['a', 'b'],
    },
    length: 12,
    end: 113,
    keepsAlive: true,
  });
});

test.each(['close', 'Close', 'foo, close'])('notices connection: %s', (value) => {
  expect(parse(`${plain}connection: ${value}\r\n`)).toMatchObject({ keepsAlive: false });
});

test.each([
  ['no length', 'HTTP/1.1 200 OK\r\n'],
  ['two lengths', `${plain}content-length: 13\r\n`],
  ['the same length twice', `${plain}content-length: 12\r\n`],
  ['a list of lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 12, 12\r\n'],
  ['a signed length', 'HTTP/1.1 200 OK\r\ncontent-length: +12\r\n'],
  ['a hexadecimal length', 'HTTP/1.1 200 OK\r\ncontent-length: 0x12\r\n'],
  ['an enormous length', `HTTP/1.1 200 OK\r\ncontent-length: ${'9'.repeat(16)}\r\n`],
  ['chunks', `${plain}transfer-encoding: chunked\r\n`],
  ['chunks in disguise', `${plain}Transfer-Encoding : chunked\r\n`],
  ['an empty transfer encoding', `${plain}transfer-encoding:\r\n`],
  ['a folded line', `${plain}x: y\r\n  z\r\n`],
  ['a line feed within a value', `${plain}x: y\nz: 1\r\n`],
  ['a carriage return within a value', `${plain}x: y\rz\r\n`],
  ['a null byte', `${plain}x: y\0\r\n`],
  ['a name with a blank', `${plain}x y: z\r\n`],
  ['a line without a colon', `${plain}xyz\r\n`],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 12\r\n'],
  ['HTTP/2', 'HTTP/2 200\r\ncontent-length: 12\r\n'],
  ['an interim answer', 'HTTP/1.1 100 Continue\r\n'],
  ['an interim answer with a length', 'HTTP/1.1 103 Hints\r\ncontent-length: 12\r\n'],
  ['204 with a length', 'HTTP/1.1 204 No Content\r\ncontent-length: 12\r\n'],
  ['304 with a length', 'HTTP/1.1 304 Not Modified\r\ncontent-length: 12\r\n'],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\ncontent-length: 12\r\n'],
  ['an empty line first', `\r\n${plain}`],
  ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
])('refuses %s', (_, text) => {
  expect(parse(text)).toBeUndefined();
});

test('a name from Object.prototype is only a name', () => {
  expect(parse(`${plain}constructor: x\r\n__proto__: y\r\n`)).toMatchObject({ length: 12 });
  expect(parse('HTTP/1.1 200 OK\r\n__proto__: 12\r\n')).toBeUndefined();
});

test('waits for a head that is cut, and no longer than for 16 KiB', () => {
  const bytes = Buffer.from(`${plain}\r\n`);
  for (let end = 0; end < bytes.byteLength; end += 1)
    expect(parseHead(bytes.subarray(0, end))).toBe('incomplete');
  expect(parseHead(Buffer.alloc(maxHeadBytes - 1, 'x'))).toBe('incomplete');
  expect(parseHead(Buffer.alloc(maxHeadBytes, 'x'))).toBeUndefined();
});

test('never throws, and reads no length but the one that is there', () => {
  const piece = fc.constantFrom(
    'HTTP/1.1 200 OK',
    '\r\n',
    '\n',
    '\r',
    'content-length: ',
    'Content-Length:5',
    '7',
    'transfer-encoding: chunked',
    ' ',
    'x: y',
    ':',
    '\0',
    'é',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const text = pieces.join('');
      const head = parseHead(Buffer.from(text, 'latin1'));
      if (!head || head === 'incomplete') return;
      const lengths = text.slice(0, head.end).match(/content-length/gi);
      expect(lengths).toHaveLength(1);
      expect(text.slice(0, head.end)).not.toMatch(/transfer-encoding/i);
    }),
  );
});
