import { parseRepositoryName } from '@oci/spec-types';
import { startRegistry } from '@oci/testing';
import { repositoryContract } from '@oci/testing/contracts';

import { staticCredentials } from '../credentials/credential.js';
import { createRegistry } from '../registry.js';

const user = { username: 'tester', password: 'secret' };

for (const [title, options] of [
  ['a registry', {}],
  [
    'a registry with a token server, small pages and whole locations',
    { auth: { bearer: user }, pageSize: 3, locations: 'absolute' },
  ],
] as const) {
  repositoryContract(title, async () => {
    const registry = await startRegistry(options);
    const client = createRegistry({
      url: registry.url,
      credentials: staticCredentials(registry.host, { kind: 'password', ...user }),
      retry: { delay: async () => {} },
    });
    return {
      repository: client.repository(parseRepositoryName('contract/test')),
      close: async () => {
        await client.close();
        await registry.close();
      },
    };
  });
}
