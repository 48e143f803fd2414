import { openSource, parseLocation } from '@oci/client/location';
import { trustRules } from '@oci/manager/config';
import {
  type Authority,
  type SignatureSource,
  type Signer,
  type Verification,
  keylessVerifier,
  readPublicKey,
  trustRuleFor,
  verifySignatures,
} from '@oci/manager/signing';
import { OciError, type Reference, type ResolvedManifest } from '@oci/spec-types';
import { printable } from '@oci/spec-types/text';

import type { Invocation } from '../command/definition.js';
import { type Context, withContext } from '../context.js';
import { readReference } from '../registry/named-artifact.js';
import { wrapped } from '../render/page.js';
import { readText } from '../read-text.js';
import { naming } from './signing-key.js';

/** Who may have signed. */
export interface AuthorityInput {
  readonly key?: readonly string[];
  readonly trustedRoot?: string;
  readonly certificateIdentity?: string;
  readonly certificateOidcIssuer?: string;
}

export interface VerifyInput extends AuthorityInput {
  readonly reference: string;
}

export async function verify(input: VerifyInput, invocation: Invocation): Promise<void> {
  await withSubject(input, invocation, async ({ repository, manifest, authority }, context) => {
    const { output, progress, signal } = context;
    const named = { signal, onEvent: progress, name: input.reference };
    const verified = await verifySignatures(repository, manifest, authority, named);
    output.print({
      json: jsonOf(input.reference, verified),
      text: (page) =>
        textOf(input.reference, verified)
          .map((line) => wrapped(printable(line), page))
          .join('\n'),
      brief: verified.digest,
    });
  });
}

/** What is looked at, and who may have signed it. */
interface Subject {
  readonly repository: SignatureSource;
  readonly manifest: ResolvedManifest;
  readonly authority: Authority;
}

/** Opens the artifact that a reference of a registry or a layout names, to verify it. */
export async function withSubject(
  input: VerifyInput,
  invocation: Invocation,
  work: (subject: Subject, context: Context) => Promise<void>,
): Promise<void> {
  await withContext(invocation, async (context) => {
    const { registries, progress, signal } = context;
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
      await work({ repository, manifest, authority }, context);
    } finally {
      await source.close();
    }
  });
}

async function authorityOf(
  { key: paths = [], trustedRoot, certificateIdentity, certificateOidcIssuer }: AuthorityInput,
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
      signer: signerJson(signer),
    })),
    rejected,
  };
}

export function signerJson(signer: Signer): object {
  return signer.kind === 'key'
    ? { kind: 'key', key: signer.hint }
    : { kind: 'certificate', identity: signer.identity, issuer: signer.issuer };
}

function textOf(reference: string, { digest, signatures, rejected }: Verification): string[] {
  return [
    `${reference} is signed`,
    `manifest ${digest}`,
    ...signatures.map(({ form, signer }) => `by ${signerText(signer)} (${form})`),
    ...rejected.map(({ form, reason }) => `not counted: a signature (${form}): ${reason}`),
  ];
}

export function signerText(signer: Signer): string {
  return signer.kind === 'key'
    ? `the key ${signer.hint}`
    : `${signer.identity}, as ${signer.issuer} says`;
}
