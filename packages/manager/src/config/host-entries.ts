import type { HostTables } from './host-settings.js';

/** The names that files have for what the loaded tables call otherwise. */
const keys: Readonly<Record<string, string>> = {
  plainHttp: 'plain_http',
  caFile: 'ca_file',
  clientCertFile: 'client_cert_file',
  clientKeyFile: 'client_key_file',
  trustedRealms: 'trusted_realms',
  pullFrom: 'pull_from_mirror',
  trustedRoot: 'trusted_root',
  identity: 'certificate_identity',
  issuer: 'certificate_oidc_issuer',
};

/** What the tables of single registries say, as dotted paths and values, to show; they hold no secrets. */
export function hostEntries(
  hosts: HostTables,
): readonly { readonly key: string; readonly value: unknown }[] {
  const said = (prefix: string, settings: object): { key: string; value: unknown }[] =>
    Object.entries(settings)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => ({ key: `${prefix}.${keys[name] ?? name}`, value }));
  return [
    ...[...hosts.registries].flatMap(([host, own]) => said(`registries."${host}"`, own)),
    ...[...hosts.mirrors].flatMap(([host, mirrors]) =>
      mirrors.flatMap((mirror, index) => said(`mirrors."${host}"[${index}]`, mirror)),
    ),
    ...[...hosts.credentials].flatMap(([host, own]) => said(`credentials."${host}"`, own)),
    ...[...hosts.trust].flatMap(([scope, own]) => said(`trust."${scope}"`, own)),
  ];
}
