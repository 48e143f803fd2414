import type { Fault } from '@oci/testing';

import type { FaultRow, FaultTable } from './fault-row.js';

const once = { times: 1 } as const;
const error = (code: string): object => ({ errors: [{ code, message: 'said by the registry' }] });
const inSeconds = (value: string): Fault['headers'] => ({ 'retry-after': value });

function row(fault: string, rule: Partial<Fault>, outcome: string): FaultRow {
  return {
    fault,
    operation: 'read a manifest',
    faults: [{ path: '/manifests/', ...rule }],
    outcome,
  };
}

export const answerFaults: FaultTable = {
  title: 'Answers',
  rows: [
    row('400', { status: 400, body: error('NAME_INVALID') }, 'PROTOCOL'),
    row('401 without a challenge', { status: 401 }, 'UNAUTHORIZED'),
    row(
      '401 with a challenge that makes no sense',
      { status: 401, headers: { 'www-authenticate': 'Bearer ,,="' } },
      'UNAUTHORIZED',
    ),
    row(
      '401 with a token server that is no URL',
      { status: 401, headers: { 'www-authenticate': 'Bearer realm="nowhere"' } },
      'PROTOCOL',
    ),
    row(
      '401 with a token server that is a file',
      { status: 401, headers: { 'www-authenticate': 'Bearer realm="file:///etc/passwd"' } },
      'POLICY_REFUSED',
    ),
    row('403', { status: 403, body: error('DENIED') }, 'DENIED'),
    row(
      '404 for the manifest',
      { status: 404, body: error('MANIFEST_UNKNOWN') },
      'MANIFEST_UNKNOWN',
    ),
    row('404 for the repository', { status: 404, body: error('NAME_UNKNOWN') }, 'NAME_UNKNOWN'),
    row('404 with a page for people', { status: 404, body: '<html>' }, 'MANIFEST_UNKNOWN'),
    row('405', { status: 405 }, 'UNSUPPORTED'),
    row('408 once', { status: 408, ...once }, 'read'),
    row('429 once', { status: 429, ...once }, 'read'),
    row('429 always', { status: 429 }, 'RATE_LIMITED'),
    row(
      '429 with Retry-After in seconds',
      { status: 429, headers: inSeconds('1'), ...once },
      'read',
    ),
    row(
      '429 with Retry-After beyond what is waited for',
      { status: 429, headers: inSeconds('3600') },
      'RATE_LIMITED',
    ),
    row(
      '429 with Retry-After that makes no sense',
      { status: 429, headers: inSeconds('soon'), ...once },
      'read',
    ),
    row(
      '429 with Retry-After in the past',
      { status: 429, headers: inSeconds('Wed, 21 Oct 2015 07:28:00 GMT'), ...once },
      'read',
    ),
    row('500 once', { status: 500, ...once }, 'read'),
    row('502 twice', { status: 502, times: 2 }, 'read'),
    row('503 with Retry-After', { status: 503, headers: inSeconds('1'), ...once }, 'read'),
    row('503 always', { status: 503 }, 'REGISTRY_UNAVAILABLE'),
    row('an error body without end', { status: 403, endless: true }, 'DENIED'),
    row('200 with a page for people', { status: 200, body: '<html>' }, 'DOCUMENT_INVALID'),
    row('200 without a body', { status: 200 }, 'DOCUMENT_INVALID'),
    row('204 where content is expected', { status: 204 }, 'PROTOCOL'),
    row('a redirect in a circle', { redirect: (path) => path }, 'PROTOCOL'),
    row('a redirect to what is no URL', { redirect: 'http://' }, 'PROTOCOL'),
    row('a redirect to a file', { redirect: 'file:///etc/passwd' }, 'POLICY_REFUSED'),
    row('a redirect without a Location', { status: 307 }, 'PROTOCOL'),
    {
      fault: 'a redirect of an upload that would change its method',
      operation: 'push a manifest',
      faults: [{ method: 'PUT', path: '/manifests/', status: 302, headers: { location: '/v2/' } }],
      outcome: 'PROTOCOL',
    },
  ],
};
