import { type CommandDefinition, defineCommand } from '../command/definition.js';
import { wholeNumber } from '../command/options.js';
import type { AttestInput } from './attest.js';
import { referenceArgument } from './shared-options.js';
import type { SignInput } from './sign.js';
import type { VerifyAttestationInput } from './verify-attestation.js';
import type { VerifyInput } from './verify.js';

const privateKeyOptions = [
  {
    name: 'key',
    value: 'file',
    description: 'private key, PEM: as cosign seals it, or PKCS #8, SEC 1, PKCS #1',
    completes: 'file',
  },
  { name: 'passwordStdin', description: 'read the password of the key from standard input' },
] as const;

const subjectArgument = {
  name: 'reference',
  description: 'host/name:tag or @digest, or oci:DIR[:TAG], oci-archive:FILE[:TAG]',
  completes: 'reference',
} as const;

const authorityOptions = [
  {
    name: 'key',
    value: 'file',
    repeatable: true,
    description: 'public key, PEM; given again, any of these',
    completes: 'file',
  },
  {
    name: 'trustedRoot',
    value: 'file',
    description: 'trusted_root.json of a sigstore instance',
    completes: 'file',
  },
  {
    name: 'certificateIdentity',
    value: 'name',
    description: 'e-mail address or URL of who has to have signed, whole',
  },
  {
    name: 'certificateOidcIssuer',
    value: 'url',
    description: 'who has to vouch for that identity, whole',
  },
] as const;

const predicateTypesText =
  'slsaprovenance1, slsaprovenance02, spdx, cyclonedx, openvex, vuln, link, custom, or a URI';

/** Making, checking and preparing signatures. */
export const signingCommands: readonly CommandDefinition[] = [
  defineCommand<SignInput>({
    name: 'sign',
    section: 'artifacts',
    summary: 'sign an artifact with a key, and push the signature beside it',
    description:
      'The signature is about the digest that the reference stands for now, and is as cosign makes it: a bundle that refers to the artifact, or, for cosign before 2.5, a layer under the tag sha256-<hex>.sig. The password of a sealed key is read from COSIGN_PASSWORD, from standard input, or asked for.',
    arguments: [referenceArgument],
    options: [
      ...privateKeyOptions,
      {
        name: 'signatureFormat',
        value: 'format',
        description: 'where it is kept; default: bundle',
        choices: ['bundle', 'cosign-tag'],
      },
    ],
    examples: [
      'ocictl sign kcl/provisioning-core:1.0.0 --key cosign.key',
      'ocictl sign ghcr.io/team/tool:1.2.0 --key cosign.key --signature-format cosign-tag',
    ],
    json: 'sign',
    load: async () => (await import('./sign.js')).sign,
  }),
  defineCommand<VerifyInput>({
    name: 'verify',
    section: 'artifacts',
    summary: 'verify the signatures of an artifact: exit 0 when one is good',
    description:
      'By public keys, by the identity of a certificate and the authorities of a trusted root, or, without either, as the table trust of the configuration requires. No network is asked but the registry.',
    arguments: [subjectArgument],
    options: authorityOptions,
    examples: [
      'ocictl verify kcl/provisioning-core:1.0.0 --key cosign.pub',
      'ocictl verify ghcr.io/team/tool:1.2.0 --trusted-root trusted_root.json --certificate-identity https://github.com/team/tool/.github/workflows/release.yml@refs/heads/main --certificate-oidc-issuer https://token.actions.githubusercontent.com',
    ],
    json: 'verify',
    load: async () => (await import('./verify.js')).verify,
  }),
  defineCommand<AttestInput>({
    name: 'attest',
    section: 'artifacts',
    summary:
      'sign a statement about an artifact, as an SBOM or a provenance, and push it beside it',
    description:
      'The statement is about the digest that the reference stands for now: an in-toto statement in a sigstore bundle that refers to the artifact, as cosign attest makes it.',
    arguments: [referenceArgument],
    options: [
      {
        name: 'predicate',
        value: 'file',
        description: 'what is attested: a file with JSON, - for standard input',
        completes: 'file',
      },
      {
        name: 'type',
        value: 'type',
        description: `what it is; default: custom; ${predicateTypesText}`,
      },
      ...privateKeyOptions,
    ],
    examples: [
      'ocictl attest kcl/provisioning-core:1.0.0 --predicate sbom.json --type spdx --key cosign.key',
      'ocictl attest ghcr.io/team/tool:1.2.0 --predicate provenance.json --type slsaprovenance1 --key cosign.key',
    ],
    json: 'attest',
    load: async () => (await import('./attest.js')).attest,
  }),
  defineCommand<VerifyAttestationInput>({
    name: 'verify-attestation',
    section: 'artifacts',
    summary: 'verify the attestations of an artifact: exit 0 when one is good',
    description:
      'One is good that somebody signed who may, that is about this artifact, is of the type, and fulfils the conditions. The conditions hold for provenance, and are compared whole. With --format json what was attested is printed too.',
    arguments: [subjectArgument],
    options: [
      { name: 'type', value: 'type', description: predicateTypesText },
      { name: 'builder', value: 'uri', description: 'who has to have built it' },
      {
        name: 'sourceRepository',
        value: 'url',
        description: 'source repository that it has to be built from',
      },
      { name: 'sourceRef', value: 'ref', description: 'its reference, as refs/heads/main' },
      { name: 'workflow', value: 'path', description: 'workflow or entry point of the build' },
      {
        name: 'maxAgeDays',
        value: 'days',
        description: 'days since it was built, at most',
        parse: wholeNumber({ from: 1, to: 100_000 }),
      },
      ...authorityOptions,
    ],
    examples: [
      'ocictl verify-attestation kcl/provisioning-core:1.0.0 --type spdx --key cosign.pub',
      'ocictl verify-attestation ghcr.io/team/tool:1.2.0 --type slsaprovenance1 --key builder.pub --source-repository https://github.com/team/tool --source-ref refs/heads/main',
    ],
    json: 'verify-attestation',
    load: async () => (await import('./verify-attestation.js')).verifyAttestation,
  }),
  defineCommand<{ reference: string }>({
    name: 'trust explain',
    summary: 'say which trust rule holds for an artifact, and why it passes or not',
    description:
      'Asks for all that the rule requires, each by itself. Ends with 0 when the artifact may be used, also with a warning, and else as a pull of it would.',
    arguments: [referenceArgument],
    examples: ['ocictl trust explain ghcr.io/team/tool:1.2.0'],
    json: 'trust-explain',
    load: async () => (await import('./trust-explain.js')).explain,
  }),
  defineCommand<{ name?: string; passwordStdin?: boolean; unsealed?: boolean }>({
    name: 'generate-key-pair',
    section: 'artifacts',
    summary: 'make a key to sign with, and the public one to verify with',
    description:
      'Writes NAME.key, sealed with a password as cosign does it, and NAME.pub. The password is read from COSIGN_PASSWORD, from standard input, or asked for.',
    arguments: [
      { name: 'name', description: 'path without an ending; default: cosign', optional: true },
    ],
    options: [
      { name: 'passwordStdin', description: 'read the password from standard input' },
      { name: 'unsealed', description: 'without a password: whoever reads the file can sign' },
    ],
    examples: ['ocictl generate-key-pair', 'ocictl generate-key-pair ./release'],
    json: 'generate-key-pair',
    load: async () => (await import('./generate-key-pair.js')).generate,
  }),
];
