import { exitCodes, SlipwayError } from '../plan/errors.js';
import { freePort, tryMachineLock } from '../processes/index.js';

const attempts = 20;

/**
 * Chooses ports and keeps them from other stacks that start at the same moment until `release` is called
 * (by then the servers listen).
 */
export class PortChoice {
  readonly #held: (() => Promise<void>)[] = [];

  /**
   * One port of 127.0.0.1.
   *
   * @param o.fixed this one or an error; @param o.preferred in order, those that are taken are passed over
   * @throws SlipwayError E_ADDRESS when a fixed port is taken
   */
  async choose(name: string, o: { fixed?: number | undefined; preferred: readonly number[] }): Promise<number> {
    for (const port of o.fixed === undefined ? o.preferred : [o.fixed]) {
      if ((await freePort(port)) === port && (await this.#hold(port))) return port;
    }
    if (o.fixed !== undefined) throw portTaken(name, o.fixed);
    for (let i = 0; i < attempts; i++) {
      const port = await freePort();
      if (await this.#hold(port)) return port;
    }
    throw new Error(`No free port was found for ${name}.`);
  }

  async release(): Promise<void> {
    await Promise.all(this.#held.splice(0).map((release) => release()));
  }

  async #hold(port: number): Promise<boolean> {
    const release = await tryMachineLock(`port ${port}`);
    if (release !== undefined) this.#held.push(release);
    return release !== undefined;
  }
}

function portTaken(name: string, port: number): SlipwayError {
  return new SlipwayError(
    {
      code: 'E_ADDRESS',
      where: `port ${name}`,
      message: `port ${port} of 127.0.0.1 is taken by another program`,
      fix: `End that program (\`ss -ltnp 'sport = :${port}'\` names it), or leave the port out and a free one is chosen.`,
    },
    exitCodes.configuration,
  );
}
