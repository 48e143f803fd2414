import type { ServerResponse } from 'node:http';

/** For every answer: nothing of it is a page of others, and other sites may not read or frame it. */
const headers = Object.entries({
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
});

export function setSecurityHeaders(response: ServerResponse, isTls: boolean): void {
  for (const [name, value] of headers) response.setHeader(name, value);
  if (isTls) response.setHeader('strict-transport-security', 'max-age=31536000');
}
