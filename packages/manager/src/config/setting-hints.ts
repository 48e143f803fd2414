import type { ErrorReason } from '@oci/spec-types';

const oci = 'orchestrator.oci';

/** Returns what answers a failure in the configuration file, for the programs that read it; undefined when nothing does. */
export function settingHint(reason: ErrorReason): string | undefined {
  switch (reason.kind) {
    case 'plain-http-needed':
      return `If that is meant, say so in the configuration: ${tableOf(reason.host)} plain_http = true`;
    case 'https-needed':
      return `Say https://${reason.host}, and nowhere plain_http = true for it.`;
    case 'certificate-untrusted':
      return `Name the certificate of its authority: ${tableOf(reason.host)} ca_file = "FILE"`;
    case 'login-missing':
    case 'login-refused':
    case 'access-denied':
      return `Is its credential right? It is in the docker configuration, or in [${oci}.credentials."${reason.host}"].`;
    case 'realm-untrusted':
      return `If that is right, trust it: ${tableOf(reason.registry)} trusted_realms = ["${reason.realm}"]`;
    case 'registry-internal':
      return `If that is right, say so in the configuration: ${tableOf(reason.registry)} plain_http = false`;
    case 'registry-blocked':
      return 'The configuration says blocked = true for it.';
    case 'repositories-unlisted':
      return `Name them in the configuration: [${oci}] repositories = ["${reason.prefix}name"].`;
    case 'route-missing':
      return `Add a route: [${oci}.routes] "${reason.repository}" = "registry.example", or name the registry in front.`;
    case 'trust-rejected':
      return `The configuration says so: trust."${reason.scope}".`;
    default:
      return undefined;
  }
}

function tableOf(host: string): string {
  return `[${oci}.registries."${host}"]`;
}
