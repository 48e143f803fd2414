import { openSource, parseLocation } from '@oci/client/location';
import { trustRules } from '@oci/manager/config';
import {
  type Authority,
  type Signer,
  type Verification,
  keylessVerifier,
  readPublicKey,
  trustRuleFor,
  verifySignatures,
} from '@oci/manager/signing';
import { OciError, type Reference } from '@oci/spec-types';
import { printable } from '@oci/spec-types/text';

import type { Invocation } from '../command/definition.js';
import { type Context, withContext } from '../context.js';
import { readReference } from '../registry/named-artifact.js';
import { wrapped } from '../render/page.js';
import { readText } from '../read-text.js';
import { naming } from './signing-key.js';

export interface VerifyInput {
  readonly reference: string;
  readonly key?: readonly string[];
  readonly trustedRoot?: string;
  readonly certificateIdentity?: string;
  readonly certificateOidcIssuer?: string;
}

export async function verify(input: VerifyInput, invocation: Invocation): Promise<void> {
  await withContext(invocation, async (context) => {
    const { registries, output, progress, signal } = context;
    const location = parseLocation(input.reference);
    const place =
      location.kind === 'registry'
        ? {
            kind: 'registry' as const,
            reference: readReference(input.reference, registries.registryOf),
          }
        : location;
    const reference = place.kind === 'registry' ? place.reference : undefined;
    const authority = await authorityOf(input, reference, context);
    const source = await openSource(place, ({ registry, repository }) =>
      registries.connect(registry).repository(repository),
    );
    try {
      const call = { signal, onEvent: progress };
      const { repository } = source;
      const descriptor = await repository.resolve(source.reference, call);
      const manifest = await repository.fetchManifest(descriptor, call);
      const named = { ...call, name: input.reference };
      const verified = await verifySignatures(repository, manifest, authority, named);
      output.print({
        json: jsonOf(input.reference, verified),
        text: (page) =>
          textOf(input.reference, verified)
            .map((line) => wrapped(printable(line), page))
            .join('\n'),
        brief: verified.digest,
      });
    } finally {
      await source.close();
    }
  });
}

async function authorityOf(
  { key: paths = [], trustedRoot, certificateIdentity, certificateOidcIssuer }: VerifyInput,
  reference: Reference | undefined,
  { settings }: Context,
): Promise<Authority> {
  const keyless = [trustedRoot, certificateIdentity, certificateOidcIssuer];
  const given = keyless.filter((value) => value !== undefined).length;
  if (given % keyless.length > 0) {
    throw new OciError(
      'USAGE',
      'a certificate is verified by --trusted-root, --certificate-identity and --certificate-oidc-issuer together',
      { hint: 'See: ocictl verify --help' },
    );
  }
  if (paths.length === 0 && given === 0) return configured(reference, settings);
  const keys = [];
  for (const path of paths) {
    const pem = await readText(path);
    keys.push(await naming(path, () => readPublicKey(pem)));
  }
  if (!trustedRoot || !certificateIdentity || !certificateOidcIssuer) return { keys };
  const root = Buffer.from(await readText(trustedRoot));
  const identity = { identity: certificateIdentity, issuer: certificateOidcIssuer };
  return { keys, keyless: await naming(trustedRoot, () => keylessVerifier(root, [identity])) };
}

async function configured(
  reference: Reference | undefined,
  settings: Context['settings'],
): Promise<Authority> {
  const rule = reference && trustRuleFor(trustRules(settings.values.trust), reference);
  if (rule?.require === 'signature') return rule.authority();
  throw new OciError('USAGE', 'no key and no identity was named, and no trust rule applies to it', {
    hint: 'Name a public key with --key FILE, or require one in the configuration: docs/signing.md.',
  });
}

function jsonOf(reference: string, { digest, signatures, rejected }: Verification): object {
  return {
    reference,
    digest,
    manifest_digest: digest,
    signatures: signatures.map(({ form, manifest, signer }) => ({
      form,
      manifest,
      signer:
        signer.kind === 'key'
          ? { kind: 'key', key: signer.hint }
          : { kind: 'certificate', identity: signer.identity, issuer: signer.issuer },
    })),
    rejected,
  };
}

function textOf(reference: string, { digest, signatures, rejected }: Verification): string[] {
  return [
    `${reference} is signed`,
    `manifest ${digest}`,
    ...signatures.map(({ form, signer }) => `by ${signerText(signer)} (${form})`),
    ...rejected.map(({ form, reason }) => `not counted: a signature (${form}): ${reason}`),
  ];
}

function signerText(signer: Signer): string {
  return signer.kind === 'key'
    ? `the key ${signer.hint}`
    : `${signer.identity}, as ${signer.issuer} says`;
}
