import { type ScryptOptions, randomBytes, scrypt } from 'node:crypto';

import { OciError } from '@oci/spec-types';
import { parseStrictJson } from '@oci/spec-types/schemas';

/** What stands in the PEM of a key that cosign sealed; older ones say COSIGN. */
const block =
  /-----BEGIN ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY-----([\s\S]+?)-----END ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY-----/;

/** As cosign makes them: 64 MiB of memory. */
const costs = { N: 65_536, r: 8, p: 1 };
/** More is refused: a key file must not take all memory. */
const mostMemory = 512 * 1024 * 1024;

interface Sealed {
  readonly kdf: {
    readonly name: 'scrypt';
    readonly params: { readonly N: number; readonly r: number; readonly p: number };
    readonly salt: string;
  };
  readonly cipher: { readonly name: 'nacl/secretbox'; readonly nonce: string };
  readonly ciphertext: string;
}

export function isSealedKey(pem: string): boolean {
  return block.test(pem);
}

/** Seals a key with a password: scrypt, then NaCl's secretbox, in JSON, in PEM. */
export async function sealKey(der: Uint8Array, password: string): Promise<string> {
  const { xsalsa20poly1305 } = await import('@noble/ciphers/salsa.js');
  const salt = randomBytes(32);
  const nonce = randomBytes(24);
  const key = await derive(password, salt, costs);
  const sealed: Sealed = {
    kdf: { name: 'scrypt', params: costs, salt: salt.toString('base64') },
    cipher: { name: 'nacl/secretbox', nonce: nonce.toString('base64') },
    ciphertext: Buffer.from(xsalsa20poly1305(key, nonce).encrypt(der)).toString('base64'),
  };
  const text = Buffer.from(JSON.stringify(sealed)).toString('base64');
  const lines = (text.match(/.{1,64}/g) ?? []).join('\n');
  const name = 'ENCRYPTED SIGSTORE PRIVATE KEY';
  return `-----BEGIN ${name}-----\n${lines}\n-----END ${name}-----\n`;
}

/** @returns PKCS #8 @throws OciError `USAGE` */
export async function openKey(pem: string, password: string | undefined): Promise<Uint8Array> {
  if (password === undefined) {
    throw new OciError('USAGE', 'the private key is sealed with a password', {
      hint: 'Give its password.',
      reason: { kind: 'key-password' },
    });
  }
  const { kdf, cipher, ciphertext } = read(pem);
  const { xsalsa20poly1305 } = await import('@noble/ciphers/salsa.js');
  const key = await derive(password, Buffer.from(kdf.salt, 'base64'), kdf.params);
  try {
    const box = xsalsa20poly1305(key, Buffer.from(cipher.nonce, 'base64'));
    return box.decrypt(Buffer.from(ciphertext, 'base64'));
  } catch (cause) {
    throw new OciError('USAGE', 'the private key does not open with this password', {
      cause,
      hint: 'Give the password that it was sealed with.',
      reason: { kind: 'key-password' },
    });
  }
}

function read(pem: string): Sealed {
  const text = block.exec(pem)?.[1] ?? '';
  try {
    const value = parseStrictJson(Buffer.from(text, 'base64')) as Sealed;
    const { N, r, p } = value.kdf.params;
    const isKnown = value.kdf.name === 'scrypt' && value.cipher.name === 'nacl/secretbox';
    const isSane = [N, r, p].every((cost) => Number.isSafeInteger(cost) && cost > 0);
    if (!isKnown || !isSane || memoryOf(value.kdf.params) > mostMemory || p > 16)
      throw new RangeError('unknown or too dear');
    return value;
  } catch (cause) {
    throw new OciError('USAGE', 'the sealed private key can not be read', {
      cause,
      hint: 'It has to be as cosign writes it: scrypt of at most 512 MiB, and secretbox.',
    });
  }
}

function memoryOf({ N, r, p }: Sealed['kdf']['params']): number {
  return 128 * N * r + 128 * r * p;
}

function derive(
  password: string,
  salt: Uint8Array,
  params: Sealed['kdf']['params'],
): Promise<Buffer> {
  const options: ScryptOptions = { ...params, maxmem: 2 * memoryOf(params) };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, 32, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
