export {
  type RegistryErrorBody,
  type RegistryErrorCode,
  parseRegistryErrors,
  registryErrorBodySchema,
  registryErrorCodes,
} from './registry-error.js';
export {
  type ManifestReference,
  type Page,
  type RegistryRoute,
  type UploadStart,
  parseRegistryPath,
  registryPaths,
} from './registry-url.js';
export { parseRetryAfter } from './retry-after.js';
