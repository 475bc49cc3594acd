/** How far an index was written or applied, as users are told it: `<epoch>@<sequence>`. Sequences of one epoch can be compared. Pure. */

interface Place {
  readonly epoch: string;
  readonly sequence: number;
}

/** Of a text that is no place, an epoch that no server has. */
export function readPlace(place: string): Place {
  const [epoch = '', sequence] = place.split('@');
  return { epoch, sequence: Number(sequence) };
}

/** Whether a place is of the epoch of another one. */
export const isOfEpoch = (place: string, other: string): boolean =>
  readPlace(place).epoch === readPlace(other).epoch;
