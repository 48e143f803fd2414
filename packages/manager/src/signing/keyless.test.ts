import { createHash, generateKeyPairSync, sign } from 'node:crypto';

import { bundleFromJSON } from '@sigstore/bundle';
import { initializeCA, initializeCTLog, initializeTLog } from '@sigstore/mock';
import { parseDigest } from '@oci/spec-types';
import { beforeAll, describe, expect, it, test } from 'vitest';

import { bundleOfLayer, bundleType } from './bundle.js';
import { type CertificateIdentity, keylessVerifier } from './keyless.js';
import { simpleSigningPayload } from './simple-signing.js';
import { preAuthEncoding, signStatement, statementType } from './statement.js';

const digest = parseDigest(`sha256:${'a'.repeat(64)}`);
const release: CertificateIdentity = {
  identity: 'https://github.com/team/tool/.github/workflows/release.yml@refs/heads/main',
  issuer: 'https://token.actions.githubusercontent.com',
};

type Instance = Awaited<ReturnType<typeof sigstoreInstance>>;

/** Authorities and logs of a sigstore instance of its own. */
async function sigstoreInstance() {
  const newKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ctLog = await initializeCTLog(newKeys());
  const ca = await initializeCA(newKeys(), ctLog);
  const tlog = await initializeTLog('https://log.example', newKeys());
  const start = '2020-01-01T00:00:00Z';
  const log = (key: Buffer) => ({
    baseUrl: 'https://log.example',
    hashAlgorithm: 'SHA2_256',
    publicKey: {
      rawBytes: key.toString('base64'),
      keyDetails: 'PKIX_ECDSA_P256_SHA_256',
      validFor: { start },
    },
    logId: { keyId: createHash('sha256').update(key).digest('base64') },
  });
  const root = {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [log(tlog.publicKey)],
    ctlogs: [log(ctLog.publicKey)],
    certificateAuthorities: [
      {
        subject: { organization: 'example', commonName: 'example' },
        uri: 'https://ca.example',
        certChain: { certificates: [{ rawBytes: base64(ca.rootCertificate) }] },
        validFor: { start },
      },
    ],
    timestampAuthorities: [],
  };
  return { ca, tlog, root: Buffer.from(JSON.stringify(root)) };
}

function base64(view: ArrayBufferView<ArrayBuffer>): string {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('base64');
}

/** Signs as somebody whom the instance's authority gives a certificate for the moment. */
async function signAs({ identity, issuer }: CertificateIdentity, { ca }: Instance, bytes: Buffer) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificate = await ca.issueCertificate({
    publicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })),
    subjectAltName: identity,
    extensions: [
      { oid: '1.3.6.1.4.1.57264.1.1', value: issuer, legacy: true },
      { oid: '1.3.6.1.4.1.57264.1.8', value: issuer },
    ],
  });
  return { certificate: base64(certificate), signature: sign('sha256', bytes, privateKey) };
}

