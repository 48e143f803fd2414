import { deletionContract, referrersContract, repositoryContract } from '@oci/testing/contracts';

import { MemoryRepository } from './memory-repository.js';

const make = async () => ({ repository: new MemoryRepository(), close: async () => {} });

repositoryContract('memory', make);
referrersContract('memory', make);
deletionContract('memory', make);
