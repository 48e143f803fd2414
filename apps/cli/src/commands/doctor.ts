import { type RegistryOptions, dockerConfigCredentials } from '@oci/client';
import { type CredentialReport, reportCredential } from '@oci/client/credentials';
import {
  type Probe,
  type ProbeOutcome,
  type RegistryReport,
  probeRegistry,
} from '@oci/client/doctor';
import { parseRegistryAddress, proxyFromEnvironment } from '@oci/client/transport';
import { exitCodeOf, exitCodes } from '@oci/manager/program';
import { OciError, asOciError, parseRepositoryName } from '@oci/spec-types';
import { printable } from '@oci/spec-types/text';

import { hintOf } from '../hint.js';
import { Exit, type Invocation } from '../command/definition.js';
import { type Context, withContext } from '../context.js';
import { type Drawing, type Page, type Style, styled, wrapped } from '../render/page.js';

interface DoctorInput {
  readonly registry?: string;
  readonly repository?: string;
  readonly write?: boolean;
}

/** What is known of a registry, in the order in which it is told. */
interface Examination {
  readonly report: RegistryReport;
  readonly credential: CredentialReport | OciError;
  readonly proxy: string | undefined;
  readonly mirrors: readonly { readonly location: string; readonly report: RegistryReport }[];
}

export async function examine(input: DoctorInput, invocation: Invocation): Promise<void> {
  await withContext(invocation, async (context) => {
    const options = optionsOf(input, context);
    const examination = await examined(options, input, context);
    const verdict = judge(examination);
    context.output.print({
      json: jsonOf(examination, verdict),
      text: drawn(examination, verdict),
      brief: verdict.text,
    });
    if (verdict.failure) throw new Exit(exitCodeOf(verdict.failure.code));
    if (!verdict.healthy) throw new Exit(exitCodes.other);
  });
}

function optionsOf({ registry }: DoctorInput, { registries, settings }: Context): RegistryOptions {
  if (registry === undefined) return registries.optionsFor(registries.host);
  const { host } = parseRegistryAddress(registry, { plainHttp: settings.values.plain_http });
  return { ...registries.optionsFor(host), ...(registry.includes('://') && { url: registry }) };
}

async function examined(
  options: RegistryOptions,
  { repository, write = false }: DoctorInput,
  { signal }: Context,
): Promise<Examination> {
  const { mirrors = [], ...direct } = options;
  const report = await probeRegistry(direct, {
    signal,
    write,
    ...(repository !== undefined && { repository: parseRepositoryName(repository) }),
  });
  const source = options.credentials ?? dockerConfigCredentials();
  const examinedMirrors = [];
  for (const { location } of mirrors) {
    const url = location.replace(/^((?:https?:\/\/)?[^/]+)\/.*$/, '$1');
    examinedMirrors.push({ location, report: await probeRegistry({ ...direct, url }, { signal }) });
  }
  return {
    report,
    credential: await reportCredential(source, report.host).catch(asOciError),
    proxy: proxyFor(options, report.origin),
    mirrors: examinedMirrors,
  };
}

/** The proxy that is set for the registry's scheme, without what may be secret in its URL. */
function proxyFor({ proxy }: RegistryOptions, origin: string): string | undefined {
  if (proxy === false) return undefined;
  const { httpProxy, httpsProxy } = proxy ?? proxyFromEnvironment();
  const url = origin.startsWith('https:') ? httpsProxy : httpProxy;
  if (url === undefined) return undefined;
  return URL.canParse(url) ? new URL(url).host : url;
}

interface Verdict {
  readonly healthy: boolean;
  readonly text: string;
  readonly failure?: OciError;
}

