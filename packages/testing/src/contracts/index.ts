export { describePeer } from './describe-peer.js';
export { type ObjectStoreUnderTest, objectStoreContract } from './object-store-contract.js';
export { type RepositoryUnderTest, repositoryContract } from './repository-contract.js';
