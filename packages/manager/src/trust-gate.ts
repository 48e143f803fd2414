import { createHash } from 'node:crypto';

import type { Cache } from '@oci/cache';
import {
  type CallOptions,
  OciError,
  type RegistryHost,
  type RepositoryName,
  type ResolvedManifest,
  isAbort,
  isOciError,
} from '@oci/spec-types';
import { LRUCache } from 'lru-cache';

import type { FreshnessPolicy } from './freshness.js';
import type { SignatureSource } from './signing/found-signature.js';
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

/** Signatures and their manifests, base64: what is larger was not written here. */
const maxRecordBytes = 8 * 1024 * 1024;

/** Lets through what the rules allow to use. */
export class TrustGate {
  readonly #rules: readonly TrustRule[];
  readonly #policy: Pick<FreshnessPolicy, 'offline' | 'refresh'>;
  readonly #onWarning: () => void;
  /** Digest and authority of what was let through; it is verified again when it is forgotten, and each hour, as it ages. */
  readonly #passed = new LRUCache<string, true>({ max: 10_000, ttl: 60 * 60_000 });

  /** @param onWarning hears of what is let through although it does not fulfil its rule */
  constructor(
    rules: readonly TrustRule[],
    policy: Pick<FreshnessPolicy, 'offline' | 'refresh'>,
    onWarning: () => void = () => {},
  ) {
    this.#rules = rules;
    this.#policy = policy;
    this.#onWarning = onWarning;
  }

  /**
   * Returns when an artifact may be used.
   *
   * @throws OciError `POLICY_REFUSED` where a rule forbids all, `SIGNATURE_MISSING`, `SIGNATURE_INVALID`,
   *   `OFFLINE` when it was never verified and nobody may be asked
   */
  async ensure(question: TrustQuestion, options: CallOptions = {}): Promise<void> {
    const rule = this.#rules.length === 0 ? undefined : trustRuleFor(this.#rules, question.name);
    if (!rule) return;
    try {
      await this.#ensureRule(rule, question, options);
    } catch (error) {
      if (rule.mode !== 'warn' || !isOciError(error) || isAbort(error)) throw error;
      this.#onWarning();
      const message = `the trust rule of ${rule.scope} is not fulfilled: ${error.message}`;
      options.onEvent?.({ type: 'warning', message });
    }
  }

  async #ensureRule(rule: TrustRule, question: TrustQuestion, options: CallOptions): Promise<void> {
    if (rule.require === 'nothing') return;
    const { name, manifest, cache } = question;
    const text = `${name.registry}/${name.repository}`;
    if (rule.require === 'reject') {
      throw new OciError('POLICY_REFUSED', `nothing of ${text} may be used`, {
        hint: `The trust rule of ${rule.scope} says so.`,
        reason: { kind: 'trust-rejected', scope: rule.scope },
      });
    }
    const authority = await rule.authority();
    const { digest } = manifest.descriptor;
    const id = createHash('sha256').update(`${digest} ${authority.fingerprint}`).digest('hex');
    if (this.#passed.get(id)) return;
    if (!(await this.#isKnown(question, { id, authority }))) {
      if (this.#policy.offline) {
        throw new OciError('OFFLINE', `the signature of ${text}@${digest} was never verified`, {
          hint: 'Pull it once while the registry may be asked.',
          reason: { kind: 'not-cached', what: 'content' },
        });
      }
      const record = await this.#verify(question, authority, options);
      if (record !== undefined) await cache?.verifiedSignatures.add(id, record);
    }
    this.#passed.set(id, true);
  }

  /** Whether a signature has to be good for an artifact to be used. */
  needsSignature(name: TrustQuestion['name']): boolean {
    return this.#rules.length > 0 && trustRuleFor(this.#rules, name)?.require === 'signature';
  }

  /** Whether the cache holds a signature that is good: whoever may write there can note that there was one. */
  async #isKnown(
    { manifest, cache }: TrustQuestion,
    { id, authority }: { readonly id: string; readonly authority: FingerprintedAuthority },
  ): Promise<boolean> {
    const text = this.#policy.refresh
      ? undefined
      : await cache?.verifiedSignatures.read(id, maxRecordBytes);
    if (text === undefined) return false;
    const [{ recordedSignatures }, { verifyTrust }] = await Promise.all([
      import('./signing/signature-record.js'),
      import('./signing/verify-trust.js'),
    ]);
    const source = recordedSignatures(text, manifest);
    if (!source) return false;
    return verifyTrust(source, manifest, authority, {}).then(
      () => true,
      () => false,
    );
  }

  /** @returns a record of what was good, unless it is too large for one */
  async #verify(
    { name: { registry, repository }, manifest, source }: TrustQuestion,
    authority: FingerprintedAuthority,
    options: CallOptions,
  ): Promise<string | undefined> {
    const [{ recordSignatures }, { verifyTrust }] = await Promise.all([
      import('./signing/signature-record.js'),
      import('./signing/verify-trust.js'),
    ]);
    const from = source();
    const named = { ...options, name: `${registry}/${repository}` };
    const places = await verifyTrust(from, manifest, authority, named);
    // What cannot be kept is asked for again.
    return recordSignatures(from, places, options).catch(() => undefined);
  }
}
