export {
  type Credential,
  type CredentialSource,
  chainCredentials,
  staticCredentials,
} from './credentials/credential.js';
export { type DockerConfigOptions, dockerConfigCredentials } from './credentials/docker-config.js';
export { type Registry, type RegistryOptions, createRegistry } from './registry.js';
export { type RegistryAddress, parseRegistryAddress } from './registry-address.js';
export { type RemoteOptions } from './repository/endpoint.js';
export { RemoteRepository } from './repository/remote-repository.js';
export { type BodyLimits, defaultLimits } from './transport/bounded-body.js';
export { type RetryPolicy, defaultRetryPolicy } from './transport/retry.js';
export { type Timeouts, defaultTimeouts } from './transport/send.js';
