import { registryPaths } from '@oci/spec-types/registry-api';
import { redact } from '@oci/spec-types/text';

import { parseChallenges } from '../authorization/challenge.js';
import { catalogScope } from '../authorization/scope.js';
import { proxyFromEnvironment } from '../proxy/proxy-options.js';
import { proxyPolicy } from '../proxy/proxy-policy.js';
import { type RegistryResponse, header } from '../transport/exchange.js';
import { readBody } from '../transport/bounded-body.js';
import type { Patient } from './patient.js';
import type { Finding } from './probe.js';
import { tlsFacts } from './tls-facts.js';

/** Before a certificate ends, somebody has to have this long to renew it. Days. */
const renewalDays = 14;
/** Beyond this, tokens are refused as too old or too new. Seconds. */
const toleratedSkew = 60;

/** The first answer, which says more than whether there is one. */
export interface FirstAnswer {
  readonly response: RegistryResponse;
  readonly sentAt: number;
  readonly receivedAt: number;
}

export async function firstAnswer(patient: Patient): Promise<FirstAnswer> {
  const sentAt = Date.now();
  const response = await patient.send({ method: 'GET', isBare: true });
  await response.body.dump();
  return { response, sentAt, receivedAt: Date.now() };
}

export function probeConnection(
  { origin }: Patient,
  { response, sentAt, receivedAt }: FirstAnswer,
): Finding<'connection'> {
  const { status } = response;
  const ms = receivedAt - sentAt;
  const isRegistry = status === 200 || status === 401;
  return {
    outcome: isRegistry ? 'ok' : 'problem',
    summary: isRegistry
      ? `${origin.origin} answers in ${ms} ms`
      : `${origin.origin} answers /v2/ with ${status}: perhaps it is no registry`,
    evidence: { status, ms },
  };
}

export async function probeTls(patient: Patient): Promise<Finding<'tls'>> {
  const { origin, options, call } = patient;
  if (origin.protocol === 'http:')
    return { outcome: 'skipped', summary: 'It is spoken to over HTTP, which protects nothing.' };
  const { proxy = proxyFromEnvironment() } = options;
  if (proxy !== false && proxyPolicy(proxy)(origin))
    return { outcome: 'skipped', summary: 'It is reached through a proxy.' };
  const timeoutMs = options.timeouts?.connectMs ?? 10_000;
  const evidence = await tlsFacts(origin, options, { timeoutMs, signal: call.signal });
  const { isTrusted, reason, daysLeft, protocol } = evidence;
  if (!isTrusted) {
    const outcome = options.insecure === true ? 'warning' : 'problem';
    return { outcome, summary: `Its certificate is not trusted: ${reason}`, evidence };
  }
  const ends = `its certificate ends in ${daysLeft} days`;
  if (daysLeft < renewalDays)
    return { outcome: 'warning', summary: `It is trusted, but ${ends}`, evidence };
  return { outcome: 'ok', summary: `${protocol}; it is trusted, and ${ends}`, evidence };
}

export function probeApi({ response }: FirstAnswer): Finding<'api'> {
  const version = header(response, 'docker-distribution-api-version')?.slice(0, 100);
  if (version !== undefined && /\bregistry\/2\.0\b/.test(version))
    return { outcome: 'ok', summary: `It says that it is ${version}`, evidence: { version } };
  const summary = 'It does not say that it is registry/2.0, which old clients want';
  return { outcome: 'missing', summary, evidence: { version } };
}

export function probeClock({ response, sentAt, receivedAt }: FirstAnswer): Finding<'clock'> {
  const time = Date.parse(header(response, 'date') ?? '');
  if (Number.isNaN(time)) return { outcome: 'skipped', summary: 'It does not say what time it is' };
  // Its clock tells whole seconds, of some moment between the two of ours.
  const skew =
    time + 999 < sentAt ? time + 999 - sentAt : time > receivedAt ? time - receivedAt : 0;
  const skewSeconds = Math.round(skew / 1000);
  const evidence = { registryTime: new Date(time).toISOString(), skewSeconds };
  if (Math.abs(skewSeconds) <= toleratedSkew)
    return { outcome: 'ok', summary: 'Its clock and ours agree', evidence };
  const direction = skewSeconds > 0 ? 'ahead of' : 'behind';
  const summary = `Its clock is ${Math.abs(skewSeconds)} s ${direction} ours: tokens may be refused`;
  return { outcome: 'warning', summary, evidence };
}

export async function probeAuthentication(
  patient: Patient,
  first: FirstAnswer,
): Promise<Finding<'authentication'>> {
  const lines = [first.response.headers['www-authenticate'] ?? []].flat();
  const challenges = parseChallenges(lines);
  const challenge =
    challenges.find(({ scheme }) => scheme === 'bearer') ?? challenges[0] ?? undefined;
  const scheme = challenge?.scheme ?? 'none';
  const { realm, service } = challenge?.parameters ?? {};
  const known = {
    scheme,
    ...(realm !== undefined && { realm: redact(realm.slice(0, 500)) }),
    ...(service !== undefined && { service: service.slice(0, 200) }),
  };
  const response = await patient.send({ method: 'GET' });
  await response.body.dump();
  const isLetIn = response.status === 200;
  const { authorizedAs: credential } = response;
  const evidence = { ...known, isLetIn, ...(credential !== undefined && { credential }) };
  const as = credential === undefined ? '' : ` as ${credential}`;
  if (isLetIn) {
    const how = scheme === 'none' ? 'Everybody is let in' : `It lets us in by ${scheme}${as}`;
    return { outcome: 'ok', summary: how, evidence };
  }
  const summary = `It wants ${scheme} authentication, and does not let us in${as} (${response.status})`;
  return { outcome: 'problem', summary, evidence };
}

export async function probeCatalog(patient: Patient): Promise<Finding<'catalog'>> {
  const path = `${registryPaths.catalog()}?n=1`;
  const response = await patient.send({ method: 'GET', path, scopes: [catalogScope] });
  const list = await listOf(patient, response, 'repositories');
  if (!list) {
    const summary = `It lists no repositories (${response.status}), as many registries don't`;
    return { outcome: 'missing', summary };
  }
  const evidence = { repositories: list.length, hasMore: header(response, 'link') !== undefined };
  return { outcome: 'ok', summary: 'It lists its repositories', evidence };
}

/** The entries of a page; undefined for an answer that is none. */
export async function listOf(
  { origin, options }: Patient,
  response: RegistryResponse,
  member: 'tags' | 'repositories',
): Promise<readonly unknown[] | undefined> {
  const request = { url: origin, method: 'GET' } as const;
  const most = options.limits?.pageBytes ?? 4 * 1024 * 1024;
  const body = await readBody(response, most, request);
  if (response.status !== 200) return undefined;
  try {
    const value = JSON.parse(body.toString('utf8')) as Readonly<Record<string, unknown>> | null;
    const list = value?.[member] ?? [];
    return Array.isArray(list) ? list : undefined;
  } catch {
    return undefined;
  }
}
