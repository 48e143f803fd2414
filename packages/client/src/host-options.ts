import type { CredentialSource, HelperFailurePolicy } from './credentials/credential.js';
import type { HeaderSource } from './transport/origin-headers.js';

/** A certificate that a registry wants to see, and its key; PEM. */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
  readonly passphrase?: string | undefined;
}

/** How one registry, or one mirror, is spoken to. Nothing of this reaches another host. */
export interface HostOptions {
  /** HTTP for a bare host; certificates are verified all the same where there are any. */
  readonly plainHttp?: boolean | undefined;
  /** Default: anonymous; of a mirror, what the registry's source has for the mirror's host. */
  readonly credentials?: CredentialSource | undefined;
  /** What a read does when the credentials cannot be had, as when their helper is missing. Default `anonymous`. */
  readonly onHelperFailure?: HelperFailurePolicy | undefined;
  /** Hosts of token servers, outside the registry's domain, that may see the credentials. */
  readonly trustedRealms?: readonly string[] | undefined;
  /**
   * Connect to public addresses only, here and wherever the host leads: `POLICY_REFUSED` else. The addresses
   * that are judged are those that are connected to. Behind a proxy the name is judged as it resolves here.
   */
  readonly publicOnly?: boolean | undefined;
  /** Accept any certificate of this host; HTTPS stays HTTPS. */
  readonly insecure?: boolean | undefined;
  /** Certificate authorities to trust besides the system's, PEM. */
  readonly ca?: string | undefined;
  /** For the registry's exact origin, never behind a redirect. */
  readonly clientCertificate?: ClientCertificate | undefined;
  /** Sent with every request to the registry's exact origin, never behind a redirect. */
  readonly headers?: HeaderSource | undefined;
}
