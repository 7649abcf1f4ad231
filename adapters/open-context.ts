/** What every adapter gets when it is opened, besides its own options. */
export interface OpenContext {
  /** Absolute path of the project folder: relative paths of options are below it. */
  root: string;
  /**
   * The value behind a secret reference (`env:NAME`, `file:PATH`). Throws `E_SECRET_REF` when there is none.
   * Asked when a connection is made, never kept longer than the connection.
   */
  secret(ref: string): string;
  /** The value behind `vault:NAME/PATH`, for the secrets of jobs. Absent where the environment has no vaults. */
  vault?(ref: string, signal?: AbortSignal): Promise<string>;
}
