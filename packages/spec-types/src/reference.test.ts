import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { texts, vectors } from '../test-vectors.js';
import {
  OciError,
  type Reference,
  type RegistryHost,
  formatReference,
  isRepositoryName,
  isTag,
  networkHost,
  parseDigest,
  parseReference,
  parseRegistryHost,
  withDefaultTag,
} from './index.js';

describe('parseRegistryHost', () => {
  test.each(vectors('registry-host-valid'))('%j is the host %s', (text, host) => {
    expect(parseRegistryHost(text ?? '')).toBe(host);
    expect(parseRegistryHost(host ?? '')).toBe(host);
  });

  test.each(texts('registry-host-invalid'))('%j is no host', (text) => {
    expect(() => parseRegistryHost(text)).toThrow(
      expect.objectContaining({ code: 'REFERENCE_INVALID' }),
    );
  });

  test('a host is the one that a URL goes to', () => {
    const text = fc.string({
      unit: fc.constantFrom(...'aFx017.-:[]@/\\%'.split('')),
      maxLength: 14,
    });
    fc.assert(
      fc.property(text, (candidate) => {
        const host = attempt(() => parseRegistryHost(candidate));
        if (host instanceof OciError || host === 'docker.io') return;
        const url = new URL(`ws://${host}/v2/`);
        expect([url.host, `${url.host}:80`]).toContain(host);
      }),
    );
  });
});

describe('parseReference', () => {
  test.each(vectors('reference-valid'))('%j is %s', (text, normalised) => {
    expect(formatReference(parseReference(text ?? ''))).toBe(normalised);
    expect(formatReference(parseReference(normalised ?? ''))).toBe(normalised);
  });

  test.each(texts('reference-invalid'))('%j is no reference', (text) => {
    const error = attempt(() => parseReference(text));
    expect(error).toBeInstanceOf(OciError);
    expect(['REFERENCE_INVALID', 'DIGEST_INVALID']).toContain((error as OciError).code);
    expect((error as OciError).hint).toBeTruthy();
  });

  test('keeps both the tag and the digest (GHSA-qv35-3gw6-8q4j)', () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    expect(parseReference(`ghcr.io/team/app:1.0@${digest}`)).toEqual({
      registry: 'ghcr.io',
      repository: 'team/app',
      tag: '1.0',
      digest,
    });
  });

  test('says of a URL that the scheme is too much, and does not show its password', () => {
    const error = attempt(() => parseReference('https://user:secret@ghcr.io/team/app')) as OciError;
    expect(error.hint).toContain('https://');
    expect(error.message).not.toContain('secret');
  });

  test('any text is a reference or an OciError', () => {
    const text = fc.oneof(
      fc.string({ unit: fc.constantFrom(...'aA0./:@[]_-%\0\n'.split('')) }),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(text, (candidate) => {
        const result = attempt(() => parseReference(candidate));
        if (result instanceof OciError) return;
        expect(parseReference(formatReference(result))).toEqual(result);
      }),
    );
  });
});

describe('formatReference', () => {
  const label = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
  const host = fc
    .oneof(
      fc.domain(),
      label,
      fc.constantFrom('localhost', '127.0.0.1', '[::1]', '[2001:db8::1]', 'docker.io'),
      fc.ipV6().map((address) => `[${address}]`),
    )
    .chain((name) =>
      fc
        .option(fc.integer({ min: 1, max: 65_535 }))
        .map((port) => (port === null ? name : `${name}:${port}`)),
    )
    .map((text) => attempt(() => parseRegistryHost(text)))
    .filter((result): result is RegistryHost => typeof result === 'string');
  const component = fc.stringMatching(/^[a-z0-9]{1,8}((\.|_|__|-{1,3})[a-z0-9]{1,8}){0,2}$/);
  const repository = fc
    .array(component, { minLength: 1, maxLength: 4 })
    .map((parts) => parts.join('/'))
    .filter(isRepositoryName);
  const tag = fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}$/).filter(isTag);
  const digest = fc.stringMatching(/^[a-f0-9]{64}$/).map((hex) => parseDigest(`sha256:${hex}`));
  const reference = fc
    .record({ registry: host, repository, tag: fc.option(tag), digest: fc.option(digest) })
    .map((parts): Reference => ({
      registry: parts.registry,
      // On Docker Hub there are no names of one component.
      repository: (parts.registry === 'docker.io' && !parts.repository.includes('/')
        ? `library/${parts.repository}`
        : parts.repository) as Reference['repository'],
      ...(parts.tag !== null && { tag: parts.tag }),
      ...(parts.digest !== null && { digest: parts.digest }),
    }));

  test('parsing what it gives is the same reference', () => {
    fc.assert(
      fc.property(reference, (value) => {
        expect(parseReference(formatReference(value))).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });

  test('a host of one word does not become a part of a name on Docker Hub', () => {
    const registry = parseRegistryHost('registry');
    const value = { ...parseReference('ghcr.io/team/app:1'), registry };
    expect(formatReference(value)).toBe('REGISTRY/team/app:1');
    expect(parseReference(formatReference(value)).registry).toBe('registry');
  });
});

test.each([
  ['ghcr.io/app', 'latest'],
  ['ghcr.io/app:1', '1'],
  [`ghcr.io/app@sha256:${'0'.repeat(64)}`, undefined],
  [`ghcr.io/app:1@sha256:${'0'.repeat(64)}`, '1'],
])('the default tag is for references that have neither tag nor digest: %s', (text, tag) => {
  expect(withDefaultTag(parseReference(text)).tag).toBe(tag);
});

test.each([
  ['docker.io', 'registry-1.docker.io'],
  ['index.docker.io', 'registry-1.docker.io'],
  ['ghcr.io', 'ghcr.io'],
  ['localhost:5000', 'localhost:5000'],
])('%s is reached at %s', (registry, host) => {
  expect(networkHost(parseRegistryHost(registry))).toBe(host);
});

function attempt<T>(work: () => T): T | OciError {
  try {
    return work();
  } catch (error) {
    if (error instanceof OciError) return error;
    throw error;
  }
}
