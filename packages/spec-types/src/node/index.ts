export { Verifier, describeManifest, digestOf, verified, verifyBytes, verifyManifest } from './verify.js';
