import { isExactVersion } from '@oci/spec-types';
import { nearest } from '@oci/spec-types/text';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { defaultFreshness, isFresh } from './freshness.js';
import { compareVersions } from './version-order.js';

describe('compareVersions', () => {
  it('orders by precedence, and puts what is no version last', () => {
    const shuffled = ['latest', '1.10.0', 'v1.2.0', '1.0.0', 'edge', '1.0.0-rc.1', '1.0.0+b'];
    expect(shuffled.sort(compareVersions)).toEqual([
      '1.0.0-rc.1',
      '1.0.0',
      '1.0.0+b',
      'v1.2.0',
      '1.10.0',
      'edge',
      'latest',
    ]);
  });

  it('is an order', () => {
    const text = fc.oneof(
      fc.string(),
      fc.tuple(fc.nat(9), fc.nat(9), fc.nat(9)).map((parts) => parts.join('.')),
    );
    fc.assert(
      fc.property(text, text, text, (a, b, c) => {
        expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0);
        const chained = compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0;
        expect(chained && compareVersions(a, c) > 0).toBe(false);
      }),
    );
  });
});

describe('freshness', () => {
  it('knows exact versions from tags that move', () => {
    for (const tag of ['1.0.0', 'v1.2.3', '1.0.0-rc.1', '1.0.0_build.5'])
      expect(isExactVersion(tag)).toBe(true);
    for (const tag of ['latest', '1', '1.2', 'main', '1.0.0.0'])
      expect(isExactVersion(tag)).toBe(false);
  });

  it('asks again when the clock went backwards', () => {
    const policy = { ...defaultFreshness, movingTagTtlMs: 1000 };
    expect(isFresh(policy, { tag: 'latest', resolvedAt: 500 }, 1000)).toBe(true);
    expect(isFresh(policy, { tag: 'latest', resolvedAt: 5000 }, 1000)).toBe(false);
    expect(isFresh(policy, { tag: 'latest', resolvedAt: 0 }, 1000)).toBe(false);
    expect(isFresh(policy, { tag: '1.0.0', resolvedAt: 0 }, 1e12)).toBe(true);
  });
});

describe('nearest', () => {
  it('gives the most alike first, and leaves out what is not alike', () => {
    expect(nearest('1.0.3', ['9.9.99-x', '1.0.0', '1.0.30'])).toEqual(['1.0.0', '1.0.30']);
  });
});
