import {
  type Descriptor,
  type Digest,
  type RepositoryName,
  type Tag,
  childrenOf,
  isTag,
  parseDigest,
} from '@oci/spec-types';
import { registryPaths } from '@oci/spec-types/registry-api';

import { repositoryScope } from '../authorization/scope.js';
import { checkRangeAnswer } from '../download/range-answer.js';
import { header } from '../transport/exchange.js';
import { listOf } from './host-probes.js';
import type { Patient } from './patient.js';
import type { Finding } from './probe.js';

/** Of nothing that anybody has: asked for only to learn which requests are understood. */
const noDigest: Digest = parseDigest(`sha256:${'0'.repeat(64)}`);

/**
 * Finds a tag to look at further; undefined in an empty repository.
 *
 * @param mayBegin a repository that is not there yet is no problem where a push may begin it
 */
export async function probeTags(
  patient: Patient,
  name: RepositoryName,
  mayBegin: boolean,
): Promise<{ readonly finding: Finding<'tags'>; readonly tag: Tag | undefined }> {
  const path = `${registryPaths.tags(name)}?n=1`;
  const scopes = [repositoryScope(name, 'pull')];
  const response = await patient.send({ method: 'GET', path, scopes });
  const list = await listOf(patient, response, 'tags');
  if (!list && response.status === 404) {
    const summary = `There is no repository ${name}`;
    return { finding: { outcome: mayBegin ? 'skipped' : 'problem', summary }, tag: undefined };
  }
  if (!list) {
    const summary = `It lists no tags of ${name} (${response.status})`;
    return { finding: { outcome: 'problem', summary }, tag: undefined };
  }
  const tag = list.find((entry): entry is Tag => typeof entry === 'string' && isTag(entry));
  const hasMore = header(response, 'link') !== undefined;
  const evidence = { tags: list.length, hasMore };
  const finding = ((): Finding<'tags'> => {
    if (hasMore) return { outcome: 'ok', summary: 'It lists tags in pages', evidence };
    if (list.length > 1)
      return {
        outcome: 'missing',
        summary: 'It lists all tags at once, whatever is asked for',
        evidence,
      };
    const summary = 'There are too few tags to see whether they come in pages';
    return { outcome: 'skipped', summary, evidence };
  })();
  return { finding, tag };
}

export async function probeManifests(
  patient: Patient,
  name: RepositoryName,
  tag: Tag,
): Promise<Finding<'manifests'>> {
  const path = registryPaths.manifest(name, tag);
  const scopes = [repositoryScope(name, 'pull')];
  const { mediaType } = await patient.repository(name).resolve(tag, patient.call);
  const headers = { accept: mediaType };
  const response = await patient.send({ method: 'HEAD', path, scopes, headers });
  await response.body.dump();
  const digestHeader = header(response, 'docker-content-digest') !== undefined;
  const evidence = { digestHeader, mediaType };
  return digestHeader
    ? { outcome: 'ok', summary: 'It resolves tags without sending the manifest', evidence }
    : {
        outcome: 'missing',
        summary: 'It sends no digest: each tag is fetched to be resolved',
        evidence,
      };
}

/** Asks for one byte of the smallest content that has two. */
export async function probeRanges(
  patient: Patient,
  name: RepositoryName,
  tag: Tag,
): Promise<Finding<'ranges'>> {
  const blob = await smallestBlob(patient, name, tag);
  if (!blob) return { outcome: 'skipped', summary: `${name}:${tag} has no blob to try it with` };
  const response = await patient.send({
    method: 'GET',
    path: registryPaths.blob(name, blob.digest),
    scopes: [repositoryScope(name, 'pull')],
    headers: { range: 'bytes=0-0' },
  });
  response.body.destroy();
  const { status, url } = response;
  const evidence = { status, servedBy: url.host };
  try {
    checkRangeAnswer(response, { start: 0, end: 1, blob });
  } catch (error) {
    const why = error instanceof Error ? error.message : 'it does not';
    const summary = `It does not serve parts of a blob, so downloads are neither parallel nor resumed: ${why}`;
    return { outcome: 'missing', summary, evidence };
  }
  return { outcome: 'ok', summary: 'It serves parts of a blob', evidence };
}

export async function probeReferrers(
  patient: Patient,
  name: RepositoryName,
): Promise<Finding<'referrers'>> {
  const path = registryPaths.referrers(name, noDigest);
  const response = await patient.send({
    method: 'GET',
    path,
    scopes: [repositoryScope(name, 'pull')],
  });
  await response.body.dump();
  const { status } = response;
  return status === 200
    ? { outcome: 'ok', summary: 'It has the referrers API', evidence: { status } }
    : {
        outcome: 'missing',
        summary: 'It has no referrers API: signatures and SBOMs are listed under a tag',
        evidence: { status },
      };
}

async function smallestBlob(
  patient: Patient,
  name: RepositoryName,
  tag: Tag,
): Promise<Descriptor | undefined> {
  const repository = patient.repository(name);
  let descriptor: Descriptor | undefined = await repository.resolve(tag, patient.call);
  for (let depth = 0; descriptor && depth < 3; depth += 1) {
    const manifest = await repository.fetchManifest(descriptor, patient.call);
    if (manifest.kind === 'image') {
      return childrenOf(manifest)
        .filter(({ size, urls }) => size >= 2 && urls === undefined)
        .sort((a, b) => a.size - b.size)[0];
    }
    [descriptor] = manifest.document.manifests;
  }
  return undefined;
}
