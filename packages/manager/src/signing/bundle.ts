import { type Bundle, bundleFromJSON } from '@sigstore/bundle';
import type { Annotations } from '@oci/spec-types';
import { parseStrictJson } from '@oci/spec-types/schemas';

import { type PublicKey, type SigningKey, signBytes } from './signing-key.js';
import { preAuthEncoding, statementType } from './statement.js';

/** The media type of the bundles that are made here; the others are read as well. */
export const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json';

export const bundleTypes: readonly string[] = [
  bundleType,
  'application/vnd.dev.sigstore.bundle+json;version=0.3',
  'application/vnd.dev.sigstore.bundle+json;version=0.2',
  'application/vnd.dev.sigstore.bundle+json;version=0.1',
];

/** Annotations of a layer that holds a simple-signing payload (cosign's `SIGNATURE_SPEC.md`). */
export const signatureAnnotations = {
  signature: 'dev.cosignproject.cosign/signature',
  certificate: 'dev.sigstore.cosign/certificate',
  chain: 'dev.sigstore.cosign/chain',
  rekor: 'dev.sigstore.cosign/bundle',
} as const;

/** Annotations of a manifest that holds a bundle, which lists of referrers repeat (cosign, `BUNDLE_SPEC.md`). */
export const bundleAnnotations = {
  content: 'dev.sigstore.bundle.content',
  predicateType: 'dev.sigstore.bundle.predicateType',
} as const;

/** A statement, signed with a key, as a sigstore bundle. */
export function signedBundle(statement: Uint8Array, key: SigningKey): Buffer {
  const signature = signBytes(key, preAuthEncoding(statementType, statement));
  const { hint } = key.publicKey;
  return Buffer.from(
    JSON.stringify({
      mediaType: bundleType,
      verificationMaterial: { publicKey: { hint }, tlogEntries: [] },
      dsseEnvelope: {
        payload: Buffer.from(statement).toString('base64'),
        payloadType: statementType,
        signatures: [{ sig: signature.toString('base64') }],
      },
    }),
  );
}

/** @throws Error that says what is wrong with it */
export function readBundle(bytes: Uint8Array): Bundle {
  return bundleFromJSON(parseStrictJson(bytes));
}

/** Whether a bundle says that it is by another key: then it need not be tried. */
export function namesKey({ verificationMaterial }: Bundle, { hint }: PublicKey): boolean {
  const { content } = verificationMaterial;
  return content.$case !== 'publicKey' || ['', hint].includes(content.publicKey.hint);
}

/**
 * What a layer of a cosign tag says of who signed it, as a bundle; undefined when it was a key.
 *
 * @throws Error when what it says can't be read
 */
export function bundleOfLayer(payloadDigest: Uint8Array, annotations: Annotations): unknown {
  const certificate = annotations[signatureAnnotations.certificate];
  if (!certificate) return undefined;
  const chain = [certificate, annotations[signatureAnnotations.chain] ?? ''].join('\n');
  const rekor = annotations[signatureAnnotations.rekor];
  return {
    mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
    verificationMaterial: {
      x509CertificateChain: { certificates: derOf(chain).map((rawBytes) => ({ rawBytes })) },
      tlogEntries: rekor ? [logEntryOf(rekor)] : [],
    },
    messageSignature: {
      messageDigest: {
        algorithm: 'SHA2_256',
        digest: Buffer.from(payloadDigest).toString('base64'),
      },
      signature: annotations[signatureAnnotations.signature] ?? '',
    },
  };
}

function derOf(pem: string): readonly string[] {
  const blocks = pem.matchAll(/-----BEGIN CERTIFICATE-----([\s\S]+?)-----END CERTIFICATE-----/g);
  return Array.from(blocks, ([, body = '']) => body.replace(/\s/g, ''));
}

interface RekorBundle {
  readonly SignedEntryTimestamp: string;
  readonly Payload: {
    readonly body: string;
    readonly integratedTime: number;
    readonly logIndex: number;
    readonly logID: string;
  };
}

function logEntryOf(text: string): object {
  const { SignedEntryTimestamp, Payload } = parseStrictJson(Buffer.from(text)) as RekorBundle;
  const body = parseStrictJson(Buffer.from(Payload.body, 'base64')) as {
    readonly kind: string;
    readonly apiVersion: string;
  };
  return {
    logIndex: String(Payload.logIndex),
    logId: { keyId: Buffer.from(Payload.logID, 'hex').toString('base64') },
    kindVersion: { kind: body.kind, version: body.apiVersion },
    integratedTime: String(Payload.integratedTime),
    inclusionPromise: { signedEntryTimestamp: SignedEntryTimestamp },
    canonicalizedBody: Payload.body,
  };
}
