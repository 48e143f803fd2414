export {
  S3ObjectStore,
  type S3ObjectStoreOptions,
  createS3ObjectStore,
} from './s3-object-store.js';
