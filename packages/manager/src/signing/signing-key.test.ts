import { type KeyPairKeyObjectResult, generateKeyPairSync } from 'node:crypto';

import { describe, expect, it, test } from 'vitest';

import { sealKey } from './sealed-key.js';
import {
  generateKeyPair,
  isSignedBy,
  readPublicKey,
  readSigningKey,
  signBytes,
} from './signing-key.js';

const bytes = Buffer.from('what is signed');

type Pair = KeyPairKeyObjectResult;

function pemOf({ privateKey, publicKey }: Pair, type: 'pkcs8' | 'sec1' | 'pkcs1' = 'pkcs8') {
  return {
    privateKey: String(privateKey.export({ format: 'pem', type })),
    publicKey: String(publicKey.export({ format: 'pem', type: 'spki' })),
  };
}

const ec = (namedCurve: string): Pair => generateKeyPairSync('ec', { namedCurve });
const rsa = (modulusLength: number): Pair => generateKeyPairSync('rsa', { modulusLength });

describe('a key', () => {
  test.each([
    ['EC P-256', pemOf(ec('P-256'))],
    ['EC P-256 in SEC 1', pemOf(ec('P-256'), 'sec1')],
    ['EC P-384', pemOf(ec('P-384'))],
    ['RSA', pemOf(rsa(2048), 'pkcs1')],
    ['Ed25519', pemOf(generateKeyPairSync('ed25519'))],
  ])('of the kind %s signs, and its public half verifies', async (_, pair) => {
    const key = await readSigningKey(pair.privateKey);
    const signature = signBytes(key, bytes);
    const publicKey = readPublicKey(pair.publicKey);
    expect(publicKey.hint).toBe(key.publicKey.hint);
    expect(isSignedBy(publicKey, bytes, signature)).toBe(true);
    expect(isSignedBy(publicKey, Buffer.from('something else'), signature)).toBe(false);
    expect(isSignedBy(publicKey, bytes, Buffer.from('no signature'))).toBe(false);
  });

  test.each([
    ['a short RSA key', pemOf(rsa(1024))],
    ['a curve that nobody verifies', pemOf(ec('secp256k1'))],
  ])('that is %s is refused', async (_, pair) => {
    await expect(readSigningKey(pair.privateKey)).rejects.toMatchObject({ code: 'USAGE' });
    expect(() => readPublicKey(pair.publicKey)).toThrow(/is not used/);
  });

  it('is refused where the other half is wanted', async () => {
    const pair = pemOf(ec('P-256'));
    await expect(readSigningKey(pair.publicKey)).rejects.toThrow(/no private key/);
    expect(() => readPublicKey(pair.privateKey)).toThrow(/a private key/);
    expect(() => readPublicKey('nothing')).toThrow(/no public key/);
  });
});

describe('a sealed key', () => {
  it('opens with its password alone', async () => {
    const pair = await generateKeyPair('the password');
    expect(pair.privateKey).toMatch(/^-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n/);
    const key = await readSigningKey(pair.privateKey, 'the password');
    expect(key.publicKey.hint).toBe(readPublicKey(pair.publicKey).hint);
    for (const wrong of ['another', '', undefined]) {
      await expect(readSigningKey(pair.privateKey, wrong)).rejects.toMatchObject({
        code: 'USAGE',
        reason: { kind: 'key-password' },
      });
    }
  });

  it('may be sealed as OpenSSL does it', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const options = {
      format: 'pem',
      type: 'pkcs8',
      cipher: 'aes-256-cbc',
      passphrase: 'x',
    } as const;
    const pem = String(privateKey.export(options));
    await readSigningKey(pem, 'x');
    await expect(readSigningKey(pem, 'y')).rejects.toThrow(/does not open/);
  });

  it('may not ask for all memory to be opened', async () => {
    const pem = await sealKey(bytes, 'x');
    const [, body = ''] = /KEY-----\n([\s\S]+)\n-----END/.exec(pem) ?? [];
    const dear = Buffer.from(body, 'base64').toString().replace('"N":65536', '"N":1073741824');
    const altered = pem.replace(body, Buffer.from(dear).toString('base64'));
    await expect(readSigningKey(altered, 'x')).rejects.toThrow(/can not be read/);
    const garbage = pem.replace(body, Buffer.from('{}').toString('base64'));
    await expect(readSigningKey(garbage, 'x')).rejects.toThrow(/can not be read/);
  });
});

test('a pair without a password is PKCS #8', async () => {
  const pair = await generateKeyPair();
  expect(pair.privateKey).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
  await readSigningKey(pair.privateKey);
});
