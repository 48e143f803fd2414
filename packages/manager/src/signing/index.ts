export type { TrustQuestion } from '../trust-gate.js';
export {
  type FingerprintedAuthority,
  type TrustRequirement,
  type TrustRule,
  trustRuleFor,
} from '../trust-policy.js';
export type { AttestationConditions } from './attestation-conditions.js';
export { type AttestOptions, type AttestedArtifact, attestArtifact } from './attest-artifact.js';
export { type Examined, type TrustExplanation, explainTrust } from './explain-trust.js';
export type { IdentityRule } from './identity-pattern.js';
export { type CertificateIdentity, type KeylessVerifier, keylessVerifier } from './keyless.js';
export { parsePredicateType, predicateTypes } from './predicate-type.js';
export type { Provenance } from './provenance.js';
export { type SignOptions, type SignedArtifact, signArtifact } from './sign-artifact.js';
export type { SignatureForm, SignatureSource } from './found-signature.js';
export {
  type KeyPair,
  type PublicKey,
  type SigningKey,
  generateKeyPair,
  readPublicKey,
  readSigningKey,
} from './signing-key.js';
export {
  type AttestationVerification,
  type RejectedAttestation,
  type VerifiedAttestation,
  type VerifyAttestationsOptions,
  verifyAttestations,
} from './verify-attestations.js';
export { type RequiredAttestation, type TrustDemand, verifyTrust } from './verify-trust.js';
export {
  type Authority,
  type RejectedSignature,
  type Signer,
  type Verification,
  type VerifiedSignature,
  verifySignatures,
} from './verify-signatures.js';