function judge({ report, mirrors }: Examination): Verdict {
  const problems = report.probes.filter(({ outcome }) => outcome === 'problem');
  const sick = mirrors.filter(({ report: { probes } }) =>
    probes.some(({ outcome }) => outcome === 'problem'),
  );
  if (problems.length > 0) {
    const failure = problems.find(({ error }) => error)?.error;
    const text = `${report.host} cannot be used as it is: ${problems[0]?.summary ?? ''}`;
    return { healthy: false, text, ...(failure && { failure }) };
  }
  const warnings = report.probes.filter(({ outcome }) => outcome === 'warning').length;
  const remarks = [
    ...(warnings > 0 ? [`${warnings} ${warnings === 1 ? 'thing' : 'things'} to know`] : []),
    ...(sick.length > 0 ? [`${sick.length} of ${mirrors.length} mirrors out of order`] : []),
  ];
  return { healthy: true, text: [`${report.host} can be used`, ...remarks].join(', ') };
}

function drawn(examination: Examination, verdict: Verdict): Drawing {
  const { report, credential, proxy, mirrors } = examination;
  const hint = verdict.failure && hintOf(verdict.failure);
  return (page) =>
    [
      styled(page, 'bold', report.origin),
      ...report.probes.flatMap((probe) => probeLines(probe, page)),
      line(
        page,
        credential instanceof OciError ? 'problem' : 'ok',
        'credentials',
        credentialText(credential),
      ),
      line(page, 'ok', 'proxy', proxy ?? 'none'),
      ...mirrors.flatMap(({ location, report: { probes } }) => [
        `mirror ${printable(location)}`,
        ...probes.flatMap((probe) => probeLines(probe, page)),
      ]),
      '',
      `${styled(page, verdict.healthy ? ['bold', 'green'] : ['bold', 'red'], 'verdict:')} ${printable(verdict.text)}`,
      ...(hint === undefined ? [] : [`hint: ${printable(hint)}`]),
    ]
      .map((text) => wrapped(text, page))
      .join('\n');
}

function probeLines(probe: Probe, page: Page): readonly string[] {
  const { name, outcome, summary, error } = probe;
  const words = error?.registryErrors[0];
  return [
    line(page, outcome, name, summary),
    ...(words ? [`    registry: ${printable(words.message ?? words.code)}`] : []),
  ];
}

const marks: Readonly<Record<ProbeOutcome, readonly [unicode: string, ascii: string, Style]>> = {
  ok: ['✓', 'ok', 'green'],
  warning: ['!', '!', 'yellow'],
  missing: ['-', '-', 'dim'],
  problem: ['✗', 'x', 'red'],
  skipped: ['·', '.', 'dim'],
};

const nameWidth = 14;

function line(page: Page, outcome: ProbeOutcome, name: string, text: string): string {
  const [unicode, ascii, style] = marks[outcome];
  const mark = styled(page, style, page.unicode ? unicode : ascii.padEnd(2));
  return `${mark} ${name.padEnd(nameWidth)} ${printable(text)}`;
}

function credentialText(credential: CredentialReport | OciError): string {
  if (credential instanceof OciError) return credential.message;
  const { kind, username, from } = credential;
  if (kind === 'anonymous') return 'none found: anonymous';
  const of = username === undefined ? '' : ` of ${username}`;
  return `${kind}${of}, from ${from ?? 'the program'}`;
}

function jsonOf(examination: Examination, verdict: Verdict): object {
  const { report, credential, proxy, mirrors } = examination;
  return {
    registry: report.host,
    origin: report.origin,
    healthy: verdict.healthy,
    verdict: verdict.text,
    credential:
      credential instanceof OciError
        ? { kind: 'unknown', username: null, from: null, error: credential.message }
        : {
            kind: credential.kind,
            username: credential.username ?? null,
            from: credential.from ?? null,
            error: null,
          },
    proxy: proxy ?? null,
    probes: report.probes.map(probeJson),
    mirrors: mirrors.map(({ location, report: { probes } }) => ({
      location,
      probes: probes.map(probeJson),
    })),
  };
}

function probeJson({ name, outcome, summary, evidence, error }: Probe): object {
  return {
    name,
    outcome,
    summary,
    evidence: evidence ?? null,
    error: error ? { code: error.code, message: error.message, hint: hintOf(error) ?? null } : null,
  };
}
