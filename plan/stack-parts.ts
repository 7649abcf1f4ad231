/** The parts of the local stack, in the order in which they are shown. */
export const partNames = ['temporal', 's3', 'mlflow', 'prometheus', 'envoy', 'router', 'worker'] as const;
export type PartName = (typeof partNames)[number];

/** Those that have an address: what `stack:<part>` in a configuration can name. */
export const addressedParts: readonly PartName[] = partNames.filter((name) => name !== 'worker');
