import type { RegistryEvent } from './journal.js';

/** An event in the JSON format of CloudEvents 1.0, as it is stored and sent. */
export interface CloudEvent {
  readonly specversion: '1.0';
  readonly id: string;
  /** A URI reference; with the id it names the event. */
  readonly source: string;
  readonly type: `dev.oci-server.${RegistryEvent['type'] | 'ping'}`;
  readonly subject?: string;
  /** RFC 3339. */
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly data: Readonly<Record<string, unknown>>;
}

/** What tells one event from all others. */
export interface EventIdentity {
  readonly id: string;
  readonly source: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

/** Tags that one event lists. */
const maxTags = 100;
/** UTF-16 units of a text that the registry does not bound. */
const maxTextLength = 255;

/** The form in which webhooks get an event; of a bounded size, whatever clients push. */
export function cloudEventOf(event: RegistryEvent, identity: EventIdentity): CloudEvent {
  const { by } = event;
  const data = {
    repository: event.repository,
    ...dataOf(event),
    who: by ? clipped(by.who) : 'server',
    ...(by && { request_id: by.requestId }),
  };
  return envelope(identity, { type: event.type, subject: subjectOf(event), data });
}

/** An event by which an administrator tries a webhook. */
export function pingOf(identity: EventIdentity, webhook: string): CloudEvent {
  return envelope(identity, { type: 'ping', data: { webhook } });
}

function envelope(
  { id, source, time }: EventIdentity,
  {
    type,
    subject,
    data,
  }: {
    readonly type: RegistryEvent['type'] | 'ping';
    readonly subject?: string;
    readonly data: CloudEvent['data'];
  },
): CloudEvent {
  return {
    specversion: '1.0',
    id,
    source,
    type: `dev.oci-server.${type}`,
    ...(subject !== undefined && { subject }),
    time: new Date(time).toISOString(),
    datacontenttype: 'application/json',
    data,
  };
}

function subjectOf(event: RegistryEvent): string {
  switch (event.type) {
    case 'manifest.pushed':
    case 'manifest.deleted':
      return `${event.repository}@${event.digest}`;
    case 'tag.deleted':
      return `${event.repository}:${event.tag}`;
    case 'quota.reached':
      return event.namespace;
  }
}

function dataOf(event: RegistryEvent): CloudEvent['data'] {
  switch (event.type) {
    case 'manifest.pushed': {
      const { artifactType } = event;
      return {
        ...tagsOf(event.tags),
        ...contentOf(event),
        ...(artifactType !== undefined && { artifact_type: clipped(artifactType) }),
      };
    }
    case 'manifest.deleted':
      return { ...tagsOf(event.tags), ...contentOf(event) };
    case 'tag.deleted':
      return { ...tagsOf([event.tag]), ...contentOf(event) };
    case 'quota.reached': {
      const { namespace, limit, used } = event;
      return { namespace, limit, used };
    }
  }
}

function tagsOf(tags: readonly string[]): CloudEvent['data'] {
  const left = tags.length - maxTags;
  return { tags: tags.slice(0, maxTags), ...(left > 0 && { more_tags: left }) };
}

function contentOf({
  digest,
  mediaType,
  size,
}: {
  readonly digest: string;
  readonly mediaType: string;
  readonly size: number;
}): CloudEvent['data'] {
  return { digest, media_type: clipped(mediaType), size };
}

function clipped(text: string): string {
  return text.length <= maxTextLength ? text : `${text.slice(0, maxTextLength)}…`;
}
