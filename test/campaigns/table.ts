import { soak } from '../soak/soak.js';
import type { Campaign, Given, Piece } from './campaign.js';
import * as harness from './harness-pieces.js';
import { repository } from './site.js';
import { tests } from './tests-piece.js';

/** All of them. `docs/faults.md` has the same table. */
export const campaigns: readonly Campaign[] = [
  {
    name: 'sweep',
    rows: ['I-01', 'I-02', 'I-03', 'I-04', 'I-05', 'I-06', 'I-07', 'I-36', 'I-65'],
    disturbs:
      'the worker is killed before and after each call of the reference run and of its rollback; changed bytes, doubled approvals, late messages',
    minutes: 40,
    passes: 'each run ends as an undisturbed one',
    share: 4,
    pieces: harness.sweep,
  },
  {
    name: 'seeds',
    rows: ['I-01', 'I-02', 'I-04', 'I-05', 'I-07'],
    disturbs: 'one to four faults of all kinds at random places',
    minutes: 15,
    passes: 'each run is promoted or rolled back',
    asks: 500,
    share: 2,
    pieces: harness.seeds,
  },
  {
    name: 'graceful-ends',
    rows: ['I-08'],
    disturbs: 'the worker is asked to end (SIGTERM) before and after each call',
    minutes: 30,
    passes: 'it ends with 0 within its grace of 10 s and 2 s, and no attempt is counted',
    asks: 100,
    share: 1,
    pieces: harness.gracefulEnds,
  },
  {
    name: 'hangs',
    rows: ['I-09', 'I-31'],
    disturbs:
      'the worker, or a job of an earlier attempt, is stopped (SIGSTOP) amid an effect, and goes on when another has done the work',
    minutes: 40,
    passes: 'what comes late is refused, or made good',
    asks: 100,
    share: 1,
    pieces: harness.hangs,
  },
  {
    name: 'jobs',
    rows: ['I-02', 'I-25', 'I-34'],
    disturbs:
      'the worker is killed around the submission, the first poll and the stop of a job, and where its launcher is not recorded yet',
    minutes: 5,
    passes: 'one job begins, and none is left of a cancelled run',
    share: 1,
    pieces: harness.jobs,
  },
  {
    name: 'slow-temporal',
    rows: ['I-18'],
    disturbs: 'what Temporal is told and says comes late, and one piece of data in a hundred resets its connection',
    minutes: 10,
    passes: 'each run ends as an undisturbed one',
    asks: 50,
    share: 1,
    pieces: harness.slow,
  },
  {
    name: 'restored-server',
    rows: ['I-21'],
    disturbs: 'the Temporal server is killed and comes back from an older copy of its database',
    minutes: 5,
    passes: 'what is done once more finds what is there',
    asks: 50,
    share: 1,
    pieces: harness.restored,
  },
  {
    name: 'planted-bugs',
    rows: ['I-01', 'I-02', 'I-05', 'I-09', 'I-36', 'I-65'],
    disturbs: 'a bug is planted into a copy of the product',
    minutes: 5,
    passes: 'the checkers see each bug',
    share: 1,
    pieces: harness.planted,
  },
  {
    name: 'store-bursts',
    rows: ['I-35'],
    disturbs: 'the store answers 503, 500 or not at all for a while',
    minutes: 10,
    passes: 'each run ends, stores once, and asks at most 20 times for each object',
    asks: 50,
    share: 1,
    pieces: harness.storeBursts,
  },
  {
    name: 'black-holes',
    rows: ['I-79'],
    disturbs: 'store, registry, metrics or router accept and never answer, from each call on for a while',
    minutes: 20,
    passes: 'each run ends, and no activity lasts longer than it may and 2 s',
    share: 1,
    pieces: harness.blackHoles,
  },
  {
    name: 'killed-workers',
    rows: ['I-10'],
    disturbs: 'one of two workers is killed again and again',
    minutes: 3,
    passes: 'each run completes; in the long course 95 % within 1.5 × the usual time and 25 s for each kill',
    pieces: tests({ project: 'campaigns', files: 'test/campaigns/killed-workers.campaign.ts', seconds: 120 }),
  },
  {
    name: 'takeovers',
    rows: ['I-10'],
    disturbs: 'the worker that watches a job is killed, then another is asked to end',
    minutes: 5,
    passes: 'another goes on with the job within 8 s (fast recovery) or 25 s (usual)',
    pieces: tests({ project: 'campaigns', files: 'test/campaigns/takeover.campaign.ts', seconds: 150 }),
  },
  {
    name: 'busy-worker',
    rows: ['I-12'],
    disturbs: 'the processors are busy, and the event loop of the worker stands still for 8 s twice in each run',
    minutes: 5,
    passes: 'no job is lost or starts twice, no workflow task fails',
    pieces: tests({ project: 'campaigns', files: 'test/campaigns/busy-worker.campaign.ts', seconds: 150 }),
  },
  {
    name: 'poison',
    rows: ['I-13'],
    disturbs: 'a run takes its worker more memory than it has, or kills it late',
    minutes: 5,
    passes: 'it is given up after four deaths at the most, and all other runs complete',
    asks: 10,
    pieces: tests({ project: 'campaigns', files: 'test/campaigns/poison.campaign.ts', seconds: 240 }),
  },
  {
    name: 'backlog',
    rows: ['I-11'],
    disturbs: 'all workers are down while runs wait and their deadlines pass',
    minutes: 2,
    passes: 'all go on by themselves within 5 minutes, and each deadline counts once',
    asks: 5,
    pieces: tests({
      project: 'e2e',
      files: 'test/e2e/worker-process.test.ts',
      titles: 'go on by themselves',
      seconds: 90,
    }),
  },
  {
    name: 'soak',
    rows: ['I-14'],
    disturbs: 'one worker works for hours while 150 runs wait',
    minutes: 240,
    passes: 'its memory and descriptors are flat with 95 % confidence; below two hours that is seldom known',
    pieces: soakPiece,
  },
  {
    name: 'clock',
    rows: ['I-74'],
    disturbs: 'the clock of the worker jumps by two hours, forward and back',
    minutes: 3,
    passes: 'each deadline is met within 1 s, and what waits goes on',
    asks: 10,
    share: 1,
    pieces: tests({ project: 'campaigns', files: 'test/campaigns/clock.campaign.ts', seconds: 45 }),
  },
  {
    name: 'killed-server',
    rows: ['I-15'],
    disturbs: 'the Temporal server is killed amid the calls of 30 clients',
    minutes: 2,
    passes: 'each start, signal and result that was acknowledged is in the history, and its database is whole',
    share: 1,
    pieces: tests({ project: 'campaigns', files: 'test/campaigns/killed-server.campaign.ts', seconds: 35 }),
  },
  {
    name: 'full-disk',
    rows: ['I-20'],
    disturbs: 'the disk of the database of Temporal is full',
    minutes: 3,
    passes: 'a start is refused clearly, with space again all runs go on, and the database is whole',
    share: 1,
    pieces: tests({ project: 'campaigns', files: 'test/campaigns/full-disk.campaign.ts', seconds: 60 }),
  },
  {
    name: 'loud-job',
    rows: ['I-33'],
    disturbs: 'two jobs print much, a third of it on one line, a third garbage',
    minutes: 4,
    passes: 'the worker grows by less than 64 MB, the history by less than 8 KB, and the log is cut',
    asks: 5,
    pieces: tests({ project: 'campaigns', files: 'test/campaigns/loud-job.campaign.ts', seconds: 150 }),
  },
  {
    name: 'kill-storms',
    rows: ['I-25', 'I-32', 'I-34'],
    disturbs: 'jobs by their limits and stops, their launcher, and the worker that watches them',
    minutes: 3,
    passes: 'nothing of a job is left, and one that lives on is adopted',
    pieces: tests({ project: 'contracts', files: 'test/contracts/trainer-process', seconds: 120 }),
  },
  {
    name: 'outage',
    rows: ['I-43'],
    disturbs: 'Temporal is down, then the registry',
    minutes: 3,
    passes: 'the run still waits, says what for, and registers one version',
    asks: 5,
    pieces: tests({ project: 'e2e', files: 'test/e2e/outages.test.ts', seconds: 120 }),
  },
  {
    name: 'upgrades',
    rows: ['I-84'],
    disturbs: 'runs wait while their build is replaced, taken back and killed',
    minutes: 5,
    passes: 'each ends on the build that it began with',
    pieces: tests({ project: 'e2e', files: 'test/e2e/upgrade.test.ts', seconds: 240 }),
  },
  {
    name: 'slurm',
    rows: ['I-02', 'I-25', 'I-32'],
    disturbs: "jobs on Debian's Slurm of one node; needs root, slurm-wlm and munge",
    minutes: 5,
    passes: 'the contract of trainers holds there',
    pieces: tests({ project: 'campaigns', files: 'test/campaigns/slurm.campaign.ts', seconds: 240 }),
  },
  {
    name: 'ray',
    rows: ['I-02', 'I-25', 'I-32'],
    disturbs: 'jobs on a Ray of one node',
    minutes: 10,
    passes: 'the contract of trainers holds there',
    pieces: tests({ project: 'campaigns', files: 'test/campaigns/ray.campaign.ts', seconds: 500 }),
  },
  {
    name: 'kubernetes',
    rows: ['I-02', 'I-25', 'I-32'],
    disturbs: 'jobs on a real API server, which is killed; it is built once, in a quarter of an hour',
    minutes: 30,
    passes: 'the contract of trainers holds there',
    pieces: tests({ project: 'campaigns', files: 'test/campaigns/kubernetes.campaign.ts', seconds: 600 }),
  },
];

function soakPiece({ numbers, site }: Given): Piece[] {
  const { 'warm-up': warmUp = 30, every = 30, pause = 3 } = numbers;
  const run = async (seconds: number) => {
    // Bringing everything up is a part of the time; so is ending it.
    const hours = Math.min(seconds, 4 * 3_600) / 3_600;
    const pace = { hours, warmUp: warmUp / 60, everyMs: every * 1_000, pauseMs: pause * 1_000, signal: site.signal };
    const found = await soak(repository, pace);
    const violations = found.verdict === 'flat' ? [] : [`I-14: the verdict is ${found.verdict}`];
    return { name: 'soak', faults: 0, fired: 0, finished: true, violations, note: JSON.stringify(found), seconds };
  };
  return [{ name: 'soak', seconds: warmUp * 60, alone: true, fills: true, run }];
}
