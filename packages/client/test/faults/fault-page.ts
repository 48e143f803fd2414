import type { FaultResult, FaultRow } from './fault-row.js';

/** A table with what was seen of its rows. */
export interface SeenTable {
  readonly title: string;
  readonly rows: readonly { readonly row: FaultRow; readonly result: FaultResult }[];
}

const columns = ['fault', 'asked for', 'what the client did', 'outcome'];

/** The page of all faults, as `docs/faults.md` holds it. */
export function faultPage(tables: readonly SeenTable[]): string {
  const count = tables.reduce((sum, { rows }) => sum + rows.length, 0);
  const intro = `# Faults

What the client does when something breaks: ${count} faults, each made on purpose on a real server of the test
suite (\`packages/client/test/faults\`). The suite writes this page, and fails when it is not what was seen:
\`OCI_WRITE_FAULTS=1 pnpm --filter @oci/client exec vitest run test/faults\`.

An outcome in capitals is an [error code](errors.md); any other says that it went well, and that the
bytes were checked. Downloads ask for ranges of 100 000 bytes, one after another, so that what is seen is
the same each time; \`x3\` is three in a row.
`;
  return `${intro}\n${tables.map(sectionOf).join('\n')}`;
}

function sectionOf({ title, rows }: SeenTable): string {
  const cells = rows.map(({ row, result }) =>
    [row.fault, row.operation, result.did, codeOf(result.outcome)].map((text) =>
      text.replaceAll('|', '\\|'),
    ),
  );
  const widths = columns.map((column, at) =>
    Math.max(column.length, ...cells.map((line) => line[at]?.length ?? 0)),
  );
  const lineOf = (line: readonly string[]): string =>
    `| ${line.map((text, at) => text.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [`## ${title}`, '', lineOf(columns), rule, ...cells.map(lineOf), ''].join('\n');
}

function codeOf(outcome: string): string {
  return /^[A-Z_]+$/.test(outcome) ? `\`${outcome}\`` : outcome;
}
