import {
  type KeyObject,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
} from 'node:crypto';

import { OciError } from '@oci/spec-types';

import { isSealedKey, openKey, sealKey } from './sealed-key.js';

/** A key that signs: EC on a NIST curve, RSA of 2048 bits or more, or Ed25519. */
export interface SigningKey {
  readonly privateKey: KeyObject;
  readonly publicKey: PublicKey;
}

/** A key that signatures are verified with. */
export interface PublicKey {
  readonly key: KeyObject;
  /** What cosign names it by: base64 of the SHA-256 of its SubjectPublicKeyInfo. */
  readonly hint: string;
}

export interface KeyPair {
  /** PEM; sealed with the password as cosign does it, or PKCS #8 in the clear. */
  readonly privateKey: string;
  /** PEM, SubjectPublicKeyInfo. */
  readonly publicKey: string;
}

/** A new key pair on the curve P-256, as `cosign generate-key-pair` makes it. */
export async function generateKeyPair(password?: string): Promise<KeyPair> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    privateKey:
      password === undefined
        ? String(privateKey.export({ format: 'pem', type: 'pkcs8' }))
        : await sealKey(privateKey.export({ format: 'der', type: 'pkcs8' }), password),
    publicKey: String(publicKey.export({ format: 'pem', type: 'spki' })),
  };
}

/**
 * Reads a private key in PEM: PKCS #8, SEC 1, PKCS #1, or as cosign seals it.
 *
 * @throws OciError `USAGE` when it is no such key, or the password is missing or wrong
 */
export async function readSigningKey(pem: string, password?: string): Promise<SigningKey> {
  const privateKey = isSealedKey(pem)
    ? readPkcs8(await openKey(pem, password))
    : readPem(pem, password);
  return { privateKey, publicKey: publicKeyOf(createPublicKey(privateKey)) };
}

/** @throws OciError `USAGE` when it is no public key in PEM */
export function readPublicKey(pem: string): PublicKey {
  if (/-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----/.test(pem)) {
    throw new OciError('USAGE', 'it is a private key, where the public one is wanted', {
      hint: 'Name the .pub file beside it.',
    });
  }
  if (!/-----BEGIN (?:RSA )?PUBLIC KEY-----/.test(pem)) throw noPublicKey();
  try {
    return publicKeyOf(createPublicKey(pem));
  } catch (cause) {
    if (cause instanceof OciError) throw cause;
    throw noPublicKey(cause);
  }
}

/** SHA-256 with ECDSA or PKCS #1 v1.5; Ed25519 as it is. */
export function signBytes({ privateKey }: SigningKey, bytes: Uint8Array): Buffer {
  return sign(hashFor(privateKey), bytes, privateKey);
}

export function isSignedBy({ key }: PublicKey, bytes: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verify(hashFor(key), bytes, key, signature);
  } catch {
    return false;
  }
}

function hashFor({ asymmetricKeyType }: KeyObject): 'sha256' | null {
  return asymmetricKeyType === 'ed25519' ? null : 'sha256';
}

function publicKeyOf(key: KeyObject): PublicKey {
  ensureKind(key);
  const spki = key.export({ format: 'der', type: 'spki' });
  return { key, hint: createHash('sha256').update(spki).digest('base64') };
}

const curves = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

function ensureKind({ asymmetricKeyType: kind, asymmetricKeyDetails: details = {} }: KeyObject) {
  const { namedCurve = '', modulusLength = 0 } = details;
  if (kind === 'ed25519') return;
  if (kind === 'ec' && curves.has(namedCurve)) return;
  if (kind === 'rsa' && modulusLength >= 2048) return;
  throw new OciError('USAGE', `a key of the kind ${kind ?? 'unknown'} ${namedCurve} is not used`, {
    hint: 'Take EC P-256, P-384 or P-521, RSA of 2048 bits or more, or Ed25519.',
  });
}

function readPkcs8(der: Uint8Array): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
  } catch (cause) {
    throw noPrivateKey(cause);
  }
}

function readPem(pem: string, password: string | undefined): KeyObject {
  if (!/-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----/.test(pem)) throw noPrivateKey();
  try {
    return createPrivateKey({ key: pem, format: 'pem', passphrase: password ?? '' });
  } catch (cause) {
    if (!/ENCRYPTED/.test(pem)) throw noPrivateKey(cause);
    throw new OciError('USAGE', 'the private key does not open with this password', {
      cause,
      hint: 'Give the password that it was sealed with.',
      reason: { kind: 'key-password' },
    });
  }
}

function noPrivateKey(cause?: unknown): OciError {
  return new OciError('USAGE', 'it holds no private key in PEM', {
    cause,
    hint: 'Make a key pair.',
    reason: { kind: 'key-missing' },
  });
}

function noPublicKey(cause?: unknown): OciError {
  return new OciError('USAGE', 'it holds no public key in PEM', {
    cause,
    hint: 'It begins with -----BEGIN PUBLIC KEY-----.',
  });
}
