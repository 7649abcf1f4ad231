import { z } from 'zod';

const mostNumbers = 50;

/**
 * The numbers by which a job tells how far it is. What three of them mean is fixed (docs/job-contract.md): `progress` is a share of
 * the work, from 0 to 1; `step` and `epoch` count from 0. They may go back: a job that trains five folds counts five times.
 */
export const progressNumbers = z
  .record(z.string().min(1).max(200), z.number())
  .refine((numbers) => Object.keys(numbers).length <= mostNumbers, `at most ${mostNumbers} numbers`)
  .refine(({ progress = 0 }) => progress >= 0 && progress <= 1, { message: 'from 0 to 1', path: ['progress'] })
  .refine(({ step = 0 }) => step >= 0, { message: 'at least 0', path: ['step'] })
  .refine(({ epoch = 0 }) => epoch >= 0, { message: 'at least 0', path: ['epoch'] });

/** The same of a launcher, which may be of another release: what is out of bounds is passed over, as by those of this one. */
export const launcherProgress = z.record(z.string(), z.number()).transform((numbers) =>
  Object.fromEntries(
    Object.entries(numbers)
      .filter(([name, value]) => progressNumbers.safeParse({ [name]: value }).success)
      .slice(0, mostNumbers),
  ),
);
