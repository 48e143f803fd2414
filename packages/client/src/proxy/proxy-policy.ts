import { BlockList, isIP } from 'node:net';

import { isLoopback } from '@oci/spec-types/node';

import { type ProxyOptions, parseProxies } from './proxy-options.js';

/** A decision for each URL: the proxy, or undefined for a direct connection. */
export type ProxyPolicy = (url: URL) => URL | undefined;

/** @param given as for {@link parseProxies}, which says what it throws */
export function proxyPolicy(given: ProxyOptions | false | undefined): ProxyPolicy {
  const { http, https, noProxy } = parseProxies(given);
  if (!http && !https) return () => undefined;
  const exceptions = noProxy
    .split(/[\s,]+/)
    .filter(Boolean)
    .map((text) => parseException(text.toLowerCase()));
  return (url) => {
    const proxy = url.protocol === 'https:' ? https : http;
    const target = targetOf(url);
    if (!proxy || isOfThisMachine(target.host)) return undefined;
    return exceptions.some((excepts) => excepts(target)) ? undefined : proxy;
  };
}

interface Target {
  readonly host: string;
  readonly port: string;
}

function targetOf(url: URL): Target {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return { host: url.hostname.replace(/^\[|\]$/g, '').toLowerCase(), port };
}

/** Loopback is never behind a proxy, as in Go; nor are names below `.localhost`, which a proxy has for itself. */
function isOfThisMachine(host: string): boolean {
  return isLoopback(host) || host.endsWith('.localhost');
}

function parseException(text: string): (target: Target) => boolean {
  if (text === '*') return () => true;
  const network = /^([0-9a-f.:]+)\/(\d{1,3})$/.exec(text);
  if (network) return inNetwork(network[1] ?? '', Number(network[2]));
  const [, host = '', port] = /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(text) ?? [];
  const name = isIP(text) === 6 ? text : host;
  const suffix = name.replace(/^\*?\./, '');
  return (target) =>
    (port === undefined || isIP(text) === 6 || port === target.port) &&
    (target.host === suffix || (isIP(suffix) === 0 && target.host.endsWith(`.${suffix}`)));
}

function inNetwork(address: string, prefix: number): (target: Target) => boolean {
  const family = isIP(address);
  if (family === 0 || prefix > (family === 4 ? 32 : 128)) return () => false;
  const network = new BlockList();
  network.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
  return ({ host }) => isIP(host) === family && network.check(host, family === 4 ? 'ipv4' : 'ipv6');
}
