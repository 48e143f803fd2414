import { createHash } from 'node:crypto';

import type { Cache } from '@oci/cache';
import {
  type CallOptions,
  OciError,
  type RegistryHost,
  type RepositoryName,
  type ResolvedManifest,
} from '@oci/spec-types';

import type { FreshnessPolicy } from './freshness.js';
import type { SignatureSource } from './signing/signature-search.js';
import { type FingerprintedAuthority, type TrustRule, trustRuleFor } from './trust-policy.js';

/** An artifact that is going to be used. */
export interface TrustQuestion {
  readonly name: { readonly registry: RegistryHost; readonly repository: RepositoryName };
  /** What its name stands for; of an index the index. */
  readonly manifest: ResolvedManifest;
  /** Where its signatures are looked for. */
  readonly source: () => SignatureSource;
  /** Remembers what was verified, so that what is in the cache needs no network. */
  readonly cache?: Pick<Cache, 'verifiedSignatures'> | undefined;
}

/** Lets through what the rules allow to use. */
export class TrustGate {
  readonly #rules: readonly TrustRule[];
  readonly #policy: Pick<FreshnessPolicy, 'offline' | 'refresh'>;
  readonly #passed = new Set<string>();

  constructor(rules: readonly TrustRule[], policy: Pick<FreshnessPolicy, 'offline' | 'refresh'>) {
    this.#rules = rules;
    this.#policy = policy;
  }

  /**
   * Returns when an artifact may be used.
   *
   * @throws OciError `POLICY_REFUSED` where a rule forbids all, `SIGNATURE_MISSING`, `SIGNATURE_INVALID`,
   *   `OFFLINE` when it was never verified and nobody may be asked
   */
  async ensure(question: TrustQuestion, options: CallOptions = {}): Promise<void> {
    const { name, manifest, cache } = question;
    const rule = this.#rules.length === 0 ? undefined : trustRuleFor(this.#rules, name);
    if (!rule || rule.require === 'nothing') return;
    const text = `${name.registry}/${name.repository}`;
    if (rule.require === 'reject') {
      throw new OciError('POLICY_REFUSED', `nothing of ${text} may be used`, {
        hint: `The configuration says so: trust."${rule.scope}".`,
      });
    }
    const authority = await rule.authority();
    const { digest } = manifest.descriptor;
    const id = createHash('sha256').update(`${digest} ${authority.fingerprint}`).digest('hex');
    if (this.#passed.has(id)) return;
    const isKnown = !this.#policy.refresh && (await cache?.verifiedSignatures.has(id));
    if (!isKnown) {
      if (this.#policy.offline) {
        throw new OciError('OFFLINE', `the signature of ${text}@${digest} was never verified`, {
          hint: 'Pull it once without --offline.',
        });
      }
      await this.#verify(question, authority, options);
      await cache?.verifiedSignatures.add(id, digest);
    }
    this.#passed.add(id);
  }

  async #verify(
    { manifest, source }: TrustQuestion,
    authority: FingerprintedAuthority,
    options: CallOptions,
  ): Promise<void> {
    const { verifySignatures } = await import('./signing/verify-signatures.js');
    await verifySignatures(source(), manifest, authority, { ...options, all: false });
  }
}
