import { describe, expect, it } from 'vitest';

import { TextStream } from '../terminal.js';
import { bars } from './bars.js';
import { fields, stack } from './fields.js';
import { type Page, fitted, pageOf, wrapped } from './page.js';
import { stringWidth } from './string-width.js';
import { ageText, durationText, numberOf, shortDigest, sizeText } from './quantity.js';
import { table } from './table.js';
import { tree } from './tree.js';

const page = (width: number, over: Partial<Page> = {}): Page => ({
  width,
  colors: false,
  unicode: true,
  ...over,
});

it.each([
  [0, '0 versions'],
  [1, '1 version'],
  [2, '2 versions'],
])('counts %i as %s', (number, text) => {
  expect(numberOf(number, 'version')).toBe(text);
});

describe('a table', () => {
  const listing = table(
    [
      { heading: 'NAME', shrinksTo: 8 },
      { heading: 'SIZE', align: 'right' },
      { heading: 'CREATED', leaves: 1 },
      { heading: 'DIGEST', shrinksTo: 12, keeps: 'ends', leaves: 2 },
    ],
    [
      ['a-package-with-a-long-name', '1.3 MB', '2025-10-06', `sha256:${'0123456789ab'.repeat(2)}`],
      ['b', '12 kB', '5 min ago', `sha256:${'f'.repeat(24)}`],
    ],
  );

  it('is as wide as its cells where there is room, and where nobody looks', () => {
    expect(listing(page(Number.POSITIVE_INFINITY))).toBe(
      [
        'NAME                          SIZE  CREATED     DIGEST',
        'a-package-with-a-long-name  1.3 MB  2025-10-06  sha256:0123456789ab0123456789ab',
        'b                            12 kB  5 min ago   sha256:ffffffffffffffffffffffff',
      ].join('\n'),
    );
    expect(listing(page(200))).toBe(listing(page(Number.POSITIVE_INFINITY)));
  });

  it('shortens what gives way, the widest first', () => {
    expect(listing(page(60))).toBe(
      [
        'NAME                 SIZE  CREATED     DIGEST',
        'a-package-with-a…  1.3 MB  2025-10-06  sha256:012…23456789ab',
        'b                   12 kB  5 min ago   sha256:fff…ffffffffff',
      ].join('\n'),
    );
  });

  it('leaves out columns, the least important first, when that is not enough', () => {
    expect(listing(page(40)).split('\n')[0]).toMatch(/^NAME +SIZE  CREATED$/);
    expect(listing(page(24)).split('\n')[0]).toMatch(/^NAME +SIZE$/);
  });

  it.each([20, 24, 30, 40, 50, 60, 79, 80, 120, 200])('fits %i columns', (width) => {
    for (const line of listing(page(width)).split('\n'))
      expect(stringWidth(line)).toBeLessThanOrEqual(width);
  });

  it('shows no control character that a registry sent', () => {
    expect(table(['TAG'], [['\u001b]0;owned\u0007evil\u202e']])(page(80))).toBe(
      'TAG\n\\u001b]0;owned\\u0007evil\\u202e',
    );
  });
});

describe('a tree', () => {
  const drawing = tree({
    label: 'root',
    note: '3 referrers',
    children: [{ label: 'a', children: [{ label: 'a1' }, { label: 'a2' }] }, { label: 'b' }],
  });

  it('joins children to their parents', () => {
    expect(drawing(page(80))).toBe('root  3 referrers\n├── a\n│   ├── a1\n│   └── a2\n└── b');
  });

  it('is drawn in ASCII where nothing else is understood', () => {
    expect(drawing(page(80, { unicode: false }))).toBe(
      'root  3 referrers\n|-- a\n|   |-- a1\n|   `-- a2\n`-- b',
    );
  });
});

describe('bars', () => {
  const drawing = bars([
    { label: 'kcl', value: 100, text: '100 B' },
    { label: 'extensions', value: 1, text: '1 B' },
    { label: 'none', value: 0, text: '0 B' },
  ]);

  it('are as long as their values, and seen when there is something', () => {
    expect(drawing(page(80))).toBe(
      `kcl         100 B  ${'█'.repeat(40)}\nextensions    1 B  ▍\nnone          0 B`,
    );
  });

  it('give way to the values on a narrow page', () => {
    expect(drawing(page(20))).toBe('kcl         100 B\nextensions    1 B\nnone          0 B');
  });
});

