/** Something about a package or extension that is wrong, or may be. */
export interface Finding {
  readonly severity: 'error' | 'warning';
  /** Of the file, relative to the package; `.` is all of it. */
  readonly path: string;
  readonly message: string;
}

export function error(path: string, message: string): Finding {
  return { severity: 'error', path, message };
}

export function warning(path: string, message: string): Finding {
  return { severity: 'warning', path, message };
}

/** Errors first, otherwise in their order. */
export function sortFindings(findings: readonly Finding[]): readonly Finding[] {
  return [...findings].sort((a, b) =>
    a.severity === b.severity ? 0 : a.severity === 'error' ? -1 : 1,
  );
}

export function hasErrors(findings: readonly Finding[]): boolean {
  return findings.some(({ severity }) => severity === 'error');
}
