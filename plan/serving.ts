import { shortDigest, type FileRef } from './artifact.js';

/** Who answers requests of a service, by its own account. */
export interface ServingIdentity {
  version: string;
  /** SHA-256 of the model file that it loaded. */
  sha256: string;
}

export function isSameIdentity(a: ServingIdentity, b: ServingIdentity): boolean {
  return a.version === b.version && a.sha256 === b.sha256;
}

/** `version 3 (0123456789ab)`. */
export function identityText({ version, sha256 }: ServingIdentity): string {
  return `version ${version} (${shortDigest(sha256)})`;
}

/** The file of a model that a server loads: the first `model/model.*`. `model.json` describes a model and does not count. */
export function servedFile<F extends Pick<FileRef, 'path'>>(files: readonly F[]): F | undefined {
  return files.find(({ path }) => /^model\/model\.[^/]+$/.test(path) && path !== 'model/model.json');
}

/** How often the users' own address is asked who answers. */
export const servingProbes = 100;

/** What was heard at the users' own address. */
export interface ProbesJudged {
  probes: number;
  matched: number;
  /** Who else answered, or how a probe failed, with how often; the most frequent first. */
  mismatches: { answer: string; count: number }[];
  /** Every answer was the expected one. */
  healthy: boolean;
}

/** Compares each answer with who should have answered; a text says how a probe failed. */
export function judgeProbes(expected: ServingIdentity, answers: readonly (ServingIdentity | string)[]): ProbesJudged {
  const others = new Map<string, number>();
  for (const said of answers) {
    if (typeof said !== 'string' && isSameIdentity(said, expected)) continue;
    const answer = typeof said === 'string' ? said : identityText(said);
    others.set(answer, (others.get(answer) ?? 0) + 1);
  }
  const mismatches = [...others].map(([answer, count]) => ({ answer, count })).sort((a, b) => b.count - a.count);
  const probes = answers.length;
  const matched = probes - mismatches.reduce((sum, { count }) => sum + count, 0);
  return { probes, matched, mismatches, healthy: matched === probes };
}
