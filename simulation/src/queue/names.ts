/** The keys of the queue that is simulated. */
export const key = (name: string): string => `{queue:q}:${name}`;

/** Where each completion leaves a mark, by the name of the task, in the script that completes the task. */
export const EFFECTS = '{queue:q}:effects';

/** The id of a follow-up, which is its name too; and whether an id is one: the tasks before it have ids with a slash. */
export const followUpId = (name: string): string => `after ${name}`;
export const isFollowUp = (id: string): boolean => id.startsWith('after ') && !id.includes('/');

/** Begins the names of long tasks of the end. */
export const FILL = 'fill ';
