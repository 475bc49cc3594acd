/**
 * The limits of something that clients share, such as a queue or a workflow, as its clients declare them. They are kept
 * where they are obeyed: a client that declares none leaves them as they are, one that declares a higher version
 * replaces them.
 *
 * Guarantees: two clients that declare different limits under one version are not both obeyed: the second gets an
 * error.
 */
import { MisuseError } from './errors.js';
import { duration, group, optional, type Readers, whole, withDefault } from './option-readers.js';

/** At most `max` within a time, in ms: in any span of that length, wherever it begins. */
export interface Rate {
  readonly max: number;
  readonly per: number;
}

const MOST = 1e9;

export const readRate = optional(
  group({ max: whole(1, MOST), per: duration({ min: 1 }) } satisfies Readers<Rate>),
);

/** The version of the limits, and the most that may wait, be under way at a time, and begin within a time. */
export const COMMON_LIMITS = {
  version: withDefault(whole(1, MOST), 1),
  waiting: optional(whole(1, MOST)),
  concurrency: optional(whole(1, MOST)),
  rate: readRate,
};

interface Shared {
  readonly waiting: number | undefined;
  readonly concurrency: number | undefined;
  readonly rate: { readonly max: number; readonly per: number } | undefined;
}

/**
 * The share of a partition in limits: the shares differ by at most one, and add up to the whole. Throws MisuseError for
 * limits that leave a partition without any; `thing` and `advice` are words of its message.
 */
export function shareOf<L extends Shared>(
  limits: L,
  partition: { readonly index: number; readonly partitions: number },
  thing: string,
  advice: string,
): L {
  const { index, partitions } = partition;
  const divide = (option: string, most: number): number => {
    if (most >= partitions) return Math.floor(most / partitions) + (index < most % partitions ? 1 : 0);
    throw new MisuseError(
      `${option} of a ${thing} with ${partitions} partitions is at least ${partitions}, one for each; got ${most}. ${advice}.`,
    );
  };
  const { waiting, concurrency, rate } = limits;
  return {
    ...limits,
    waiting: waiting && divide('limits.waiting', waiting),
    concurrency: concurrency && divide('limits.concurrency', concurrency),
    rate: rate && { ...rate, max: divide('limits.rate.max', rate.max) },
  };
}

/**
 * The error if the limits that are kept have the same version as those that a client declares, but differ. `subject`
 * begins the message.
 */
export function differentLimits(
  subject: string,
  { kept, declared }: { readonly kept: string; readonly declared: string },
): MisuseError {
  return new MisuseError(
    `${subject} has the limits ${kept}; this client declares others under the same version: ${declared}. Declare the same everywhere, or give the new ones a higher version.`,
  );
}
