import { parseRepositoryName, parseTag } from '@oci/spec-types';
import { kclPackage, startRegistry } from '@oci/testing';
import { expect, test } from 'vitest';

import { createRegistry } from '../registry.js';

test('a signal that many calls share is not warned of as a leak', async () => {
  await using server = await startRegistry();
  const name = parseRepositoryName('kcl/demo');
  const tag = parseTag('1.0.0');
  server.putArtifact(name, tag, kclPackage({ name: 'demo', version: '1.0.0' }));
  const registry = createRegistry({ url: server.url, pace: { metadata: 4 } });
  const { signal } = new AbortController();
  const warnings: Error[] = [];
  const listen = (warning: Error): void => void warnings.push(warning);
  process.on('warning', listen);
  const repository = registry.repository(name);
  await Promise.all(Array.from({ length: 40 }, () => repository.fetch(tag, { signal })));
  await registry.close();
  process.off('warning', listen);
  expect(warnings).toEqual([]);
});
