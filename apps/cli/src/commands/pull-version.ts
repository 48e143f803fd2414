import { type Candidates, isVersionRange, newestWanted } from '@oci/extensions';
import { OciError } from '@oci/spec-types';

/**
 * The newest published version within a range. What is no range stays as it is, for the pull to refuse.
 *
 * @throws OciError `MANIFEST_UNKNOWN`, and what listing can fail with
 */
export async function newestWithin(
  range: string,
  of: { readonly name: string; readonly list: () => Promise<Candidates> },
): Promise<string> {
  if (!isVersionRange(range)) return range;
  const candidates = await of.list();
  const { versions } = candidates;
  const newest = await newestWanted(candidates, range);
  if (newest !== undefined) return newest;
  throw new OciError('MANIFEST_UNKNOWN', `no version of ${of.name} is within ${range}`, {
    hint:
      versions.length === 0
        ? 'It has none. See where it is looked for: ocictl config show'
        : `The newest are ${versions.slice(-5).join(', ')}.`,
  });
}
