export { type S3Deadlines } from './deadlines.js';
export { type S3ConnectionOptions } from './s3-connection.js';
export {
  S3ObjectStore,
  type S3ObjectStoreOptions,
  createS3ObjectStore,
} from './s3-object-store.js';
export type { ServiceTime } from './service-facts.js';
