import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isAlive, type ProcessRecord, recordOf, writeFileAtomic } from '../processes/index.js';

/** An activity that runs in this process. */
export interface InFlight {
  /** Tells it from all others, the same in each of its tries. */
  id: string;
  /** No other one that is suspected runs beside it. */
  alone: boolean;
  /** When it began, ms since the epoch; absent in marks of older builds. */
  since?: number;
}

/** Deaths that are put down to one activity. */
export interface Count {
  deaths: number;
  /** How long it had run at the last of them, ms. */
  ageMs: number;
}

/** What a process writes down of itself while it lives. */
interface Marks {
  host: string;
  process: ProcessRecord;
  inFlight: InFlight[];
}

/** A mark tells by its time until when its process lived: it is written again so often while something runs. */
const refreshMs = 5_000;
/** Deaths within the first minute are of one kind. */
const earlyMs = 60_000;
/** What kills its process by its own work does so after about the same time each time; what others kill, does not. */
const alikeRatio = 1.25;
/** Counts older than this are of no run that is still tried. */
const keptMs = 7 * 86_400_000;

/**
 * With how many deaths of worker processes an activity has to do. Each process writes down what runs in it; the next one that
 * starts on this machine in the same folder counts what it finds there of dead ones.
 */
export class Deaths {
  private readonly folder: string;
  private readonly file: string;
  private readonly marks: Marks;
  private descriptor: number | undefined;
  private written = 0;
  private closed = false;
  private readonly refreshing: NodeJS.Timeout;

  private constructor(folder: string) {
    this.folder = folder;
    const facts = { marker: '', command: 'worker', args: [], logFile: '' };
    this.marks = { host: hostname(), process: recordOf(process.pid, facts), inFlight: [] };
    this.file = join(folder, `${process.pid}-${randomUUID()}.marks.json`);
    this.refreshing = setInterval(() => this.marks.inFlight.length > 0 && this.write(), refreshMs).unref();
  }

  /** Counts the deaths that nobody has counted. Throws when nothing can be written below `folder`. */
  static async open(folder: string): Promise<Deaths> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const deaths = new Deaths(folder);
    for (const name of readdirSync(folder)) {
      if (name.endsWith('.marks.json')) await deaths.countDeath(join(folder, name));
      else if (name.endsWith('.count.json')) await deaths.forgetOld(join(folder, name));
    }
    return deaths;
  }

  /**
   * How many processes died with this activity in them: of those with one that ran alone, only that one counts. All of them at
   * about the same age of it; another begins the count anew.
   */
  async of(id: string): Promise<Count> {
    return await readCount(this.countFile(id));
  }

  /** Says that it runs. The answer takes it off again: it ended, or is no danger any more. */
  begin(activity: InFlight): () => void {
    this.marks.inFlight.push(activity);
    this.write();
    return () => {
      const at = this.marks.inFlight.indexOf(activity);
      if (at === -1) return;
      this.marks.inFlight.splice(at, 1);
      this.write();
    };
  }

  /** It is no danger. */
  async clear(id: string): Promise<void> {
    await rm(this.countFile(id), { force: true });
  }

  /** The process ends as it should, or was told to: however it ends from now on, nothing in it is to blame. */
  close(): void {
    this.closed = true;
    clearInterval(this.refreshing);
    this.closeFile();
    rmSync(this.file, { force: true });
  }

  /**
   * At once, as the very next thing that happens may be the end; in one piece, so that no death leaves half of it. Without
   * the disk, runs go on.
   */
  private write(): void {
    if (this.closed) return;
    try {
      this.descriptor ??= this.create();
      const text = Buffer.from(JSON.stringify(this.marks));
      // Blanks cover what was longer before.
      const whole = Buffer.alloc(Math.max(text.length, this.written), ' ');
      text.copy(whole);
      this.written = writeSync(this.descriptor, whole, 0, whole.length, 0);
    } catch {
      this.closeFile();
    }
  }

  /** Never there without its marks: who starts meanwhile would take an empty one for that of a dead process. */
  private create(): number {
    const begun = `${this.file}.begun`;
    writeFileSync(begun, JSON.stringify(this.marks), { mode: 0o600 });
    renameSync(begun, this.file);
    return openSync(this.file, 'r+');
  }

  private closeFile(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor);
    this.descriptor = undefined;
  }

  private async countDeath(file: string): Promise<void> {
    const marks = readMarks(file);
    const livedUntil = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (marks !== undefined && marks.host !== hostname()) return this.forgetForeign(file);
    if (marks !== undefined && isAlive(marks.process)) return;
    // Two workers may start at once: one of them gets it.
    const claimed = `${file}.${randomUUID()}`;
    try {
      renameSync(file, claimed);
    } catch {
      return;
    }
    const inFlight = marks?.inFlight ?? [];
    const alone = inFlight.filter((activity) => activity.alone);
    // A try that was given up may still run beside its successor, which replaces it here.
    const blamed = new Map((alone.length > 0 ? alone : inFlight).map((activity) => [activity.id, activity]));
    for (const { id, since = livedUntil } of blamed.values()) await this.blame(id, Math.max(0, livedUntil - since));
    rmSync(claimed, { force: true });
  }

  private async blame(id: string, ageMs: number): Promise<void> {
    const before = await readCount(this.countFile(id));
    const deaths = before.deaths > 0 && alike(before.ageMs, ageMs) ? before.deaths + 1 : 1;
    await writeFileAtomic(this.countFile(id), JSON.stringify({ id, deaths, ageMs, at: Date.now() }), 0o600);
  }

  /** Of a machine that may live, or was never seen again. */
  private forgetForeign(file: string): void {
    const writtenAt = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (Date.now() - writtenAt > keptMs) rmSync(file, { force: true });
  }

  private async forgetOld(file: string): Promise<void> {
    if (Date.now() - (await readCount(file)).at > keptMs) await rm(file, { force: true });
  }

  private countFile(id: string): string {
    return join(this.folder, `${createHash('sha256').update(id).digest('hex')}.count.json`);
  }
}

function readMarks(file: string): Marks | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Marks;
  } catch {
    return undefined;
  }
}

function alike(a: number, b: number): boolean {
  const older = Math.max(a, b);
  return older <= earlyMs || older <= Math.min(a, b) * alikeRatio;
}

async function readCount(file: string): Promise<Count & { at: number }> {
  const none = { deaths: 0, ageMs: 0, at: 0 };
  // Nearly always there is none, and every activity asks.
  if (!existsSync(file)) return none;
  try {
    return { ...none, ...(JSON.parse(await readFile(file, 'utf8')) as Partial<Count>) };
  } catch {
    return none;
  }
}