describe('fields', () => {
  it('are aligned, also with wide characters, and stack with an empty line between', () => {
    const drawing = stack(
      fields([
        ['名前', 'core'],
        ['digest', 'sha256:0'],
      ]),
      'end',
    );
    expect(drawing(page(80))).toBe('名前    core\ndigest  sha256:0\n\nend');
  });
});

describe('a page', () => {
  const terminal = Object.assign(Object.create(process.stdout) as NodeJS.WriteStream, {
    isTTY: true as const,
    columns: 120,
  });

  it.each([
    [{}, { width: 120, colors: true, unicode: true }],
    [{ NO_COLOR: '1' }, { width: 120, colors: false, unicode: true }],
    [{ TERM: 'dumb' }, { width: 120, colors: false, unicode: false }],
    [{ LANG: 'C' }, { width: 120, colors: true, unicode: false }],
    [
      { LANG: 'C', LC_ALL: 'en_US.UTF-8' },
      { width: 120, colors: true, unicode: true },
    ],
  ])('of a terminal with %j is %j', (env, expected) => {
    expect(pageOf(new TextStream(terminal), env)).toEqual(expected);
  });

  it('has no end where nobody looks', () => {
    const pipe = Object.assign(Object.create(process.stdout) as NodeJS.WriteStream, {
      isTTY: false,
    });
    expect(pageOf(new TextStream(pipe), {})).toMatchObject({
      width: Number.POSITIVE_INFINITY,
      colors: false,
    });
  });
});

describe('text', () => {
  it('gives way at its end or in its middle, by columns and not by characters', () => {
    expect(fitted('abcdefgh', 5, { unicode: true })).toBe('abcd…');
    expect(fitted('abcdefgh', 5, { unicode: true, keep: 'ends' })).toBe('ab…gh');
    expect(fitted('日本語日本語', 6, { unicode: true })).toBe('日本…');
    expect(fitted('abcdefgh', 5, { unicode: false })).toBe('abc..');
  });

  it.each([
    ['abc', 3],
    ['日本', 4],
    ['e\u0301', 1],
    ['👩‍👩‍👧', 2],
    ['✓ ok', 4],
    ['\u001b[31mred\u001b[39m', 3],
    ['❤️', 2],
    ['\uff76\uff9e', 2],
    ['\u0928\u093f', 2],
    ['', 0],
  ])('%s takes %i columns', (text, width) => {
    expect(stringWidth(text)).toBe(width);
  });

  it('is broken between words, where a long word stays whole', () => {
    expect(wrapped('error: one two three', { width: 12 })).toBe('error: one\n  two three');
    expect(wrapped('go to https://registry.example/v2/', { width: 12 })).toBe(
      'go to\n  https://registry.example/v2/',
    );
    expect(wrapped('as it is', { width: Number.POSITIVE_INFINITY })).toBe('as it is');
  });
});

describe('quantities', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1340, '1.34 kB'],
    [12_345_678, '12.3 MB'],
  ])('%i bytes are %s', (bytes, text) => {
    expect(sizeText(bytes)).toBe(text);
  });

  it.each([
    [400, '0.4 s'],
    [9_960, '10 s'],
    [59_400, '59 s'],
    [60_000, '1 min'],
    [185_000, '3 min 5 s'],
    [2 * 3_600_000 + 7 * 60_000, '2 h 7 min'],
  ])('%i milliseconds are %s', (milliseconds, text) => {
    expect(durationText(milliseconds)).toBe(text);
  });

  it.each([
    ['2026-01-31T12:00:00Z', '0 s ago'],
    ['2026-01-31T11:55:00Z', '5 min ago'],
    ['2026-01-31T02:00:00Z', '10 h ago'],
    ['2026-01-21T12:00:00Z', '10 d ago'],
    ['2025-10-06T12:00:00Z', '2025-10-06'],
    ['2027-01-01T00:00:00Z', '2027-01-01'],
    ['nonsense', '-'],
  ])('%s was %s', (then, text) => {
    expect(ageText(new Date(then), new Date('2026-01-31T12:00:00Z'))).toBe(text);
  });

  it('a digest is told by its first twelve digits', () => {
    expect(shortDigest(`sha256:${'ab'.repeat(32)}`)).toBe('sha256:abababababab');
  });
});
