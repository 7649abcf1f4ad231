import { execFileSync } from 'node:child_process';
import type { Campaign, Piece } from './campaign.js';
import { numbersOf } from './numbers.js';
import { inTurn, shuffled } from './order.js';
import { aloneWithin, secondsOf } from './run.js';
import { repository, type Site } from './site.js';

/** A few pieces of all campaigns that are made of small ones: as many as fit until then, others for each seed. */
export async function sliceOf(
  campaigns: readonly Campaign[],
  o: { site: Site; seed: number; until: number; lanes: number },
): Promise<Piece[]> {
  const drawn = await Promise.all(
    campaigns
      .filter(({ share = 0 }) => share > 0)
      .map(async ({ name, share = 0, pieces }) => {
        const given = { seed: o.seed, round: 0, numbers: numbersOf(name, false, {}), site: o.site };
        return { share, items: shuffled(await pieces(given), o.seed) };
      }),
  );
  // Which campaign comes first is drawn too: the last ones of a turn may not fit.
  return fitting(inTurn(shuffled(drawn, o.seed)), (o.until - Date.now()) / 1_000, o.lanes);
}

/** The first pieces that fill the time: those that run side by side, and those that run alone after them. */
export function fitting(pieces: readonly Piece[], seconds: number, lanes: number): Piece[] {
  const taken = aloneWithin(pieces, seconds);
  let beside = (seconds - secondsOf(taken)) * lanes;
  return pieces.filter((p) => (p.alone === true ? taken.includes(p) : (beside -= p.seconds) >= 0));
}

/** A number of the commit that is checked out, so that each commit has other pieces; undefined where there is no git. */
export function seedOfCommit(): number | undefined {
  try {
    const said = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: repository, encoding: 'utf8', stdio: 'pipe' });
    return Number.parseInt(said.slice(0, 7), 16);
  } catch {
    return undefined;
  }
}
