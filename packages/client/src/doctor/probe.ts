import type { OciError, RegistryHost } from '@oci/spec-types';

/**
 * How a probe ended: `ok`, it works; `warning`, it works with something to know; `missing`, the registry
 * does not have what not every registry has; `problem`, it does not work; `skipped`, it was not tried.
 */
export type ProbeOutcome = 'ok' | 'warning' | 'missing' | 'problem' | 'skipped';

/** What each probe found out; times are ISO 8601, sizes bytes, durations milliseconds. */
export interface ProbeEvidence {
  readonly connection: { readonly status: number; readonly ms: number };
  readonly tls: TlsFacts;
  readonly api: { readonly version: string | undefined };
  readonly clock: { readonly registryTime: string; readonly skewSeconds: number };
  readonly authentication: {
    /** `none`, `basic`, `bearer` or another, as the registry asks for it. */
    readonly scheme: string;
    readonly realm?: string | undefined;
    readonly service?: string | undefined;
    readonly isLetIn: boolean;
  };
  readonly catalog: { readonly repositories: number; readonly hasMore: boolean };
  readonly tags: { readonly tags: number; readonly hasMore: boolean };
  readonly manifests: { readonly digestHeader: boolean; readonly mediaType: string };
  readonly ranges: { readonly status: number; readonly servedBy: string };
  readonly referrers: { readonly status: number };
  readonly upload: { readonly requests: readonly string[] };
  readonly chunks: { readonly requests: readonly string[]; readonly minChunkBytes: number };
  readonly mount: { readonly isMounted: boolean };
  readonly push: { readonly tag: string; readonly digest: string };
  readonly deletion: {
    readonly tags: boolean;
    readonly manifests: boolean;
    readonly blobs: boolean;
    /** What could not be removed again. */
    readonly left: readonly string[];
  };
}

export interface TlsFacts {
  readonly protocol: string;
  readonly isTrusted: boolean;
  /** Why it is not trusted, as OpenSSL names it. */
  readonly reason?: string | undefined;
  readonly validTo: string;
  readonly daysLeft: number;
  /** From the registry's own certificate to the last that it sends, or that is known. */
  readonly chain: readonly CertificateFacts[];
}

export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  readonly validFrom: string;
  readonly validTo: string;
  readonly names: string | undefined;
  /** SHA-256, as OpenSSL writes it. */
  readonly fingerprint: string;
}

export type ProbeName = keyof ProbeEvidence;

/** What one probe found. */
export type Probe = {
  readonly [Name in ProbeName]: {
    readonly name: Name;
    readonly outcome: ProbeOutcome;
    /** One sentence for people. */
    readonly summary: string;
    readonly evidence?: ProbeEvidence[Name] | undefined;
    readonly error?: OciError | undefined;
  };
}[ProbeName];

/** What a registry can. */
export interface RegistryReport {
  readonly host: RegistryHost;
  readonly origin: string;
  readonly probes: readonly Probe[];
}

/** What a probe says of itself; its name is known. */
export interface Finding<Name extends ProbeName> {
  readonly outcome: ProbeOutcome;
  readonly summary: string;
  readonly evidence?: ProbeEvidence[Name] | undefined;
  readonly error?: OciError | undefined;
}
