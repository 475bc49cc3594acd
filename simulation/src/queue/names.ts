/** The keys of the queue that is simulated. */
export const key = (name: string): string => `{queue:q}:${name}`;

/** Where each completion leaves a mark, by the name of the task, in the script that completes the task. */
export const EFFECTS = '{queue:q}:effects';
