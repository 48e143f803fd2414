export type { AuthFileLocation } from './auth-file-path.js';
export {
  type Credential,
  type CredentialAsk,
  type CredentialReport,
  type CredentialSource,
  type HelperFailurePolicy,
  chainCredentials,
  reportCredential,
  staticCredentials,
} from './credential.js';
export {
  type DockerConfigOptions,
  dockerConfigCredentials,
  dockerConfigHeaders,
  helperCredentials,
} from './docker-config.js';
export { type EnvironmentTokenOptions, environmentToken } from './environment-token.js';
export { type LoginOptions, type LoginResult, type LogoutResult, login, logout } from './login.js';
