/** Keeps secrets for others. */
export interface Vault {
  /**
   * The secret at a path, as the vault spells paths. Asked each time that a job starts, never kept.
   * Throws `E_UNAVAILABLE` (75) when the same may succeed later, `E_VAULT` (77) when it is not given, with the vault's reason.
   */
  read(path: string, signal?: AbortSignal): Promise<string>;
}
