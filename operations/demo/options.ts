export interface DemoOptions {
  /** The project folder. */
  root: string;
  /** A person approves, in the Temporal UI or by command. */
  wait: boolean;
  /** Leave the stack running afterwards. */
  keep: boolean;
  env: Record<string, string | undefined>;
  print: (line: string) => void;
  /** Ends the demo early; its stack is ended all the same. */
  signal: AbortSignal;
}
