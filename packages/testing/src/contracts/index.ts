export { type DeletionUnderTest, deletionContract } from './deletion-contract.js';
export { describePeer } from './describe-peer.js';
export { type MountUnderTest, mountContract } from './mount-contract.js';
export { type ObjectStoreUnderTest, objectStoreContract } from './object-store-contract.js';
export { type ReferrersUnderTest, referrersContract } from './referrers-contract.js';
export { type RepositoryUnderTest, repositoryContract } from './repository-contract.js';
