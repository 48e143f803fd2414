import { parseRegistryHost, parseRepositoryName } from '@oci/spec-types';
import { temporaryDirectory } from '@oci/testing';
import { referrersContract, repositoryContract } from '@oci/testing/contracts';

import { openCache } from './cache.js';

const make = async () => {
  const directory = await temporaryDirectory();
  const cache = await openCache(directory.path, { fsync: false });
  const repository = cache.repository({
    registry: parseRegistryHost('localhost:5000'),
    repository: parseRepositoryName('team/app'),
  });
  return { repository, close: directory.remove };
};

repositoryContract('a cache', make);
referrersContract('a cache', make);