function pemOf(certificate: string): string {
  const lines = (certificate.match(/.{1,64}/g) ?? []).join('\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

/** What a log answers. */
interface LogEntry {
  readonly body: string;
  readonly integratedTime: number;
  readonly logIndex: number;
  readonly logID: string;
  readonly verification: {
    readonly signedEntryTimestamp: string;
    readonly inclusionProof: {
      readonly logIndex: number;
      readonly rootHash: string;
      readonly treeSize: number;
      readonly checkpoint: string;
    };
  };
}

async function logged({ tlog }: Instance, entry: object): Promise<LogEntry> {
  const [found] = Object.values((await tlog.log(entry)) as Record<string, LogEntry>);
  if (!found) throw new Error('nothing was logged');
  return found;
}

/** A bundle as cosign writes it without a key. */
async function bundleBy(
  who: CertificateIdentity,
  instance: Instance,
  { logsAnother = false, repeats = 1 } = {},
) {
  const payload = signStatement(digest);
  const { certificate, signature } = await signAs(
    who,
    instance,
    preAuthEncoding(statementType, payload),
  );
  const verifier = Buffer.from(pemOf(certificate)).toString('base64');
  const entry = await logged(instance, {
    apiVersion: '0.0.1',
    kind: 'dsse',
    spec: {
      payloadHash: {
        algorithm: 'sha256',
        value: createHash('sha256')
          .update(logsAnother ? 'another' : payload)
          .digest('hex'),
      },
      signatures: [{ signature: signature.toString('base64'), verifier }],
    },
  });
  const { inclusionProof: proof, signedEntryTimestamp } = entry.verification;
  const logEntry = {
    logIndex: String(entry.logIndex),
    logId: { keyId: Buffer.from(entry.logID, 'hex').toString('base64') },
    kindVersion: { kind: 'dsse', version: '0.0.1' },
    integratedTime: String(entry.integratedTime),
    inclusionPromise: { signedEntryTimestamp },
    inclusionProof: {
      logIndex: String(proof.logIndex),
      rootHash: Buffer.from(proof.rootHash, 'hex').toString('base64'),
      treeSize: String(proof.treeSize),
      hashes: [],
      checkpoint: { envelope: proof.checkpoint },
    },
    canonicalizedBody: entry.body,
  };
  return bundleFromJSON({
    mediaType: bundleType,
    verificationMaterial: {
      certificate: { rawBytes: certificate },
      tlogEntries: Array.from({ length: repeats }, () => logEntry),
    },
    dsseEnvelope: {
      payload: payload.toString('base64'),
      payloadType: statementType,
      signatures: [{ sig: signature.toString('base64') }],
    },
  });
}

let instance: Instance;

beforeAll(async () => {
  instance = await sigstoreInstance();
});

describe('a certificate of a trusted root', () => {
  it('is for the identity that it was given to', async () => {
    const verify = keylessVerifier(instance.root, [release]);
    expect(verify(await bundleBy(release, instance), undefined)).toMatchObject(release);
  });

  it.each([
    ['a longer name', { ...release, identity: `${release.identity}.evil` }],
    ['another host that begins alike', { ...release, identity: 'https://github.com.evil/team' }],
    ['another issuer', { ...release, issuer: `${release.issuer}.evil` }],
  ])('is not for %s', async (_, who) => {
    const verify = keylessVerifier(instance.root, [release]);
    const bundle = await bundleBy(who, instance);
    expect(() => verify(bundle, undefined)).toThrow(/it is by https:.*, as https:/);
  });

  it('may be for any name of a pattern of whole segments', async () => {
    const identity = release.identity.replace('tool', '*').replace(/main$/, '*');
    const rule = { identity, issuer: release.issuer };
    const verify = keylessVerifier(instance.root, [rule]);
    expect(verify(await bundleBy(release, instance), undefined)).toEqual({ ...release, rule });
    const nested = { ...release, identity: release.identity.replace('tool', 'tool/evil') };
    const bundle = await bundleBy(nested, instance);
    expect(() => verify(bundle, undefined)).toThrow(/it is by/);
  });

  it('is asked for by no regular expression', () => {
    const { issuer } = release;
    for (const identity of ['.*', 'https://github.com/team/to*', '*', '*/*', '*@*', ''])
      expect(() => keylessVerifier(instance.root, [{ identity, issuer }])).toThrow(/no pattern/);
  });

  it('counts for nothing under another root', async () => {
    const verify = keylessVerifier((await sigstoreInstance()).root, [release]);
    const bundle = await bundleBy(release, instance);
    expect(() => verify(bundle, undefined)).toThrow(/.+/);
  });

  it('counts for nothing without an entry in the log (CVE-2026-22703: nor with another one)', async () => {
    const verify = keylessVerifier(instance.root, [release]);
    const bare = await bundleBy(release, instance, { repeats: 0 });
    expect(() => verify(bare, undefined)).toThrow(/timestamp/);
    const another = await bundleBy(release, instance, { logsAnother: true });
    expect(() => verify(another, undefined)).toThrow(/payload/);
  });

  it('counts for nothing with the same entry twice (CVE-2026-49834)', async () => {
    const verify = keylessVerifier(instance.root, [release]);
    const bundle = await bundleBy(release, instance, { repeats: 2 });
    expect(() => verify(bundle, undefined)).toThrow(/duplicate/);
  });

  it('is read from what cosign before 2.5 keeps under its tag', async () => {
    const payload = simpleSigningPayload(digest, 'registry.example/team/tool');
    const { certificate, signature } = await signAs(release, instance, payload);
    const hash = createHash('sha256').update(payload).digest();
    const publicKey = { content: Buffer.from(pemOf(certificate)).toString('base64') };
    const entry = await logged(instance, {
      apiVersion: '0.0.1',
      kind: 'hashedrekord',
      spec: {
        data: { hash: { algorithm: 'sha256', value: hash.toString('hex') } },
        signature: { content: signature.toString('base64'), publicKey },
      },
    });
    const { body, integratedTime, logIndex, logID, verification } = entry;
    const annotations = {
      'dev.cosignproject.cosign/signature': signature.toString('base64'),
      'dev.sigstore.cosign/certificate': pemOf(certificate),
      'dev.sigstore.cosign/bundle': JSON.stringify({
        SignedEntryTimestamp: verification.signedEntryTimestamp,
        Payload: { body, integratedTime, logIndex, logID },
      }),
    };
    const bundle = bundleFromJSON(bundleOfLayer(hash, annotations));
    const verify = keylessVerifier(instance.root, [release]);
    expect(verify(bundle, payload)).toMatchObject(release);
    expect(() => verify(bundle, Buffer.from('another payload'))).toThrow(/.+/);
  });
});

test.each(['{}', 'nothing', '{"certificateAuthorities":[]}', '[]'])(
  'refuses %s as a trusted root',
  (text) => {
    expect(() => keylessVerifier(Buffer.from(text), [release])).toThrow(/trusted root/);
  },
);

test('refuses a trusted root whose log has no start of validity, which the library takes for 1970', async () => {
  const { root } = await sigstoreInstance();
  for (const logs of ['tlogs', 'ctlogs'] as const) {
    const changed = JSON.parse(root.toString()) as Record<typeof logs, [{ publicKey: object }]>;
    Object.assign(changed[logs][0].publicKey, { validFor: {} });
    expect(() => keylessVerifier(Buffer.from(JSON.stringify(changed)), [release])).toThrow(
      'the trusted root cannot be used: the key of the log https://log.example has no start of validity',
    );
  }
});
