export {
  Verifier,
  describeManifest,
  digestOf,
  embeddedContent,
  verified,
  verifyBytes,
  verifyManifest,
} from './verify.js';
