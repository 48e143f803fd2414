export { forEachConcurrent } from './concurrency.js';
export { creationTime, isSameButCreated } from './creation-time.js';
export { isLoopback } from './loopback.js';
export { type ReadBytesOptions, readBytes } from './read-bytes.js';
export {
  Verifier,
  describeManifest,
  digestOf,
  embeddedContent,
  verified,
  verifyBytes,
  verifyManifest,
} from './verify.js';
