import {
  type AttestationVerification,
  type Provenance,
  verifyAttestations,
} from '@oci/manager/signing';
import { OciError } from '@oci/spec-types';
import { printable } from '@oci/spec-types/text';

import type { Invocation } from '../command/definition.js';
import { wrapped } from '../render/page.js';
import { type VerifyInput, signerJson, signerText, withSubject } from './verify.js';

export interface VerifyAttestationInput extends VerifyInput {
  readonly type?: string;
  readonly builder?: string;
  readonly sourceRepository?: string;
  readonly sourceRef?: string;
  readonly workflow?: string;
  readonly maxAgeDays?: number;
}

export async function verifyAttestation(
  input: VerifyAttestationInput,
  invocation: Invocation,
): Promise<void> {
  const { type, reference } = input;
  if (type === undefined) {
    throw new OciError('USAGE', 'no type of attestation was named', {
      hint: 'Name it with --type, e.g. slsaprovenance1, spdx, cyclonedx, or its URI.',
    });
  }
  await withSubject(input, invocation, async ({ repository, manifest, authority }, context) => {
    const { output, progress, signal } = context;
    const verified = await verifyAttestations(repository, manifest, authority, {
      signal,
      onEvent: progress,
      name: reference,
      predicateType: type,
      conditions: conditionsOf(input),
    });
    output.print({
      json: jsonOf(reference, verified),
      text: (page) =>
        textOf(reference, verified)
          .map((line) => wrapped(printable(line), page))
          .join('\n'),
      brief: verified.digest,
    });
  });
}

function conditionsOf(
  input: VerifyAttestationInput,
): Parameters<typeof verifyAttestations>[3]['conditions'] {
  const { builder, sourceRepository: repository, sourceRef: ref, workflow, maxAgeDays } = input;
  return { builder, repository, ref, workflow, maxAgeDays };
}

function jsonOf(
  reference: string,
  { digest, attestations, rejected }: AttestationVerification,
): object {
  return {
    reference,
    manifest_digest: digest,
    attestations: attestations.map(({ manifest, signer, predicateType, predicate }) => ({
      manifest,
      signer: signerJson(signer),
      predicate_type: predicateType,
      predicate,
    })),
    rejected,
  };
}

function textOf(
  reference: string,
  { digest, attestations, rejected }: AttestationVerification,
): string[] {
  return [
    `${reference} is attested`,
    `manifest ${digest}`,
    ...attestations.flatMap(({ signer, predicateType, provenance }) => [
      `${predicateType} by ${signerText(signer)}`,
      ...(provenance ? provenanceLines(provenance) : []),
    ]),
    ...rejected.map(({ reason }) => `not counted: an attestation: ${reason}`),
  ];
}

function provenanceLines({ builder, repository, ref, workflow, builtAt }: Provenance): string[] {
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['builder', builder],
    ['source', ref === undefined ? repository : `${repository ?? ''} ${ref}`],
    ['workflow', workflow],
    ['built', builtAt],
  ];
  return lines.flatMap(([label, value]) => (value === undefined ? [] : [`  ${label} ${value}`]));
}
