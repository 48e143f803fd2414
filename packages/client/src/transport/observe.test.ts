import { parseRepositoryName } from '@oci/spec-types';
import { guideArtifact, startRegistry } from '@oci/testing';
import { expect, test } from 'vitest';

import { createRegistry } from '../registry.js';

test('an observer hears of every attempt, retries included, and never of a query', async () => {
  const upstream = await startRegistry();
  upstream.putArtifact('kcl/demo', '1.0.0', guideArtifact({ version: '1.0.0', files: {} }));
  upstream.fault({ path: '/tags/list', status: 503, times: 1 });
  const heard: string[] = [];
  const registry = createRegistry({
    url: upstream.url,
    retry: { attempts: 2, baseDelayMs: 1 },
    observer: ({ method, url, host }) => {
      expect(new URL(upstream.url).host).toBe(host);
      return (outcome) =>
        heard.push(`${method} ${url.slice(upstream.url.length)} ${JSON.stringify(outcome)}`);
    },
  });
  for await (const _ of registry.repository(parseRepositoryName('kcl/demo')).listTags());
  expect(heard).toEqual([
    'GET /v2/kcl/demo/tags/list {"status":503}',
    'GET /v2/kcl/demo/tags/list {"status":200}',
  ]);
  await upstream.close();
  const ping = registry.ping();
  await expect(ping).rejects.toMatchObject({ code: 'NETWORK' });
  expect(heard.at(-1)).toBe('GET /v2/ {"code":"NETWORK"}');
  await registry.close();
});
