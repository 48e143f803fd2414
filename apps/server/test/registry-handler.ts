import type { RequestListener } from 'node:http';

import { Access } from '../src/access/access.js';
import { ArtifactIndex } from '../src/artifact-index.js';
import type { HostedRegistry } from '../src/hosted/hosted-registry.js';
import { Gate } from '../src/http/gate.js';
import { Metrics } from '../src/metrics/metrics.js';
import { createRegistryApi } from '../src/registry-api/registry-api.js';

/** The registry API of a server without rules, over a registry of the test's. */
export function registryHandler(
  hosted: HostedRegistry,
  onDefect: (error: unknown) => void = () => {},
): RequestListener {
  const metrics = new Metrics({
    cache: async () => undefined,
    jobs: () => ({ queued: 0, running: 0 }),
    audit: () => undefined,
    quotas: async () => [],
    collectedAt: async () => undefined,
    verifiedAt: async () => undefined,
    events: () => ({ count: 0, bytes: 0, oldestAt: undefined }),
  });
  const access = new Access();
  const parts = {
    gate: new Gate({ access: () => access, rate: () => undefined, audit: undefined, metrics }),
    audit: undefined,
    metrics,
    index: new ArtifactIndex({ list: async () => [] }),
    hosted,
    maxUploadBytes: () => 10_000_000,
    isSparseAllowed: () => false,
    onDefect,
  };
  const api = createRegistryApi({ parts, realm: () => 'http://localhost/token' });
  return (request, response) => void api(request, response);
}
