import { parseRepositoryName } from '@oci/spec-types';
import { type RegistryOptions, startRegistry } from '@oci/testing';
import {
  deletionContract,
  mountContract,
  referrersContract,
  repositoryContract,
} from '@oci/testing/contracts';

import { staticCredentials } from '../credentials/credential.js';
import { createRegistry } from '../registry.js';
import type { RemoteRepository } from './remote-repository.js';

const user = { username: 'tester', password: 'secret' };
const otherName = parseRepositoryName('contract/other');

interface Made {
  readonly repository: RemoteRepository;
  readonly other: RemoteRepository;
  readonly otherName: typeof otherName;
  readonly close: () => Promise<void>;
}

function maker(options: RegistryOptions): () => Promise<Made> {
  return async () => {
    const registry = await startRegistry(options);
    const client = createRegistry({
      url: registry.url,
      credentials: staticCredentials(registry.host, { kind: 'password', ...user }),
      retry: { delay: async () => {} },
    });
    return {
      repository: client.repository(parseRepositoryName('contract/test')),
      other: client.repository(otherName),
      otherName,
      close: async () => {
        await client.close();
        await registry.close();
      },
    };
  };
}

const strict: RegistryOptions = { auth: { bearer: user }, pageSize: 3, locations: 'absolute' };

for (const [title, options] of [
  ['a registry', {}],
  ['a registry with a token server, small pages and whole locations', strict],
] as const) {
  repositoryContract(title, maker(options));
  deletionContract(title, maker(options));
  mountContract(title, maker(options));
  referrersContract(title, maker(options));
}

referrersContract('a registry without the referrers API', maker({ referrers: false }));
referrersContract('a registry that does not filter', maker({ referrers: 'unfiltered' }));
deletionContract('a registry without the referrers API', maker({ referrers: false }));
