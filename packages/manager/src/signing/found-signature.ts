import type { Bundle } from '@sigstore/bundle';
import type { Digest, OciError, ReadableRepository, ReferrerLister } from '@oci/spec-types';

/** Where a signature is kept: in a bundle that refers to the artifact, or under a tag made of its digest. */
export type SignatureForm = 'bundle' | 'cosign-tag';

export interface SignaturePlace {
  readonly form: SignatureForm;
  /** Of the manifest that holds it. */
  readonly manifest: Digest;
}

export interface FoundSignature extends SignaturePlace {
  readonly signature: Uint8Array;
  /** What the signature is over. */
  readonly bytes: Uint8Array;
  /** With a certificate, or the name of a key. */
  readonly bundle: Bundle | undefined;
  /** What the bundle's message signature is over. */
  readonly artifact: Buffer | undefined;
  /** The in-toto statement that a bundle holds; undefined for what holds none. */
  readonly statement: Uint8Array | undefined;
  /** To be called after the signature was verified. @throws Error that says what it is about instead */
  ensureAbout(digest: Digest): void;
}

export interface UnreadableSignature extends SignaturePlace {
  readonly reason: string;
}

/** Signatures that could not be read, so that nobody knows whether there is a good one among them. */
export interface UnreadPlace {
  readonly form: SignatureForm;
  readonly error: OciError;
  /** Whether the registry may mean that there is nothing (Artifactory's 403 for a tag that is not there). */
  readonly mayBeMissing: boolean;
}

export type SignatureSource = ReadableRepository & Partial<ReferrerLister>;

/** What a search comes upon. */
export type Found = FoundSignature | UnreadableSignature | UnreadPlace;
