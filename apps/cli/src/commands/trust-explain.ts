import { trustRules } from '@oci/manager/config';
import { exitCodeOf } from '@oci/manager/program';
import {
  type Examined,
  type Signer,
  type TrustExplanation,
  type TrustRule,
  explainTrust,
  trustRuleFor,
} from '@oci/manager/signing';
import type { OciError } from '@oci/spec-types';

import { Exit, type Invocation } from '../command/definition.js';
import { withContext } from '../context.js';
import { fields } from '../render/fields.js';
import { signerJson, signerText } from './verify.js';

/** Says which trust rule holds for an artifact, and whether the artifact fulfils it. */
export async function explain(
  { reference: given }: { readonly reference: string },
  invocation: Invocation,
): Promise<void> {
  await withContext(invocation, async ({ registries, settings, output, progress, signal }) => {
    const { repository, reference, text, tagOrDigest } = registries.artifact(given);
    const rule = trustRuleFor(trustRules(settings.values.trust), reference);
    const call = { signal, onEvent: progress };
    const subject = await repository.fetch(tagOrDigest, call);
    const explained = rule && (await explainTrust(rule, { source: repository, subject }, call));
    const passes = explained?.passes ?? true;
    const isUsed = passes || rule?.mode === 'warn';
    output.print({
      json: {
        reference: text,
        manifest_digest: subject.descriptor.digest,
        rule: rule ? ruleJson(rule, explained) : null,
        passes,
        used: isUsed,
        signatures: explained?.signatures
          ? examinedJson(explained.signatures, (found) => found.signatures)
          : null,
        attestations: (explained?.attestations ?? []).map(({ predicateType, result }) => ({
          predicate_type: predicateType,
          ...examinedJson(result, (found) => found.attestations),
        })),
      },
      text: fields([
        ['reference', text],
        ['manifest', subject.descriptor.digest],
        ['rule', ruleText(rule)],
        ...linesOf(explained),
        ['verdict', verdictText(passes, isUsed)],
      ]),
      brief: passes ? 'passes' : isUsed ? 'warns' : 'refused',
    });
    if (!isUsed) throw new Exit(exitOf(explained));
  });
}

function exitOf(explained: TrustExplanation | undefined): ReturnType<typeof exitCodeOf> {
  const failure = failuresOf(explained)[0];
  return failure ? exitCodeOf(failure.code) : exitCodeOf('POLICY_REFUSED');
}

function failuresOf({ signatures, attestations = [] }: Partial<TrustExplanation> = {}): OciError[] {
  return [signatures, ...attestations.map(({ result }) => result)].flatMap((one) =>
    one && !one.passes ? [one.failure] : [],
  );
}

function ruleJson(rule: TrustRule, explained: TrustExplanation | undefined): object {
  const { scope, require, mode = 'enforce' } = rule;
  return { scope, require, mode, threshold: explained?.threshold ?? 0 };
}

function examinedJson<T>(
  examined: Examined<T>,
  goodOf: (found: T) => readonly { readonly manifest: string; readonly signer: Signer }[],
): object {
  if (!examined.passes) return { passes: false, problem: examined.failure.message, good: [] };
  const good = goodOf(examined.found).map(({ manifest, signer }) => ({
    manifest,
    signer: signerJson(signer),
  }));
  return { passes: true, problem: null, good };
}

function ruleText(rule: TrustRule | undefined): string {
  if (!rule) return 'none is for it: whatever it is may be used';
  const { scope, require, mode } = rule;
  const what = {
    signature: 'signatures are required',
    nothing: 'nothing is required',
    reject: 'nothing may be used',
  }[require];
  return `${scope}: ${what}${mode === 'warn' ? ', and what lacks them is used with a warning' : ''}`;
}

type Line = readonly [label: string, text: string];

function linesOf(explained: TrustExplanation | undefined): readonly Line[] {
  if (!explained) return [];
  const { signatures, attestations, threshold } = explained;
  const label = threshold === 1 ? 'signature' : `${threshold} signatures`;
  return [
    ...(signatures ? [[label, examinedText(signatures, (one) => one.signatures)] as const] : []),
    ...attestations.map(({ predicateType, result }): Line => {
      const found = examinedText(result, (one) => one.attestations);
      return ['attestation', result.passes ? `${predicateType}, by ${found}` : found];
    }),
  ];
}

/** Who signed, or what is missing. */
function examinedText<T>(
  examined: Examined<T>,
  signedOf: (found: T) => readonly { readonly signer: Signer }[],
): string {
  if (!examined.passes) return examined.failure.message;
  return signedOf(examined.found)
    .map(({ signer }) => signerText(signer))
    .join(', ');
}

function verdictText(passes: boolean, isUsed: boolean): string {
  if (passes) return 'it may be used';
  return isUsed ? 'it may be used, with a warning' : 'it is refused';
}
