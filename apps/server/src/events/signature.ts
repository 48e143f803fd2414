import { createHmac } from 'node:crypto';

/** What a signature covers. */
export interface SignedMessage {
  readonly id: string;
  /** Seconds since the epoch at which it is sent. */
  readonly timestamp: number;
  readonly body: string;
}

/** The headers that let a receiver check who sent a message (Standard Webhooks): a signature for each secret. */
export function signatureHeaders(
  { id, timestamp, body }: SignedMessage,
  secrets: readonly Uint8Array[],
): Readonly<Record<string, string>> {
  const signatures = secrets.map((secret) => {
    const signature = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`);
    return `v1,${signature.digest('base64')}`;
  });
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatures.join(' '),
  };
}
